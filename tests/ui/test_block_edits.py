"""Edits of the block's fields: all stages, one stage, one block; what a choice implies, and what goes with it."""

from __future__ import annotations

import pytest

from resnet_viz.spec import Block, Network, Override, Stage, preset
from resnet_viz.ui.block_edits import Scope, differing, edited, like_its_stage, said, with_blocks

BASE = preset("tiny_resnet20")


def test_a_block_is_edited_alone_and_comes_back() -> None:
    scope = Scope("block", 2, 3)
    one = edited(BASE, scope, "activation", "gelu")
    assert [(o.index, o.block.activation) for o in one.stages[1].overrides] == [(3, "gelu")]
    assert (one.stages[0], one.stages[1].block, one.stages[2]) == (BASE.stages[0], BASE.stages[1].block, BASE.stages[2])
    two = edited(edited(one, Scope("block", 2, 1), "attention", "squeeze_excitation"), scope, "alpha", 0.5)
    assert [o.index for o in two.stages[1].overrides] == [1, 3]
    assert two.stages[1].block_at(3) == BASE.stages[1].block.model_copy(update={"activation": "gelu", "alpha": 0.5})
    assert edited(one, scope, "activation", "relu") == BASE, "equal to its stage again: no block that differs"
    assert like_its_stage(two, scope) == edited(BASE, Scope("block", 2, 1), "attention", "squeeze_excitation")


@pytest.mark.parametrize("scope", [Scope("stage", 2), Scope("all")])
def test_an_edit_of_the_stage_goes_through_to_blocks_that_differ(scope: Scope) -> None:
    one = edited(BASE, Scope("block", 2, 3), "activation", "gelu")
    normed = edited(one, scope, "norm", "group")
    assert normed.stages[1].block_at(3) == normed.stages[1].block.model_copy(update={"activation": "gelu"})
    assert edited(one, scope, "activation", "gelu").stages[1].overrides == (), "now the stage is like it"
    assert edited(one, scope, "activation", "tanh").stages[1].block_at(3).activation == "gelu"


def test_choices_that_leave_another_without_meaning() -> None:
    split = edited(edited(preset("resnext50_32x4d"), Scope("all"), "form", "split_sum"), Scope("all"), "norm", "group")
    paths = edited(split, Scope("all"), "branch", "paths")
    assert {(b.branch, b.cardinality, b.form) for b in paths.each} == {("paths", 1, "grouped")}
    assert said(split, paths) == "Cardinality is 1 now: parallel paths are listed one by one."
    fours = edited(BASE, Scope("all"), "branch", "bottleneck")
    split = edited(fours, Scope("all"), "form", "split_sum")
    assert said(split, edited(split, Scope("all"), "branch", "basic")) == (
        "The form is grouped now: the others are for bottlenecks."
    )
    assert said(BASE, fours) == "" == said(BASE, edited(BASE, Scope("all"), "width", 16))


@pytest.mark.parametrize("order", ["preactivation", "relu_only_preactivation"])
def test_the_stem_fits_the_first_block(order: str) -> None:
    for scope in (Scope("all"), Scope("stage", 1), Scope("block", 1, 1)):
        made = edited(BASE, scope, "order", order)
        assert not made.stem.activated
        assert edited(made, scope, "order", "bn_after_addition").stem.activated
    assert edited(BASE, Scope("stage", 2), "order", order).stem.activated
    assert edited(BASE, Scope("block", 1, 2), "order", order).stem.activated
    everywhere = edited(edited(BASE, Scope("all"), "norm", "layer"), Scope("all"), "activation", "gelu")
    assert (everywhere.stem.norm, everywhere.stem.activation) == ("layer", "gelu")


def test_fewer_blocks_take_those_that_differ_along() -> None:
    own = edited(edited(BASE, Scope("block", 1, 2), "alpha", 0.5), Scope("block", 1, 3), "alpha", 0.0)
    less = with_blocks(own, 1, 2)
    assert [o.index for o in less.stages[0].overrides] == [2]
    assert said(own, less) == "Stage 1 has 2 blocks now: block 3, which differed, is gone. Undo brings it back."
    assert said(own, with_blocks(own, 1, 1)) == (
        "Stage 1 has 1 block now: 2 blocks that differed are gone. Undo brings them back."
    )
    assert with_blocks(own, 1, 5).stages[0].overrides == own.stages[0].overrides
    with pytest.raises(ValueError, match="blocks"):
        with_blocks(own, 1, 0)


def test_too_many_blocks_that_differ() -> None:
    own = tuple(Override(index=i, block=Block(alpha=0.5)) for i in range(1, 65))
    full = Network(stages=(Stage(blocks=80, block=Block(), overrides=own),))
    with pytest.raises(ValueError) as error:
        edited(full, Scope("block", 1, 70), "alpha", 0.25)
    assert str(error.value) == "65 blocks of the stage would differ, and 64 may: edit the whole stage"


def test_in_what_stages_differ() -> None:
    assert differing(BASE) == ()
    assert differing(edited(edited(BASE, Scope("stage", 2), "norm", "group"), Scope("stage", 3), "alpha", 0.5)) == (
        "alpha", "norm",
    )  # fmt: skip
