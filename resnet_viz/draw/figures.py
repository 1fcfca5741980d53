"""Figures that stand still, as Plotly: pure functions from numbers to a figure, each with its text alternative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resnet_viz.draw.colours import PALETTE, Theme
from resnet_viz.draw.titles import amount
from resnet_viz.draw.wording import percent, superscript
from resnet_viz.inspect.paths import Paths
from resnet_viz.inspect.summary import Row

if TYPE_CHECKING:
    import plotly.graph_objects as go

FONT = "Inter, system-ui, sans-serif"
PART_HEIGHT = 54
"""Pixels for the name and the two bars of one part."""


@dataclass(frozen=True)
class Part:
    """Stem, one stage or head: its parameters and multiply-adds (convolutions and linear layers, one image)."""

    name: str
    params: int
    macs: int


def parts(rows: Sequence[Row]) -> tuple[Part, ...]:
    """Where parameters and compute sit: stem, stage 1, ..., head. Sums over all parts are the network's totals."""
    sums: dict[str, list[int]] = {"stem": [0, 0]}
    seen_stage = False
    for row in rows:
        seen_stage = seen_stage or row.stage > 0
        name = f"stage {row.stage}" if row.stage else "head" if seen_stage else "stem"
        total = sums.setdefault(name, [0, 0])
        total[0] += row.params
        total[1] += row.macs
    return tuple(Part(name, params, macs) for name, (params, macs) in sums.items())


def where_it_sits(rows: Sequence[Part], theme: Theme = "light") -> go.Figure:
    """Two bars a part, each on its own scale: parameters in the accent colour, multiply-adds in grey.

    Raises ``ValueError`` for no parts.
    """
    import plotly.graph_objects as go

    if not rows:
        raise ValueError("a network has at least a stem and a head: there are no parts to draw")
    palette = PALETTE[theme]
    figure = go.Figure()
    most_params, most_macs = max(p.params for p in rows) or 1, max(p.macs for p in rows) or 1
    for colour, word, lengths, counts, offset in (
        (palette["residual"], "parameters", [p.params / most_params for p in rows], [p.params for p in rows], 0.02),
        (palette["quiet"], "multiply-adds", [p.macs / most_macs for p in rows], [p.macs for p in rows], 0.28),
    ):
        figure.add_bar(
            x=[max(length, 0.006) for length in lengths],
            y=[i + offset for i in range(len(rows))],
            width=0.19,
            orientation="h",
            marker={"color": colour, "line": {"width": 0}},
            text=[amount(count) for count in counts],
            textposition="outside",
            textfont={"color": palette["quiet"], "size": 12},
            cliponaxis=False,
            constraintext="none",
            customdata=[f"{part.name}: {count:,} {word}" for part, count in zip(rows, counts, strict=True)],
            hovertemplate="%{customdata}<extra></extra>",
        )
    for i, part in enumerate(rows):
        figure.add_annotation(
            x=0, y=i - 0.24, text=part.name, showarrow=False, xanchor="left", yanchor="middle",
            font={"color": palette["text"], "size": 13},
        )  # fmt: skip
    figure.update_layout(
        height=PART_HEIGHT * len(rows) + 6,
        margin={"l": 0, "r": 0, "t": 2, "b": 4},
        showlegend=False,
        bargap=0,
        barmode="overlay",
        font={"family": FONT},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        xaxis={"visible": False, "range": [0, 1.42], "fixedrange": True},
        yaxis={"visible": False, "range": [len(rows) - 0.55, -0.45], "fixedrange": True},
    )
    return figure


def where_it_sits_text(rows: Sequence[Part]) -> str:
    """The text alternative of :func:`where_it_sits`."""
    told = "; ".join(f"{part.name} {amount(part.params)} and {amount(part.macs)}" for part in rows)
    return f"Parameters and multiply-adds by part: {told}."


def where_rows(rows: Sequence[Part]) -> list[dict[str, str]]:
    """The numbers of :func:`where_it_sits`, one line a part, and their sums."""
    whole = Part("together", sum(part.params for part in rows), sum(part.macs for part in rows))
    return [
        {"part": part.name, "parameters": f"{part.params:,}", "multiply-adds": f"{part.macs:,}"}
        for part in (*rows, whole)
    ]


PATHS_HEIGHT = 156
RARE = 1e-3
"""Lengths with a smaller share than this part of the commonest one's are not drawn: their bars would have no pixel."""


def path_lengths(paths: Paths, theme: Theme = "light") -> go.Figure:
    """The share of the gradient's paths by the number of blocks that they pass through, one bar a number.

    Raises ``ValueError`` for a network without a path.
    """
    import plotly.graph_objects as go

    drawn = _drawn(paths)
    palette = PALETTE[theme]
    figure = go.Figure()
    figure.add_bar(
        x=list(drawn),
        y=[paths.shares[k] for k in drawn],
        marker={"color": palette["residual"], "line": {"width": 0}},
        customdata=[f"{percent(paths.shares[k])} of the paths pass through {k} blocks" for k in drawn],
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.update_layout(
        height=PATHS_HEIGHT,
        margin={"l": 4, "r": 4, "t": 2, "b": 38},
        showlegend=False,
        bargap=0.15 if len(drawn) < 40 else 0,
        font={"family": FONT, "size": 12, "color": palette["quiet"]},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        xaxis={
            "title": {"text": "blocks passed through", "standoff": 4}, "fixedrange": True, "showgrid": False,
            "zeroline": False, "nticks": 6, "tickformat": "d", "range": [drawn[0] - 0.6, drawn[-1] + 0.6],
        },
        yaxis={"visible": False, "fixedrange": True, "rangemode": "tozero"},
    )  # fmt: skip
    return figure


def _drawn(paths: Paths) -> range:
    if not paths.shares:
        raise ValueError("a block that multiplies both its ways by zero leaves no path: there are no lengths to draw")
    least = RARE * max(paths.shares)
    there = [k for k, share in enumerate(paths.shares) if share > least]
    return range(there[0], there[-1] + 1)


def path_rows(paths: Paths) -> list[dict[str, str]]:
    """The numbers of :func:`path_lengths`, one line a bar."""
    return [{"blocks passed through": str(k), "share of the paths": percent(paths.shares[k])} for k in _drawn(paths)]


def path_lengths_text(paths: Paths) -> str:
    """The text alternative of :func:`path_lengths`."""
    if paths.fewest == paths.most:
        return f"One path, through all {paths.most} blocks."
    drawn = _drawn(paths)
    return (
        f"Number of blocks that the gradient's 2{superscript(paths.most - paths.fewest)} paths pass through: "
        f"mean {paths.mean:.1f}, standard deviation {paths.deviation:.1f}; bars from {drawn[0]} to {drawn[-1]}."
    )
