"""Branch over shortcut, block by block, as Plotly: the trained network beside itself at initialisation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from resnet_viz.draw.colours import PALETTE, Theme
from resnet_viz.draw.figures import FONT
from resnet_viz.draw.wording import scientific
from resnet_viz.inspect.branch_ratio import BranchRatio

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 420
LEAST, MOST = 1e-4, 1e4
"""Ratios beyond are drawn at the edge."""
TICKS = [digit * 10.0**power for power in range(-4, 5) for digit in (1, 2, 5)]


@dataclass(frozen=True)
class Line:
    """One network's ratios; ``quiet`` draws it in grey, with open markers."""

    name: str
    ratios: tuple[BranchRatio, ...]
    quiet: bool = False


def branch_figure(lines: Sequence[Line], theme: Theme = "light") -> go.Figure:
    """Ratio against block, on a log scale, stages named below; a diamond is a block whose shortcut is a projection."""
    import plotly.graph_objects as go

    palette = PALETTE[theme]
    figure = go.Figure()
    for line in lines:
        colour = palette["quiet"] if line.quiet else palette["residual"]
        figure.add_scatter(
            x=list(range(1, len(line.ratios) + 1)),
            y=[_bounded(row.ratio) for row in line.ratios],
            mode="lines+markers",
            line={"color": colour, "width": 1.5 if line.quiet else 2.5, "dash": "dot" if line.quiet else "solid"},
            marker={
                "size": 9,
                "color": palette["panel"] if line.quiet else colour,
                "line": {"color": colour, "width": 1.5},
                "symbol": ["diamond" if row.projection else "circle" for row in line.ratios],
            },
            customdata=[_hover(line, row) for row in line.ratios],
            hovertemplate="%{customdata}<extra></extra>",
        )
        if line.ratios:
            last = _bounded(line.ratios[-1].ratio)
            figure.add_annotation(
                x=len(line.ratios), y=math.log10(last), text=line.name, showarrow=False, xanchor="left", xshift=12,
                font={"color": colour, "size": 13},
            )  # fmt: skip
    _stages(figure, lines[0].ratios if lines else (), theme)
    return figure


def _stages(figure: go.Figure, rows: Sequence[BranchRatio], theme: Theme) -> None:
    palette = PALETTE[theme]
    stages = sorted({row.stage for row in rows})
    centres = []
    for stage in stages:
        places = [i for i, row in enumerate(rows, 1) if row.stage == stage]
        centres.append(sum(places) / len(places))
        if stage != stages[0]:
            figure.add_vline(x=places[0] - 0.5, line={"color": palette["grid"], "width": 1})
    figure.add_hline(y=1, line={"color": palette["quiet"], "width": 1, "dash": "dash"})
    room = max(1.6, len(rows) * 0.13)
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 56, "r": 8, "t": 10, "b": 34},
        showlegend=False,
        font={"family": FONT, "color": palette["text"], "size": 13},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        xaxis={
            "range": [0.4, len(rows) + 0.6 + room], "fixedrange": True, "showgrid": False, "zeroline": False,
            "tickvals": centres, "ticktext": [f"stage {stage}" for stage in stages], "tickfont": {"size": 13},
        },
        yaxis={
            "type": "log", "fixedrange": True, "gridcolor": palette["grid"], "zeroline": False,
            "tickvals": TICKS, "ticktext": [scientific(tick) if tick < 1 else f"{tick:,g}" for tick in TICKS],
            "title": {"text": "‖branch‖ / ‖shortcut‖", "standoff": 6},
        },
    )  # fmt: skip


def _bounded(ratio: float) -> float:
    return min(max(ratio, LEAST), MOST) if math.isfinite(ratio) else MOST


def _hover(line: Line, row: BranchRatio) -> str:
    kind = "projection" if row.projection else "identity"
    return (
        f"{row.path}, {line.name}: {scientific(row.ratio)}<br>"
        f"branch {scientific(row.branch)}, {kind} shortcut {scientific(row.shortcut)}"
    )


def branch_sentence(rows: Sequence[BranchRatio]) -> str:
    """What the ratios say, computed: the median block, where the branch adds least and most."""
    if not rows:
        return "This network has no shortcuts."
    middle = median(row.ratio for row in rows)
    least, most = min(rows, key=lambda row: row.ratio), max(rows, key=lambda row: row.ratio)
    return (
        f"In the median block the branch adds {scientific(middle)} times what the shortcut carries; least in "
        f"{least.path} ({scientific(least.ratio)}), most in {most.path} ({scientific(most.ratio)})."
    )


def branch_text(lines: Sequence[Line]) -> str:
    """The text alternative of :func:`branch_figure`."""
    told = (f"{line.name}: " + ", ".join(scientific(row.ratio) for row in line.ratios) for line in lines)
    return f"Norm of branch over norm of shortcut by block. {'; '.join(told)}."
