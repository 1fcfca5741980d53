"""The presets: what the literature has, and every name in exactly one family."""

from __future__ import annotations

import re

import pytest

from resnet_viz.spec import Network, checked, preset, preset_groups, preset_info, presets
from resnet_viz.spec.shapes import block_shapes, problems

TORCHVISION = {
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
    "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2",
}  # fmt: skip
NAMED = {
    *(f"tiny_{kind}{depth}" for kind in ("plain", "resnet") for depth in (8, 20, 32, 56)),
    *(f"cifar_resnet{depth}" for depth in (20, 32, 44, 56, 110, 1202)),
    *(f"cifar_plain{depth}" for depth in (20, 32, 44, 56, 110)),
    *TORCHVISION, "plain18", "plain34", "seresnet50",
    *(f"preact_resnet{depth}" for depth in (110, 164, 1001)),
    *(f"resnetv2_{depth}" for depth in (50, 101, 152)),
    "resnext29_8x64d", "resnext29_16x64d", "wrn_28_10", "wrn_16_8", "wrn_40_4", "highway_19", "highway_32",
    "d2l_resnet18", "d2l_resnext",
}  # fmt: skip


def test_the_promised_names_are_there() -> None:
    assert set(presets()) == NAMED


def test_groups_hold_every_name_once() -> None:
    listed = [name for names in preset_groups().values() for name in names]
    assert sorted(listed) == sorted(presets())


@pytest.mark.parametrize("name", presets())
def test_a_preset_is_valid_named_and_sourced(name: str) -> None:
    network = preset(name)
    assert checked(network) == network
    assert problems(network) == ()
    assert network.name == preset_info(name).name == name
    assert "arXiv" in preset_info(name).source
    assert network.is_plain is ("plain" in name)
    assert Network.model_validate_json(network.model_dump_json()) == network


@pytest.mark.parametrize("name", presets())
def test_depth_is_the_number_in_the_name(name: str) -> None:
    """A wide network's number counts three projections and not the linear layer (Zagoruyko 2016, Sect. 2)."""
    numbers = re.findall(r"\d+", name.replace("d2l", "").replace("resnetv2", ""))
    depth = int(numbers[0]) if numbers else 0
    expected = {"d2l_resnext": 26}.get(name, depth - 2 if name.startswith("wrn") else depth)
    assert preset(name).depth == expected


@pytest.mark.parametrize("name", presets())
def test_a_figure_stands_with_its_protocol_and_place(name: str) -> None:
    info = preset_info(name)
    if info.published_error is not None:
        assert 3 < info.published_error < 31
        assert info.protocol.startswith((info.dataset, f"{info.dataset} test"))
        assert info.table == "" or info.table in info.protocol or "1512.03385" in info.table
    assert bool(info.counts_from) == (info.published_parameters is not None or info.published_macs is not None)
    assert info.note == "" or info.note.endswith(".")
    for figure in info.figures:
        assert figure.protocol.startswith(figure.dataset)
        assert 3 < figure.error < 31


def test_one_network_may_have_figures_under_several_protocols() -> None:
    info = preset_info("preact_resnet1001")
    assert (info.published_error, info.protocol) == (
        4.92, "CIFAR-10 test, Table 4, median of 5 (mean 4.89 +- 0.14), batch 128"
    )  # fmt: skip
    assert [(figure.dataset, figure.error) for figure in info.figures] == [("CIFAR-10", 4.62), ("CIFAR-100", 22.71)]


def test_an_unknown_name_lists_those_that_there_are() -> None:
    with pytest.raises(ValueError) as refusal:
        preset("resnet19")
    assert refusal.value.args[0] == f"no preset is called 'resnet19'; the presets are: {', '.join(presets())}"


def test_shapes_of_resnet50_are_those_of_table_1() -> None:
    rows = block_shapes(preset("resnet50"))
    last_of_stage = {row.stage: row.leaves for row in rows}
    assert last_of_stage == {1: (256, 56, 56), 2: (512, 28, 28), 3: (1024, 14, 14), 4: (2048, 7, 7)}
    assert [(row.stage, row.block) for row in rows if row.changes] == [(1, 1), (2, 1), (3, 1), (4, 1)]
