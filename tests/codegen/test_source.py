"""What the exported source reads like, what it depends on, and that nobody's words break out of its comments."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from resnet_viz import build
from resnet_viz.codegen import source, to_source
from resnet_viz.codegen.header import one_liner
from resnet_viz.spec import (
    Block,
    DropPath,
    Init,
    Input,
    Network,
    Override,
    ShareError,
    SpecError,
    Stage,
    Stem,
    encode,
    preset,
    preset_info,
    presets,
)  # fmt: skip
from tests.codegen.exported import assert_equal, imported, made, unformatted

TINY = Network(name="one", input=Input(channels=1, height=8, width=8), stages=(Stage(blocks=2, block=Block()),))


def code_lines(text: str) -> list[str]:
    """Lines below the header that are not blank."""
    body = text.split('"""\n', 2)[2] if text.startswith('"""') else text
    return [line for line in body.splitlines() if line.strip()]


def test_a_resnet18_reads_like_torchvisions() -> None:
    text = to_source(preset("resnet18"))
    lines = code_lines(text)
    assert 45 <= len(lines) <= 75
    for line in (
        "class BasicBlock(nn.Module):",
        "        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)",
        "        out = self.relu(self.bn1(self.conv1(x)))",
        "        return self.relu(out + self.downsample(x))",
        "        self.layer2 = make_layer(64, 128, blocks=2, stride=2)",
        "class ResNet(nn.Module):",
        "# The same network elsewhere: torchvision.models.resnet18()",
    ):
        assert line in text.splitlines(), line
    for unused in ("groups", "alpha", "Drop", "Gate", "Squeeze", "F.pad", "OrderedDict", "gcd"):
        assert unused not in text


def test_repetition_is_a_loop_whatever_the_depth() -> None:
    short, deep = (to_source(preset(name)) for name in ("tiny_resnet8", "cifar_resnet1202"))
    assert "for _ in range(blocks):" in short
    assert len(code_lines(short)) == len(code_lines(deep)) <= 65


def test_one_other_block_leaves_loops_around_it() -> None:
    stage = Stage(blocks=9, block=Block(), overrides=(Override(index=4, block=Block(alpha=0.5)),))
    text = to_source(TINY.model_copy(update={"stages": (stage,)}))
    assert "\n".join((
        "        self.layer1 = nn.Sequential(",
        "            *[BasicBlock(16, 16) for _ in range(3)],",
        "            BasicBlock(16, 16, alpha=0.5),",
        "            *[BasicBlock(16, 16) for _ in range(5)],",
        "        )",
    )) in text  # fmt: skip


def test_the_header_names_source_and_link() -> None:
    for name in ("cifar_resnet20", "plain18"):
        said = ast.get_docstring(ast.parse(to_source(preset(name)))) or ""
        assert said.startswith(f"{name}: ") and preset_info(name).source in said
        assert encode(preset(name)) in said and "Written by ResNet Viz" in said
    said = ast.get_docstring(ast.parse(to_source(TINY))) or ""
    assert encode(TINY) in said and "Source:" not in said


def test_a_network_too_large_for_a_link_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(network: Network) -> str:
        raise ShareError("too large: use a spec file.")

    monkeypatch.setattr("resnet_viz.codegen.header.encode", refuse)
    assert "(none: too large: use a spec file.)" in to_source(TINY)


def test_a_one_liner_only_for_the_very_network() -> None:
    net = preset("resnet50")
    assert one_liner(net) == "torchvision.models.resnet50()"
    assert one_liner(net.model_copy(update={"name": "mine"})) == "torchvision.models.resnet50()"
    other = net.model_copy(update={"init": Init(zero_last=True)})
    assert one_liner(other) == one_liner(preset("cifar_resnet20")) == "" and "elsewhere" not in to_source(other)
    for name in ("resnetv2_50", "seresnet50"):
        if name in presets():
            assert one_liner(preset(name)) == f'timm.create_model("{name}")'


def test_presets_are_made_once_for_all_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    one_liner(TINY)

    def made(name: str) -> Network:
        raise AssertionError(name)

    monkeypatch.setattr("resnet_viz.codegen.header.preset", made)
    assert one_liner(preset("resnet50").model_copy(update={"name": "mine"})) == "torchvision.models.resnet50()"
    assert one_liner(TINY) == ""


@pytest.mark.parametrize("style", ["explicit", "lazy"])
def test_every_preset_gives_its_module_and_is_formatted(style: str, tmp_path: Path) -> None:
    for name in presets():
        if style == "lazy" and preset(name).depth > 120:  # the same text with larger numbers, and a long first batch
            continue
        text = to_source(preset(name), style)  # type: ignore[arg-type]
        module = imported(text, tmp_path)
        with torch.device("meta"):
            net = preset(name)
            model = getattr(module, module.__all__[0])()
            if style == "lazy":
                model(torch.empty(2, net.input.channels, net.input.height, net.input.width))
            theirs = {key: tuple(value.shape) for key, value in model.state_dict().items()}
        ours = {key: tuple(value.shape) for key, value in build(net, device="meta").state_dict().items()}
        assert list(theirs.items()) == list(ours.items()), name
    assert unformatted(tmp_path) == ""


HOSTILE = (
    '"""; import os', 'x"""\\', "\\", "'''", '"', "#{}", "{name}", "import resnet_viz", "a\\nimport os",
    "ℝéß → 深い 🚀",    "\\N{BULLET}", "\\x", "%s", "class ResNet:", "__import__('os')", "a" * 80, '"' * 80, "\\" * 79,
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_inside_the_docstring(name: str, tmp_path: Path) -> None:
    for style in ("explicit", "lazy"):
        plain = to_source(TINY.model_copy(update={"name": "one"}), style)  # type: ignore[arg-type]
        text = to_source(TINY.model_copy(update={"name": name}), style)  # type: ignore[arg-type]
        assert "import resnet_viz" not in text and "import os" not in text.split('"""')[2]
        imported(text, tmp_path)
        mine, other = ast.parse(text), ast.parse(plain)
        assert ast.dump(ast.Module(mine.body[1:], [])) == ast.dump(ast.Module(other.body[1:], []))
    assert unformatted(tmp_path) == ""


WIDE = (
    Block(merge="highway", alpha=-0.12345678901234568, beta=-0.12345678901234568, order="bn_after_addition",
          shortcut="C", shortcut_dropout=0.12345678901234568, gate_bias=-1.2345678901234567e-30),
    Block(branch="bottleneck", merge="shortcut_gate", order="preactivation", alpha=-0.12345678901234568,
          shortcut_dropout=0.12345678901234568, norm="group", width=64, cardinality=32, form="split_sum",
          attention="squeeze_excitation"),
)  # fmt: skip


def test_long_numbers_stay_formatted_and_equal(tmp_path: Path) -> None:
    stages = (
        Stage(blocks=3, stride=2, block=WIDE[0]),
        Stage(blocks=3, stride=2, block=WIDE[1], overrides=(Override(index=2, block=WIDE[0]),)),
        Stage(blocks=3, block=Block(branch="paths", width=33, norm="group", order="preactivation")),
    )
    stem = Stem(width=1000, kernel=11, norm="layer", bias=True)
    net = TINY.model_copy(update={"stages": stages, "stem": stem, "drop_path": DropPath(survival=0.7123456789012345)})
    for style in ("explicit", "lazy"):
        assert_equal(net, style, tmp_path)  # type: ignore[arg-type]
    assert unformatted(tmp_path) == ""


def test_lines_belong_to_modules() -> None:
    net = preset("resnext50_32x4d")
    found = source(net)
    lines = found.text.splitlines()

    def at(path: str) -> str:
        first, last = found.find(path) or (0, 0)
        return " ".join(line.strip() for line in lines[first - 1 : last])

    assert at("conv1").startswith("self.conv1 = nn.Conv2d(3, 64") and at("fc").startswith("self.fc = nn.Linear(")
    assert at("layer2") == "self.layer2 = make_layer(256, 256, 512, blocks=4, stride=2)"
    assert at("layer1.0").startswith("class ResNeXtBlock") and at("layer4.2") == at("layer1.0")
    assert at("layer3.5.conv2").startswith("self.conv2 = nn.Conv2d( width, width, 3, stride")
    assert at("layer1.0.downsample.0").startswith("nn.Conv2d(in_channels, out_channels, 1")
    assert at("layer1.0.add") == "return self.relu(out + self.downsample(x))"
    assert found.find("layer9") is None and found.find("") is None
    assert all(1 <= first <= last <= len(lines) for first, last in found.lines.values())


def test_every_module_has_its_line() -> None:
    stages = (
        Stage(blocks=2, stride=2, block=WIDE[1]),
        Stage(blocks=2, block=Block(branch="paths", width=8, merge="highway", shortcut="C")),
        Stage(blocks=2, stride=2, block=Block(shortcut="A", width=64, attention="squeeze_excitation")),
    )
    net = TINY.model_copy(update={"stages": stages})
    found = source(net)
    lines = found.text.splitlines()
    for path, module in build(net, device="meta").named_modules():
        if not path:
            continue
        place = found.find(path)
        assert place is not None, path
        if "paths." in path and any(True for _ in module.parameters(recurse=False)):
            assert type(module).__name__ in lines[place[0] - 1] or "group_norm" in lines[place[0] - 1], path


def test_a_style_that_there_is_not_and_a_network_that_cannot_be() -> None:
    with pytest.raises(SpecError, match=r"^style 'short' is not known: use 'explicit' or 'lazy'\.$"):
        to_source(TINY, "short")  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="which does not come out even"):
        to_source(TINY.model_copy(update={"stem": Stem(width=3), "stages": (Stage(block=Block(cardinality=2)),)}))


def test_drop_path_keeps_the_mean(tmp_path: Path) -> None:
    block = Block(shortcut="A")
    net = TINY.model_copy(
        update={"stages": (Stage(blocks=1, block=block),), "drop_path": DropPath(survival=0.5, decay="constant")}
    )
    model = made(net, "explicit", tmp_path)
    drop = next(module for name, module in model.named_modules() if name.endswith("drop_path"))
    x = torch.ones(1, 2, 3, 3)
    torch.manual_seed(0)
    values = {float(drop(x).unique()) for _ in range(40)}
    assert values == {0.0, 2.0} and torch.equal(drop.eval()(x), x)


def test_the_file_needs_nothing_but_torch(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(to_source(preset("tiny_resnet20"), "lazy"), encoding="utf-8")
    check = (
        "import sys; sys.path.insert(0, sys.argv[1]); import net, torch; model = getattr(net, net.__all__[0])().eval();"
        "print(tuple(model(torch.zeros(2, 1, 8, 8)).shape), sum(p.numel() for p in model.parameters()),"
        "[m for m in sys.modules if m.startswith('resnet_viz')])"
    )
    command = [sys.executable, "-I", "-c", check, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    count = sum(p.numel() for p in build(preset("tiny_resnet20"), device="meta").parameters())
    assert done.stdout.strip() == f"(2, 10) {count} []", done.stderr
