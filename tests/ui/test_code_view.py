"""What the code view sends to the browser: each place once, and a file name that can be imported."""

from __future__ import annotations

import pytest

from resnet_viz.codegen import source
from resnet_viz.spec import Block, Network, ShareError, Stage, encode, preset, presets, share
from resnet_viz.ui.code_view import file_name, folded, source_of


@pytest.mark.parametrize("name", ["resnext50_32x4d", "preact_resnet110", "tiny_plain8"])
def test_folding_loses_no_place(name: str) -> None:
    found = source(preset(name))
    small = folded(found)
    again = dict(small["own"])
    for block, kind in small["blocks"].items():
        again |= {f"{block}.{rest}" if rest else block: lines for rest, lines in small["kinds"][kind].items()}
    assert again == dict(found.lines)
    assert len(small["kinds"]) == 1


def test_a_source_is_written_once() -> None:
    net = preset("tiny_resnet8")
    assert source_of(net, "explicit") is source_of(net, "explicit")
    assert source_of(net, "lazy") == source(net, "lazy")


def test_a_network_too_large_for_a_link_has_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share, "MAX_TEXT", 10)
    net = Network(name="no preset", stages=(Stage(block=Block(alpha=0.123)),))
    with pytest.raises(ShareError):
        encode(net)
    assert "0.123" in source_of(net, "explicit").text


@pytest.mark.parametrize(
    ("name", "file"),
    [("resnet50", "resnet50.py"), ("../../etc/passwd", "etc_passwd.py"), ("50 layers", "net_50_layers.py"),
     ("→", "net.py"), ("a" * 80, "a" * 40 + ".py"), ('x"; import os', "x_import_os.py")],
)  # fmt: skip
def test_the_file_name_is_a_module_name(name: str, file: str) -> None:
    assert file_name(Network(name=name)) == file
    assert file.removesuffix(".py").isidentifier()


def test_every_preset_has_a_file_name_of_its_own() -> None:
    assert len({file_name(preset(name)) for name in presets()}) == len(presets())
