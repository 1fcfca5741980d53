"""The gradient's ways as a picture: bars that make one, words computed from them, and the same as a table."""

from __future__ import annotations

import math

import pytest

from resnet_viz.draw.route_figure import route_figure, route_rows, route_sentence, route_text
from resnet_viz.instruments import GradientShare


def row(number: int, share: float, branch: float | None = None, *, identity: bool = True) -> GradientShare:
    rest = 1 - share if branch is None else branch
    return GradientShare(f"layer1.{number}", 1, number + 1, abs(share), abs(rest), 1.0, share, rest, identity)


ROWS = [row(0, 0.25, identity=False), row(1, 0.5), row(2, 1.5), row(3, 0.4)]


def test_bars_make_one_and_a_projection_is_hatched() -> None:
    shortcut, branch = route_figure(ROWS).data
    assert [a + b for a, b in zip(shortcut.y, branch.y, strict=True)] == pytest.approx([1] * 4)
    assert list(shortcut.marker.pattern.shape) == ["/", "", "", ""]
    assert shortcut.customdata[0] == "layer1.0: 25\u00a0% through the shortcut"
    assert shortcut.customdata[1] == "layer1.1: 50\u00a0% through the identity edge"


@pytest.mark.parametrize(("rows", "told"), [
    (ROWS, "Through the identity edge comes 50\u00a0% of the gradient (median block; 40\u00a0% to 150\u00a0%)."),
    (ROWS[1:2], "Through the identity edge of layer1.1 comes 50\u00a0% of its gradient."),
    (ROWS[:1], "Through the shortcut of layer1.0 comes 25\u00a0% of its gradient."),
    ([GradientShare("layer1.0", 1, 1, 0, 1, 1, 0, 1, False)],
     "No block has a shortcut: all of the gradient comes through the branches."),
    ([GradientShare("layer1.0", 1, 1, 0, 0, 0, 0, 0, True)], "No gradient arrives at any block."),
    ([row(0, 0.5), GradientShare("layer1.1", 1, 2, math.nan, math.nan, math.nan, math.nan, math.nan, True)],
     "The gradient is no finite number at 1 of 2 blocks."),
])  # fmt: skip
def test_the_sentence_is_what_was_measured(rows: list[GradientShare], told: str) -> None:
    assert route_sentence(rows) == told
    assert route_figure(rows).layout.height and route_text(rows)


def test_the_table_has_the_same_numbers() -> None:
    assert route_rows(ROWS)[0] == {
        "block": "layer1.0", "shortcut": "weighted", "through shortcut": "25\u00a0%", "through branch": "75\u00a0%",
        "‖g‖": "1.0", "‖g_shortcut‖": "0.25", "‖g_branch‖": "0.75",
    }  # fmt: skip
