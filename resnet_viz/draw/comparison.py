"""Two runs beside each other: their curves over each other, their last numbers and their settings as rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from resnet_viz.spec import Experiment, differences

from .colours import LABEL, PALETTE, Role, Theme
from .wording import cut_middle, percent

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from resnet_viz.runs import RunData

PANELS = ("Loss", "Train error", "Test error")
_MOST_POINTS = 1200
GAP = 0.065
"""Least distance of two line labels, as a share of the panel's height."""


@dataclass(frozen=True)
class Curve:
    """One line of a panel: whose it is, its points, and of several seeds the least and greatest at each of them."""

    run: int
    contestant: str
    role: Role
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


def curves(runs: Sequence[RunData]) -> dict[str, list[Curve]]:
    """The lines of each panel: loss per step; train and test error (per cent) of the whole sets by step."""
    panels: dict[str, list[Curve]] = {panel: [] for panel in PANELS}
    for number, data in enumerate(runs):
        for row in data.header.get("contestants", ()):
            name, role = str(row["name"]), cast(Role, row.get("role", "sixth"))
            role = role if role in LABEL["light"] else "sixth"
            signals = data.signals(name)
            loss = signals["loss"]
            every = max(1, -(-len(loss) // _MOST_POINTS))
            x = tuple(float(step) for step in range(0, len(loss), every))
            edges = [tuple(map(float, signals.get(f"{side}/loss", ())[::every])) for side in ("min", "max")]
            panels["Loss"].append(Curve(number, name, role, x, tuple(float(v) for v in loss[::every]), *edges))
            evals = data.evals(name)
            at = tuple(float(e.step) for e in evals)
            spread = data.spread(name)
            sides = list(zip(*(spread[e.step] for e in evals if e.step in spread), strict=True)) or [()] * 4
            parts = [tuple(100 * value for value in side) for side in sides]
            train, test = (tuple(100 * e.train_error for e in evals), tuple(100 * e.test_error for e in evals))
            panels["Train error"].append(Curve(number, name, role, at, train, *parts[:2]))
            panels["Test error"].append(Curve(number, name, role, at, test, *parts[2:]))
    return panels


def comparison_figures(runs: Sequence[RunData], theme: Theme = "light") -> dict[str, go.Figure]:
    """One figure a panel; a contestant keeps its colour, the first run is solid, the second dashed.

    Labels stand at the line ends ("A plain-56"): A is the first run, B the second. All share one step axis.
    """
    panels = curves(runs)
    last = max((line.x[-1] for lines in panels.values() for line in lines if line.x), default=1.0)
    return {panel: _figure(panel, lines, last, theme) for panel, lines in panels.items()}


def curve_rows(panel: str, lines: Sequence[Curve]) -> list[dict[str, str | float]]:
    """The points of one panel's lines as rows: whose, step and value, of several seeds also least and greatest."""
    rows: list[dict[str, str | float]] = []
    value = "loss" if panel == "Loss" else f"{panel.lower()}, %"
    for line in lines:
        banded = len(line.low) == len(line.x) > 0
        for i, (x, y) in enumerate(zip(line.x, line.y, strict=True)):
            row: dict[str, str | float] = {"line": f"{'AB'[line.run]} {line.contestant}", "step": x, value: y}
            rows.append(row | ({"least": line.low[i], "greatest": line.high[i]} if banded else {}))
    return rows


def _figure(panel: str, lines: Sequence[Curve], last: float, theme: Theme) -> go.Figure:
    import plotly.graph_objects as go

    colours, loss = PALETTE[theme], panel == "Loss"
    figure = go.Figure()
    for line in lines:
        if len(line.low) == len(line.x):
            figure.add_scatter(
                x=line.x + line.x[::-1], y=line.high + line.low[::-1], fill="toself", mode="none", showlegend=False,
                fillcolor=colours[line.role], opacity=0.18, hoverinfo="skip",
            )  # fmt: skip
        figure.add_scatter(
            x=line.x, y=line.y, mode="lines" if loss else "lines+markers", showlegend=False,
            line={"color": colours[line.role], "width": 2, "dash": "dash" if line.run else "solid"},
            marker={"size": 5, "symbol": "square" if line.run else "circle"},
            name=f"{'AB'[line.run]} {_plain_text(line.contestant)}",
            hovertemplate="step %{x}: %{y:.3g}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    high = max((y for line in lines for y in line.y if math.isfinite(y)), default=1.0) * 1.04 if loss else 102.0
    _label(figure, lines, high, LABEL[theme])
    quiet = {"gridcolor": colours["grid"], "linecolor": colours["grid"], "zeroline": False}
    figure.update_xaxes(range=[0, last], showgrid=False, **quiet)
    figure.update_yaxes(range=[-0.02 * high, high], **quiet)
    figure.update_layout(
        title={"text": f"<b>{panel}</b> by step{'' if loss else ', whole set, %'}", "x": 0, "xref": "paper",
               "font": {"size": 14}},
        height=280, margin={"l": 36, "r": 104, "t": 36, "b": 28}, hovermode="closest",
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        font={"color": colours["text"], "size": 13, "family": "Inter, system-ui, sans-serif"},
    )  # fmt: skip
    return figure


def last_numbers(runs: Sequence[RunData]) -> list[dict[str, str]]:
    """One row for each contestant of each run: its last train and test error and loss, as text."""
    rows = []
    for letter, data in zip("AB", runs, strict=False):
        for contestant in data.header.get("contestants", ()):
            who = str(contestant["name"])
            evals, loss = data.evals(who), data.signals(who)["loss"]
            spread = data.spread(who).get(evals[-1].step, ()) if evals else ()
            rows.append({
                "Run": letter, "Contestant": cut_middle(who, 40), "Steps": f"{len(loss):,}",
                "Train error": _error(evals[-1].train_error, spread[:2]) if evals else "-",
                "Test error": _error(evals[-1].test_error, spread[2:]) if evals else "-",
                "Loss": f"{float(loss[-1]):.3g}" if len(loss) else "-",
            })  # fmt: skip
    return rows


def _error(value: float, spread: Sequence[float]) -> str:
    """As ``percent`` writes it, of several seeds the median with least and greatest in brackets."""
    return percent(value) + (f" ({percent(spread[0])} to {percent(spread[1])})" if spread else "")


def experiment_differences(first: Experiment, second: Experiment) -> list[dict[str, str]]:
    """Every way in which two experiments differ: recipe fields, contestants by place; empty when they are equal."""
    rows = []
    left, right = dict(first.recipe), dict(second.recipe)
    for field in left:
        if left[field] != right[field]:
            rows.append(_row("recipe", field.replace("_", " "), left[field], right[field]))
    if first.dataset != second.dataset:
        rows.append(_row("recipe", "data set", *(f"{e.data.name}, {e.data.source}" for e in (first, second))))
    mine, other = list(first.contestants.items()), list(second.contestants.items())
    for place in range(max(len(mine), len(other))):
        a, b = (side[place] if place < len(side) else None for side in (mine, other))
        if a is None or b is None:
            rows.append(
                _row(f"contestant {place + 1}", "network", *(cut_middle(x[0], 40) if x else "-" for x in (a, b)))
            )
            continue
        if a[0] != b[0]:
            rows.append(_row(f"contestant {place + 1}", "name", cut_middle(a[0], 40), cut_middle(b[0], 40)))
        rows += [_row(f"contestant {place + 1}", *row) for row in differences(a[1], b[1])]
    return rows


def _row(where: str, field: str, first: object, second: object) -> dict[str, str]:
    return {"Where": where, "Field": field, "A": _value(first), "B": _value(second)}


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _label(figure: go.Figure, lines: Sequence[Curve], high: float, colours: Mapping[Role, str]) -> None:
    """Names at the line ends, pushed apart so that none covers another."""
    ends = [(min(line.y[-1], high), -line.run, line) for line in lines if line.y and not math.isnan(line.y[-1])]
    at = -math.inf
    for y, _, line in sorted(ends, key=lambda end: end[:2]):
        at = max(y, at + GAP * high)
        figure.add_annotation(
            x=line.x[-1], y=at, text=f"{'AB'[line.run]} {_plain_text(cut_middle(line.contestant, 14))}",
            showarrow=False, xanchor="left", xshift=6, font={"color": colours[line.role], "size": 12},
        )  # fmt: skip


def _plain_text(name: str) -> str:
    """Plotly reads a little HTML in its texts: a person's name must not be taken for any."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("%{", "% {")
