"""The short data of share texts: which base is taken, how changes fold, and what is refused before it is spread out."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from resnet_viz.spec import Comparison, Experiment, Network, ShareError, plain_twin, preset
from resnet_viz.spec.block import LanePool
from resnet_viz.spec.compact import POOLS, expand, lanes_data, lanes_text, shrink


def edited(name: str = "resnet50", **blocks: list[Any]) -> Network:
    """The preset with these fields in the blocks of its stages, one value a stage, named as the playground does."""
    raw = preset(name).model_dump()
    for field, values in blocks.items():
        for stage, value in zip(raw["stages"], values, strict=True):
            stage["block"][field] = value
    return Network.model_validate(raw | {"name": f"{name} edited"})


def test_every_pool_has_its_letter() -> None:
    assert set(POOLS) == set(get_args(LanePool))
    assert len(set(POOLS.values())) == len(POOLS)


def test_one_change_is_one_entry() -> None:
    found = shrink(edited(norm=["batch", "group", "batch", "batch"]))
    assert found == {"name": "resnet50 edited", "stages": {"2": {"block": {"norm": "group"}}}}


def test_the_same_change_in_all_stages_is_said_once() -> None:
    found = shrink(edited(norm=["group"] * 4))
    assert found == {"name": "resnet50 edited", "stages": {"*": {"block": {"norm": "group"}}}}


def test_a_value_that_one_stage_had_already_folds_too() -> None:
    assert shrink(edited(width=[128] * 4))["stages"] == {"*": {"block": {"width": 128}}}


def test_other_numbers_of_stages() -> None:
    net = preset("resnet18")
    more = net.model_copy(update={"name": "resnet18 edited", "stages": (*net.stages, net.stages[-1])})
    fewer = net.model_copy(update={"name": "resnet18 edited", "stages": net.stages[:2]})
    for changed, count in ((more, 5), (fewer, 2)):
        assert shrink(changed) == {"name": "resnet18 edited", "stages": {"n": count}}
        assert Network.model_validate(expand(Network, shrink(changed))) == changed


def test_another_name_takes_the_nearest_preset() -> None:
    found = shrink(edited(norm=["group"] * 4).model_copy(update={"name": "mine"}))
    assert found == {"name": "mine", "of": "resnet50", "stages": {"*": {"block": {"norm": "group"}}}}


def test_a_name_that_tells_a_preset_in_vain() -> None:
    found = shrink(Network(name="resnet50"))
    assert found == {"name": "resnet50", "of": None}
    assert Network.model_validate(expand(Network, found)) == Network(name="resnet50")


def test_a_twin_is_what_differs_from_the_network_before_it() -> None:
    own = edited(alpha=[0.5] * 4, order=["preactivation"] * 4, width=[8, 24, 40, 72]).model_copy(
        update={"name": "mine"}
    )
    found = shrink(Comparison(networks=(own, plain_twin(own))))
    assert found["networks"][1] == {"name": "plain mine", "of": 0, "stages": {"*": {"block": {"merge": "none"}}}}
    pair = Experiment(contestants={"a": preset("tiny_plain8"), "b": preset("tiny_resnet8")})
    assert shrink(pair) == {"contestants": {"a": {"name": "tiny_plain8"}, "b": {"name": "tiny_resnet8"}}}


@pytest.mark.parametrize("text", ["", "1x16", "3x24/m,1x16,3x8/a,7x8192"])
def test_paths_are_one_text(text: str) -> None:
    assert lanes_text(lanes_data(text)) == text


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (5, "This share link is damaged (a network): ask for it once more."),
        ({"stages": 5}, "This share link is damaged (stages): ask for it once more."),
        ({"stages": {"n": 10**9}}, "This share link is damaged (the number of stages): ask for it once more."),
        ({"stages": {"n": 1.5}}, "This share link is damaged (the number of stages): ask for it once more."),
        ({"stages": {"2": {}}}, "This share link is damaged (a stage): ask for it once more."),
        ({"stages": {"1": 7}}, "This share link is damaged (a stage): ask for it once more."),
        ({"stages": {"1": {"overrides": []}}}, "This share link is damaged (overrides): ask for it once more."),
        ({"stages": {"1": {"overrides": {"x": {}}}}}, "This share link is damaged (a number): ask for it once more."),
        ({"stages": {"1": {"overrides": {"9" * 5000: {}}}}},
         "This share link is damaged (a number): ask for it once more."),
        ({"stages": {"1": {"block": {"paths": 3}}}}, "This share link is damaged (paths): ask for it once more."),
        ({"stages": {"1": {"block": {"paths": "1x²"}}}},
         "This share link is damaged (a number): ask for it once more."),
        ({"of": "resnet51"}, "This link is based on a preset that this version does not have: update ResNet Viz."),
        ({"of": 0}, "This link is based on a preset that this version does not have: update ResNet Viz."),
        ({"contestants": 1}, "This share link is damaged (contestants): ask for it once more."),
        ({"networks": {}}, "This share link is damaged (networks): ask for it once more."),
    ],
)  # fmt: skip
def test_what_cannot_be_spread_out_is_refused(data: Any, told: str) -> None:
    with pytest.raises(ShareError) as refusal:
        expand(Network, data)
    assert str(refusal.value) == told
