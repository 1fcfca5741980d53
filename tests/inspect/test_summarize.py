"""Summaries: columns added again, paths that join the graph, and each number against an independent way to it."""

from __future__ import annotations

import re
from math import prod

import pytest
import torch
import torchinfo
from hypothesis import given, settings
from pydantic import ValidationError
from torch import nn

from resnet_viz.inspect import layers, summarize, trace
from resnet_viz.nn import build
from resnet_viz.nn.networks import ResidualNetwork
from resnet_viz.spec import (
    Block,
    Head,
    Init,
    Input,
    Lane,
    LaneConv,
    Network,
    SpecError,
    Stage,
    Stem,
    preset,
    presets,
)
from tests.strategies import networks

FEW = settings(max_examples=20, deadline=None)
SMALL = [name for name in presets() if preset(name).blocks < 300]


def assert_adds_up(network: Network) -> None:
    summary = summarize(network)
    model = build(network, "meta")
    assert summary.agrees
    assert summary.params == sum(parameter.numel() for parameter in model.parameters())
    assert summary.params == sum(row.params for row in summary.rows)
    assert summary.macs == sum(row.macs for row in summary.rows)
    assert summary.macs_torchinfo == sum(row.macs_torchinfo for row in summary.rows)
    assert summary.activations == sum(prod(row.shape) for row in summary.rows if row.kind in ("conv", "linear"))
    for row in summary.rows:
        module = model.get_submodule(row.path)
        assert row.params == sum(parameter.numel() for parameter in module.parameters())
        biases = prod(row.shape) if getattr(module, "bias", None) is not None and row.kind == "conv" else 0
        if row.kind == "conv":
            assert row.macs_torchinfo == row.macs + biases
    nodes = {n.path: n for n in trace(network, "op").nodes if n.kind in ("conv", "norm", "linear", "add")}
    assert [(row.path, row.kind, row.shape, row.params, row.macs, row.stage, row.block) for row in summary.rows] == [
        (n.path, n.kind, n.shape, n.params, n.macs, n.stage, n.block) for n in nodes.values()
    ]
    assert summary.params == sum(node.params for node in trace(network, "stage").nodes)


@pytest.mark.parametrize("name", SMALL)
def test_columns_of_every_preset_add_up(name: str) -> None:
    assert_adds_up(preset(name))


def assert_counts_are_torchinfos(network: Network) -> None:
    """Over the whole network, also of the layers that pieces let through: torchinfo runs them here."""
    image = torch.empty(2, network.input.channels, network.input.height, network.input.width, device="meta")
    told = torchinfo.summary(build(network, "meta"), input_data=[image], device="meta", mode="eval", depth=9, verbose=0)
    summary = summarize(network)
    assert (summary.params_torchinfo, 2 * summary.macs_torchinfo) == (told.total_params, told.total_mult_adds)


@FEW
@given(networks())
def test_layers_are_the_modules_with_a_kernel_or_a_matrix(network: Network) -> None:
    model = build(network).eval()
    called: list[tuple[str, tuple[int, ...]]] = []
    for path, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(lambda _m, _i, out, path=path: called.append((path, tuple(out.shape[1:]))))
    model(torch.randn(2, network.input.channels, network.input.height, network.input.width))
    found = layers(network)
    assert [layer.path for layer in found] == [path for path, _ in called]
    for layer, (path, shape) in zip(found, called, strict=True):
        assert (layer.channels, layer.height, layer.width) == (*shape, 1, 1)[:3]
        assert layer.kind == ("linear" if path == "fc" else "conv")
        assert layer.projection == bool(re.search(r"downsample|\.gate\.|\.se\.", path))
        place = (0, 0)
        if path.startswith("layer"):
            stage, block = path.split(".")[:2]
            place = (int(stage[5:]), int(block) + 1)
        assert (layer.stage, layer.block) == place
    if all(block.branch != "paths" and block.form == "grouped" for block in network.each):
        assert sum(not layer.projection for layer in found) == network.depth


def seen_pixels(network: Network) -> int:
    """Width of the patch of an image that the middle of the last feature map depends on, by its gradient."""
    model = ResidualNetwork(network).to_empty(device="cpu").double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.01 if parameter.dim() > 1 else 0.0)
    features = nn.Sequential(*list(model.children())[:-2])
    size = network.input.height
    image = torch.ones(1, network.input.channels, size, size, dtype=torch.float64, requires_grad=True)
    out = features(image)
    middle = out[0, 0, out.shape[2] // 2, out.shape[3] // 2]
    (grad,) = torch.autograd.grad(middle, image)
    rows = grad[0].abs().sum((0, 2)).nonzero()
    return int(rows.max() - rows.min()) + 1


@pytest.mark.parametrize("merge", ["none", "add"])
@pytest.mark.parametrize("branch", ["basic", "bottleneck"])
@pytest.mark.parametrize("stride_on", ["1x1", "3x3"])
def test_the_receptive_field_is_where_the_gradient_reaches(merge: str, branch: str, stride_on: str) -> None:
    block = Block.model_validate(
        {"merge": merge, "branch": branch, "stride_on": stride_on, "width": 2, "norm": "none", "shortcut": "B"}
    )
    network = Network(
        input=Input(channels=1, height=128, width=128),
        stem=Stem(width=2, kernel=5, stride=2, norm="none"),
        stages=(Stage(blocks=2, block=block), Stage(blocks=2, stride=2, block=block)),
    )
    summary = summarize(network)
    assert summary.receptive_field == seen_pixels(network) < 128
    fields = {row.path: row.receptive_field for row in summary.rows}
    assert fields["conv1"] == 5
    assert fields[f"layer2.1.conv{2 if branch == 'basic' else 3}"] == summary.receptive_field


def test_the_stride_of_the_field_is_that_of_the_map() -> None:
    """Input pixels between neighbours: the product of the strides so far, which for these sizes is image over map."""
    summary = summarize(preset("resnet50"))
    strides = {row.path: row.field_stride for row in summary.rows}
    assert (strides["conv1"], strides["layer1.0.conv1"], summary.field_stride) == (2, 4, 32)
    assert all(row.field_stride * row.shape[1] == 224 for row in summary.rows if row.kind in ("conv", "norm", "add"))


def test_the_field_is_that_of_the_structure_and_paths_are_those_of_the_strengths() -> None:
    whole = preset("tiny_resnet8")
    stages = tuple(
        stage.model_copy(update={"block": stage.block.model_copy(update={"beta": 0.0})}) for stage in whole.stages
    )
    cut, full = summarize(whole.model_copy(update={"stages": stages})), summarize(whole)
    assert [row.receptive_field for row in cut.rows] == [row.receptive_field for row in full.rows]
    assert (cut.receptive_field, cut.paths != full.paths) == (25, True)


def test_attention_does_not_widen_the_field() -> None:
    plain = preset("resnet50")
    stages = tuple(
        stage.model_copy(update={"block": stage.block.model_copy(update={"attention": "squeeze_excitation"})})
        for stage in plain.stages
    )
    assert summarize(plain.model_copy(update={"stages": stages})).receptive_field == summarize(plain).receptive_field


def test_a_gate_with_a_3x3_sees_as_far_as_its_kernel() -> None:
    """The 1x1 branch path sees one pixel; the gate's 3x3 makes the sum depend on its neighbours."""
    lane = Lane(convs=(LaneConv(kernel=1, width=4),))
    block = Block(branch="paths", paths=(lane,), merge="highway", gate_kernel=3, norm="none", width=4)
    network = Network(
        input=Input(channels=1, height=32, width=32), stem=Stem(width=4, norm="none"), stages=(Stage(block=block),)
    )
    assert summarize(network).receptive_field == 5


def test_intensity_of_one_convolution_by_hand() -> None:
    """conv1 of ResNet-50: 3 x 224 x 224 and 9,408 weights in, 64 x 112 x 112 out, 118 M multiply-adds."""
    summary = summarize(preset("resnet50"))
    row = summary.rows[0]
    values = 3 * 224 * 224 + 64 * 112 * 112
    assert (row.path, row.moved) == ("conv1", values)
    assert row.intensity() == 2 * 64 * 112 * 112 * 147 / (4 * (9408 + values))
    assert row.intensity(32) == 32 * 2 * 64 * 112 * 112 * 147 / (4 * (9408 + 32 * values))
    assert {row.intensity() for row in summary.rows if row.kind in ("norm", "add")} == {0}


@FEW
@given(networks())
def test_moved_values_are_what_the_modules_read_and_write(network: Network) -> None:
    model = build(network).eval()
    moved: dict[str, int] = {}

    def note(path: str, inputs: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
        moved[path] = sum(tensor[0].numel() for tensor in (*inputs, out))

    for path, module in model.named_modules():
        module.register_forward_hook(
            lambda _m, inputs, out, path=path: None if isinstance(inputs[0], list) else note(path, inputs, out)
        )
    model(torch.randn(2, network.input.channels, network.input.height, network.input.width))
    summary = summarize(network)
    assert [row.moved for row in summary.rows] == [moved[row.path] for row in summary.rows]
    for batch in (1, 7):
        read = 4 * (summary.params + batch * sum(row.moved for row in summary.rows))
        assert summary.intensity(batch) == pytest.approx(2 * batch * summary.macs / read)


def test_the_head_sees_the_whole_map() -> None:
    rows = summarize(preset("tiny_plain8")).rows
    assert [row.receptive_field for row in rows if row.kind == "conv"] == [3, 5, 7, 9, 13, 17, 25]
    # The last map is 2 x 2, its neighbours 4 pixels apart.
    assert rows[-1].receptive_field == 25 + 4


def test_rows_read_like_a_table() -> None:
    rows = {row.path: row.operation for row in summarize(preset("resnext50_32x4d")).rows}
    assert rows["conv1"] == "7 × 7 convolution, 3 → 64, stride 2"
    assert rows["bn1"] == "batch norm"
    assert rows["layer2.0.conv2"] == "3 × 3 convolution, 256 → 256, stride 2, 32 groups"
    assert rows["layer2.0.add"] == "addition of the projection shortcut"
    assert rows["layer2.1.add"] == "addition of the identity shortcut"
    assert rows["fc"] == "linear, 2048 → 1000"


def test_summaries_leave_the_random_state_alone() -> None:
    torch.manual_seed(2)
    before = torch.get_rng_state()
    summarize(preset("tiny_resnet8").model_copy(update={"stem": Stem(width=5)}))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_initialisation_changes_no_count() -> None:
    network = preset("tiny_resnet8")
    assert summarize(network.model_copy(update={"init": Init(scheme="xavier"), "name": "x"})) == summarize(network)


def test_refusals() -> None:
    small = preset("tiny_resnet8").model_copy(update={"input": Input(channels=1, height=1, width=8)})
    told = (
        "Stage 2, block 1 has stride 2, but only 1 x 8 pixels reach it: use a larger input, or a smaller stride "
        "before it."
    )
    for function in (summarize, layers):
        with pytest.raises(SpecError) as refusal:
            function(small)
        assert str(refusal.value) == told
    with pytest.raises(SpecError) as refusal:
        summarize(preset("tiny_resnet8"), batch=0)
    assert str(refusal.value) == "batch is 0: it must be a whole number of at least 1."
    with pytest.raises(ValidationError):
        summarize(preset("tiny_resnet8").model_copy(update={"head": Head().model_copy(update={"classes": 1})}))
