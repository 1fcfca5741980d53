"""The picture of branch over shortcut: its points are the numbers, its sentence is computed."""

from __future__ import annotations

import pytest

from resnet_viz.draw.branch_figure import Line, branch_figure, branch_sentence, branch_text
from resnet_viz.draw.colours import PALETTE, Theme
from resnet_viz.inspect.branch_ratio import BranchRatio

ROWS = (
    BranchRatio("layer1.0", 1, 1, 2.0, 1.0, False),
    BranchRatio("layer1.1", 1, 2, 1.0, 4.0, False),
    BranchRatio("layer2.0", 2, 1, 1.0, 2.0, True),
)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_points_and_colours(theme: Theme) -> None:
    figure = branch_figure([Line("trained", ROWS), Line("at initialisation", ROWS[:2], quiet=True)], theme)
    trained, start = figure.data
    assert list(trained.y) == [2.0, 0.25, 0.5]
    assert list(start.y) == [2.0, 0.25]
    assert list(trained.marker.symbol) == ["circle", "circle", "diamond"]
    assert (trained.line.color, start.line.color) == (PALETTE[theme]["residual"], PALETTE[theme]["quiet"])
    assert list(figure.layout.xaxis.ticktext) == ["stage 1", "stage 2"]
    assert list(figure.layout.xaxis.tickvals) == [1.5, 3.0]


def test_what_is_not_finite_stands_at_the_edge() -> None:
    rows = (BranchRatio("layer1.0", 1, 1, 1.0, 0.0, False), BranchRatio("layer1.1", 1, 2, 0.0, 1.0, False))
    assert list(branch_figure([Line("trained", rows)]).data[0].y) == [1e4, 1e-4]


def test_the_sentence_and_the_text_are_computed() -> None:
    assert branch_sentence(ROWS) == (
        "In the median block the branch adds 0.5 times what the shortcut carries; least in layer1.1 (0.25), most in "
        "layer1.0 (2.0)."
    )
    assert branch_sentence(()) == "This network has no shortcuts."
    assert (
        branch_text([Line("trained", ROWS)])
        == "Norm of branch over norm of shortcut by block. trained: 2.0, 0.25, 0.5."
    )


def test_an_empty_figure_is_no_error() -> None:
    assert branch_figure([]).data == ()
