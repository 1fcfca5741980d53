"""Twins differ in their shortcuts only; a network fitted to a data set says what was changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from resnet_viz.spec import (
    Block,
    Init,
    Lane,
    Network,
    SpecError,
    Stage,
    Stem,
    checked,
    differences,
    fit_to_dataset,
    plain_twin,
    preset,
    residual_twin,
)
from resnet_viz.spec.shapes import problems
from tests.strategies import drafts

ALLOWED = (
    "merge", "shortcut", "shortcut_dropout", "projection_norm", "alpha", "beta", "gate_bias", "gate_kernel",
    "drop_path.survival",
)  # fmt: skip


@given(drafts())
def test_a_plain_twin_differs_in_shortcuts_only(network: Network) -> None:
    twin = plain_twin(network)
    assert twin.is_plain
    assert plain_twin(twin).stages == twin.stages
    for field, _, _ in differences(network, twin):
        assert field.removeprefix("every stage: ").split(" ")[-1] in ALLOWED
    assert {problem.field for problem in problems(twin)} <= {problem.field for problem in problems(network)}


@given(drafts())
def test_a_residual_twin_has_a_shortcut_around_every_block(network: Network) -> None:
    twin = residual_twin(network)
    assert all(stage.block.merge == "add" for stage in twin.stages)
    assert plain_twin(twin).stages == plain_twin(network).stages


def test_names_say_what_a_twin_is() -> None:
    assert plain_twin(preset("cifar_resnet20")) == preset("cifar_plain20")
    assert residual_twin(preset("tiny_plain8")) == preset("tiny_resnet8")
    assert plain_twin(Network()).name == "plain network"
    assert plain_twin(preset("resnext50_32x4d")).name == "plain resnext50_32x4d"
    assert len(plain_twin(Network(name="n" * 80)).name) == 80
    assert residual_twin(plain_twin(preset("resnext50_32x4d"))).name == "resnext50_32x4d"


def test_a_plain_network_with_a_residual_name_gives_a_pair_whose_names_are_true() -> None:
    cut = plain_twin(preset("resnet18")).model_copy(update={"name": "resnet18 edited"})
    assert (plain_twin(cut).name, residual_twin(cut).name) == ("plain18 edited", "resnet18 edited")
    mine = cut.model_copy(update={"name": "mine"})
    assert (plain_twin(mine).name, residual_twin(mine).name) == ("plain mine", "residual mine")


@given(drafts())
def test_a_network_does_not_differ_from_itself(network: Network) -> None:
    assert differences(network, network) == ()
    assert differences(network, network.model_copy(update={"name": "another name"})) == ()


def test_differences_are_complete_and_folded() -> None:
    assert differences(preset("tiny_plain8"), preset("tiny_resnet8")) == (
        ("every stage: merge", "none", "add"),
        ("every stage: shortcut", "-", "A"),
    )
    assert differences(preset("resnet18"), preset("resnet50")) == (
        ("stage 1 blocks", "2", "3"),
        ("every stage: branch", "basic", "bottleneck"),
        ("stage 2 blocks", "2", "4"),
        ("stage 3 blocks", "2", "6"),
        ("stage 4 blocks", "2", "3"),
    )


def test_a_stage_that_is_missing_reads_as_a_dash() -> None:
    one, two = Network(), Network(stages=(Stage(), Stage(stride=2, block=Block(width=32))))
    rows = differences(one, two)
    assert ("stage 2 blocks", "-", "1") in rows
    assert ("stage 2 width", "-", "32") in rows
    # Gates, paths and the place of the stride do nothing in it.
    assert len(rows) == 2 + len(Block.model_fields) - 4


def test_fields_without_effect_make_no_difference() -> None:
    def one(**fields: Any) -> Network:
        return Network(stem=Stem(activated=False), stages=(Stage(block=Block(**fields)),))

    assert differences(one(norm="none"), one(norm="none", bias=True, projection_norm=True)) == ()
    assert differences(one(shortcut="A"), one(shortcut="A", projection_norm=False, stride_on="1x1")) == ()
    listed = {"branch": "paths", "paths": (Lane(),)}
    assert differences(one(**listed), one(**listed, width=32, expansion=3, base_width=8)) == ()
    assert differences(one(), one(norm="none")) == (
        ("stage 1 norm", "batch", "none"),
        ("stage 1 bias", "False", "True"),
    )
    bare = one().model_copy(update={"stem": Stem(activated=False, norm="group", activation="gelu")})
    assert differences(one(), bare) == ()
    assert ("stage 1 width", "16", "-") in differences(one(), one(**listed))


def test_fitting_an_imagenet_network_to_the_digits() -> None:
    fitted, changes = fit_to_dataset(preset("resnet50"), "digits")
    assert changes == (
        "input 3 x 224 x 224 becomes 1 x 8 x 8",
        "1000 classes become 10",
        "the stem becomes 3 x 3 with stride 1 and no pool",
    )
    assert problems(fitted) == ()
    assert (fitted.stem.kernel, fitted.stem.stride, fitted.stem.pool) == (3, 1, "none")
    assert fitted.stages == preset("resnet50").stages


def test_fitting_takes_strides_away_that_no_longer_fit() -> None:
    stages = tuple(Stage(stride=2) for _ in range(5))
    fitted, changes = fit_to_dataset(Network(stages=stages), "digits")
    assert changes[-2:] == ("stage 4 gets stride 1", "stage 5 gets stride 1")
    assert [stage.stride for stage in fitted.stages] == [2, 2, 2, 1, 1]
    assert problems(fitted) == ()


def test_what_fits_already_is_left_alone() -> None:
    assert fit_to_dataset(preset("tiny_resnet56"), "digits") == (preset("tiny_resnet56"), ())


@given(drafts())
def test_fitting_twice_changes_nothing_more(network: Network) -> None:
    fitted, _ = fit_to_dataset(network, "digits")
    assert fit_to_dataset(fitted, "digits") == (fitted, ())
    assert all(problem.field != "stride" for problem in problems(fitted))


def test_the_residual_twin_of_any_plain_network_can_be() -> None:
    """Beside a shortcut, a branch that ends in a ReLU could not learn from zero."""
    block = Block(merge="none", order="relu_before_addition")
    plain = Network(name="plain", stages=(Stage(block=block),), init=Init(zero_last=True))
    twin = residual_twin(plain)
    assert checked(twin) == twin
    assert not twin.init.zero_last
    kept = residual_twin(plain.model_copy(update={"stages": (Stage(block=Block(merge="none")),)}))
    assert kept.init.zero_last


@pytest.mark.parametrize("twin", [plain_twin, residual_twin])
def test_what_is_no_network_has_no_twin(twin: Callable[[Any], Network]) -> None:
    for thing, kind in ((None, "NoneType"), ("resnet50", "str"), ([1], "list")):
        with pytest.raises(SpecError) as refusal:
            twin(thing)
        assert str(refusal.value) == f"a Network is needed here, not {kind}: rv.preset(name) gives one"
    with pytest.raises(ValidationError):
        twin(preset("resnet18").model_copy(update={"stages": ()}))
