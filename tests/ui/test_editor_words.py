"""The playground's choices are the spec's own values, in its order."""

from __future__ import annotations

from typing import Literal, get_args

from resnet_viz.spec import Block, block
from resnet_viz.ui import editor_words as words
from resnet_viz.ui.editor_block import PLACES


def test_every_value_of_an_axis_is_offered() -> None:
    for axis, offered in (
        (block.Branch, words.BRANCHES), (block.Merge, words.MERGES), (block.Shortcut, words.SHORTCUTS),
        (block.Order, words.ORDERS), (block.Norm, words.NORMS), (block.Activation, words.ACTIVATIONS),
        (block.Form, words.FORMS), (block.Attention, words.ATTENTIONS),
    ):  # fmt: skip
        assert tuple(offered) == get_args(axis) and all(offered.values())
    assert list(words.STRIDE_ON) == ["3x3", "1x1"] and list(words.GATE_KERNELS) == [1, 3]


def test_a_value_without_words_shows_its_name() -> None:
    assert words.options(Literal["relu", "hard_swish"], {"relu": "ReLU"}) == {
        "relu": "ReLU",
        "hard_swish": "hard swish",
    }
    assert words.label("some_new_axis") == "Some new axis"


def test_every_field_of_a_block_has_its_place() -> None:
    assert set(PLACES) == {f"block.{name}" for name in Block.model_fields} | {"block.stride"}
