"""The presets: what the literature has, and every name in exactly one family."""

from __future__ import annotations

import pytest

from resnet_viz.spec import Network, checked, preset, preset_groups, preset_info, presets
from resnet_viz.spec.shapes import block_shapes, problems

NAMED = {
    *(f"tiny_{kind}{depth}" for kind in ("plain", "resnet") for depth in (8, 20, 32, 56)),
    *(f"cifar_resnet{depth}" for depth in (20, 32, 44, 56, 110, 1202)),
    *(f"cifar_plain{depth}" for depth in (20, 32, 44, 56, 110)),
    "resnet18", "resnet34", "resnet50", "plain18", "plain34", "resnext50_32x4d", "preact_resnet110",
}  # fmt: skip


def test_the_promised_names_are_there() -> None:
    assert set(presets()) >= NAMED


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


@pytest.mark.parametrize("name", [name for name in presets() if "32x4d" not in name])
def test_depth_is_the_number_in_the_name(name: str) -> None:
    assert preset(name).depth == int("".join(c for c in name if c.isdigit()))


def test_an_unknown_name_lists_those_that_there_are() -> None:
    with pytest.raises(ValueError) as refusal:
        preset("resnet19")
    assert refusal.value.args[0] == f"no preset is called 'resnet19'; the presets are: {', '.join(presets())}"


def test_shapes_of_resnet50_are_those_of_table_1() -> None:
    rows = block_shapes(preset("resnet50"))
    last_of_stage = {row.stage: row.leaves for row in rows}
    assert last_of_stage == {1: (256, 56, 56), 2: (512, 28, 28), 3: (1024, 14, 14), 4: (2048, 7, 7)}
    assert [(row.stage, row.block) for row in rows if row.changes] == [(1, 1), (2, 1), (3, 1), (4, 1)]
