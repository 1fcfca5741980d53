"""By which way the gradient arrives at each block, as Plotly: one bar a block, cut into its ways."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from resnet_viz.draw.colours import PALETTE, Theme
from resnet_viz.draw.figures import FONT
from resnet_viz.draw.wording import NBSP, percent, scientific

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from resnet_viz.instruments import GradientShare

HEIGHT = 224
LEAST, MOST = -1.0, 2.0
"""Shares beyond are cut off at the edge of the picture; the table has them."""
DENSE = 60
"""From so many bars on there is no space between them."""


def route_figure(shares: Sequence[GradientShare], theme: Theme = "light") -> go.Figure:
    """Stacked shares that make 1; what pulls against the whole hangs below 0. A projection's share is hatched."""
    import plotly.graph_objects as go

    palette = PALETTE[theme]
    figure = go.Figure()
    ways = (
        ("shortcut", palette["residual"], [row.share for row in shares]),
        ("branch", palette["bar"], [row.branch_share for row in shares]),
    )
    hatched = ["" if row.identity else "/" for row in shares]
    for name, colour, values in ways:
        if not any(values):
            continue
        figure.add_bar(
            x=list(range(1, len(shares) + 1)),
            y=[value if math.isfinite(value) else 0 for value in values],
            marker={
                "color": colour,
                "line": {"width": 0},
                "pattern": {"shape": hatched if name == "shortcut" else "", "fgcolor": palette["panel"], "size": 6,
                            "fillmode": "overlay"},
            },
            customdata=[f"{row.path}: {percent(value)} through the {_way(name, row)}"
                        for row, value in zip(shares, values, strict=True)],
            hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    _axes(figure, shares, theme)
    return figure


def shortcut_word(row: GradientShare) -> str:
    """What the block's shortcut is: "identity", "weighted" or "none"."""
    return "identity" if row.identity else "weighted" if row.shortcut else "none"


def _way(name: str, row: GradientShare) -> str:
    return "identity edge" if name == "shortcut" and row.identity else name


def _axes(figure: go.Figure, shares: Sequence[GradientShare], theme: Theme) -> None:
    palette = PALETTE[theme]
    ends = [value for row in shares for value in (row.share, row.branch_share) if math.isfinite(value)]
    low, high = max(min(0.0, *ends), LEAST) if ends else 0.0, min(max(1.0, *ends), MOST) if ends else 1.0
    stages = sorted({row.stage for row in shares})
    places = {stage: [i for i, row in enumerate(shares, 1) if row.stage == stage] for stage in stages}
    for stage in stages[1:]:
        figure.add_vline(x=places[stage][0] - 0.5, line={"color": palette["grid"], "width": 1})
    figure.add_hline(y=0, line={"color": palette["quiet"], "width": 1})
    figure.add_hline(y=1, line={"color": palette["quiet"], "width": 1, "dash": "dot"})
    axis: dict[str, Any] = {"fixedrange": True, "zeroline": False}
    figure.update_layout(
        height=HEIGHT,
        barmode="relative",
        bargap=0.25 if len(shares) < DENSE else 0,
        margin={"l": 52, "r": 8, "t": 8, "b": 26},
        showlegend=False,
        font={"family": FONT, "color": palette["text"], "size": 13},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        xaxis=axis | {
            "range": [0.4, len(shares) + 0.6], "showgrid": False,
            "tickvals": [sum(found) / len(found) for found in places.values()],
            "ticktext": [f"stage {stage}" for stage in stages],
        },
        yaxis=axis | {
            "range": [low - 0.04, high + 0.06], "gridcolor": palette["grid"], "tickformat": ".0%", "dtick": 0.5,
            "tick0": 0,
        },
    )  # fmt: skip


def route_sentence(shares: Sequence[GradientShare]) -> str:
    """What the shares say, computed: median, least and most, of identity edges where there are some."""
    lost = [row.path for row in shares if not math.isfinite(row.total)]
    if lost:
        return f"The gradient is no finite number at {len(lost)} of {len(shares)} blocks."
    around = [row for row in shares if row.shortcut]
    if not any(row.total for row in shares):
        return "No gradient arrives at any block."
    if not around:
        return "No block has a shortcut: all of the gradient comes through the branches."
    identities = [row for row in around if row.identity]
    rows, word = (identities, "identity edge") if identities else (around, "shortcut")
    parts = [row.share for row in rows]
    if len(parts) == 1:
        return f"Through the {word} of {rows[0].path} comes {percent(parts[0])} of its gradient."
    return (
        f"Through the {word} comes {percent(median(parts))} of the gradient (median block; {percent(min(parts))} to "
        f"{percent(max(parts))})."
    )


def route_text(shares: Sequence[GradientShare]) -> str:
    """The text alternative of :func:`route_figure`."""
    told = ", ".join(percent(row.share) for row in shares)
    return f"Share of the gradient that arrives at each block's input through its shortcut: {told}."


def route_rows(shares: Sequence[GradientShare]) -> list[dict[str, str]]:
    """The numbers of the picture, one line a block."""
    return [
        {
            "block": row.path,
            "shortcut": shortcut_word(row),
            "through shortcut": percent(row.share),
            "through branch": percent(row.branch_share),
            "‖g‖": _norm(row.total),
            "‖g_shortcut‖": _norm(row.shortcut),
            "‖g_branch‖": _norm(row.branch),
        }
        for row in shares
    ]


def _norm(value: float) -> str:
    """On one line of its cell."""
    return scientific(value).replace(" ", NBSP)
