"""Where the cost of several networks sits: bars by stem, stage and head, one scale for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from .colours import LABEL, PALETTE, Role, Theme
from .contestants import Contestant
from .figures import FONT, Part, parts
from .titles import amount
from .wording import cut_middle

if TYPE_CHECKING:
    import plotly.graph_objects as go

Cost = Literal["parameters", "multiply-adds"]
PATTERN: dict[Role, str] = {"plain": "", "residual": "", "third": "/", "fourth": "\\", "fifth": "x", "sixth": "."}
"""Hatching of the third and later contestants' bars, in Plotly's names."""

BAR, GAP, HEAD = 17, 9, 20
"""Pixels of a bar with its room, between two parts, and for a part's name."""
FLOOR = 0.004


def bars_by_part(compared: Sequence[Contestant]) -> dict[str, list[tuple[Contestant, Part]]]:
    """Stem, stage 1, ..., head: the part of each network that has it and can be built."""
    found: dict[str, list[tuple[Contestant, Part]]] = {}
    for one in compared:
        for part in parts(one.summary.rows) if one.summary else ():
            found.setdefault(part.name, []).append((one, part))
    order = sorted(found, key=lambda name: (name == "head", name != "stem", int(name.rpartition(" ")[2] or 0)
                                            if name.startswith("stage") else 0))  # fmt: skip
    return {name: found[name] for name in order}


def cost_bars(compared: Sequence[Contestant], cost: Cost, theme: Theme = "light") -> go.Figure:
    """One bar for each network and part; each says its number, those of the first part the names too."""
    import plotly.graph_objects as go

    groups = bars_by_part(compared)
    palette, most = PALETTE[theme], max((_count(p, cost) for g in groups.values() for _, p in g), default=0) or 1
    figure = go.Figure()
    y = 0.0
    for place, (name, group) in enumerate(groups.items()):
        figure.add_annotation(
            x=0, y=y + HEAD / 2, text=name, showarrow=False, xanchor="left", yanchor="middle",
            font={"color": palette["text"], "size": 13},
        )  # fmt: skip
        y += HEAD
        for one, part in group:
            _bar(figure, one, part, cost, most, y + BAR / 2, theme, named=place == 0)
            y += BAR
        y += GAP
    height = max(y - GAP, BAR)  # plotly refuses less than ten pixels
    figure.update_layout(
        height=height + 8, margin={"l": 0, "r": 0, "t": 2, "b": 4}, showlegend=False, barmode="overlay",
        font={"family": FONT}, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        xaxis={"visible": False, "range": [0, 1.45], "fixedrange": True},
        yaxis={"visible": False, "range": [height, 0], "fixedrange": True},
    )  # fmt: skip
    return figure


def _bar(
    figure: go.Figure, one: Contestant, part: Part, cost: Cost, most: int, y: float, theme: Theme, *, named: bool
) -> None:
    count, colour = _count(part, cost), PALETTE[theme][one.role]
    told = f"{one.glyph} {amount(count)}" + (f" · {html_free(cut_middle(one.label, 24))}" if named else "")
    figure.add_bar(
        x=[max(count / most, FLOOR)], y=[y], width=BAR - 5, orientation="h",
        marker={"color": colour, "line": {"width": 0}, "pattern": {
            "shape": PATTERN[one.role], "fillmode": "overlay", "fgcolor": PALETTE[theme]["panel"], "size": 5,
            "solidity": 0.28,
        }},
        text=[told], textposition="outside", textfont={"color": LABEL[theme][one.role], "size": 12},
        cliponaxis=False, constraintext="none",
        customdata=[f"{html_free(one.label)}, {part.name}: {count:,} {cost}"],
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip


def _count(part: Part, cost: Cost) -> int:
    return part.params if cost == "parameters" else part.macs


def cost_bars_text(compared: Sequence[Contestant], cost: Cost) -> str:
    """The text alternative of :func:`cost_bars`."""
    told = [
        f"{name}: {', '.join(f'{one.label} {amount(_count(part, cost))}' for one, part in group)}"
        for name, group in bars_by_part(compared).items()
    ]
    return f"{cost.capitalize()} by part. {'; '.join(told)}."


def cost_rows(compared: Sequence[Contestant], cost: Cost) -> list[dict[str, str]]:
    """The figure's numbers as rows of a table, one a part and a column a network; "-" where it has no such part."""
    rows = []
    for name, group in bars_by_part(compared).items():
        counts = {one.label: f"{_count(part, cost):,}" for one, part in group}
        rows.append({"part": name} | {one.label: counts.get(one.label, "-") for one in compared if one.summary})
    return rows


def html_free(name: str) -> str:
    """Plotly reads a little HTML in its texts: a person's name must not be taken for any."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("%{", "% {")
