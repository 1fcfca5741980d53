"""Published error against cost: presets as points, the compared ones large, networks without a figure as lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .colours import LABEL, MARKER, PALETTE, Role, Theme
from .contestants import GLYPH
from .cost_bars import html_free
from .figures import FONT
from .titles import amount
from .wording import cut_middle, listed, size

if TYPE_CHECKING:
    import plotly.graph_objects as go

Axis = Literal["parameters", "multiply-adds", "memory"]
AXES: tuple[Axis, ...] = ("parameters", "multiply-adds", "memory")
HEIGHT, WIDTH = 292, 200
"""Pixels of a picture; the width is a guess from below, for labels that must not meet."""
_LETTER, _LINE = 6.6, 15


@dataclass(frozen=True)
class Mark:
    """One network at its counted costs: with ``error`` (per cent, as published) a point, without one a line.

    ``role`` is None for a preset that is not compared; ``told`` are the lines that hovering reads. ``error_of`` says
    what the network of that error has that the counted one has not: such a point has a dot in it.
    """

    name: str
    costs: dict[Axis, int]
    error: float | None = None
    role: Role | None = None
    told: tuple[str, ...] = ()
    error_of: str = ""


def accuracy_figure(marks: Sequence[Mark], axis: Axis, theme: Theme = "light") -> go.Figure:
    """Error (per cent, linear) over one cost (logarithmic). Raises ``ValueError`` without marks."""
    import plotly.graph_objects as go

    if not marks:
        raise ValueError("there is nothing to draw: no preset has a figure and no network is compared")
    palette, figure = PALETTE[theme], go.Figure()
    x_range, y_range = _ranges(marks, axis)
    points = [mark for mark in marks if mark.error is not None]
    for mark in sorted(points, key=lambda m: m.role is not None):
        edge = palette["panel"] if mark.role and not mark.error_of else palette[mark.role or "quiet"]
        figure.add_scatter(
            x=[mark.costs[axis]], y=[mark.error], mode="markers", showlegend=False,
            marker={"size": 14 if mark.role else 10 if mark.error_of else 8, "symbol": _symbol(mark),
                    "color": palette[mark.role] if mark.role else palette["quiet"],
                    "line": {"width": 2 if mark.role and mark.error_of else 1.5, "color": edge}},
            text=[_hover(mark, axis)], hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    taken = [_spot(mark, axis, x_range, y_range) for mark in points]
    _lines(figure, [mark for mark in marks if mark.error is None], axis, theme, taken, (x_range, y_range))
    _labels(figure, points, axis, theme, taken, (x_range, y_range))
    _style(figure, axis, theme, x_range, y_range)
    return figure


def accuracy_text(marks: Sequence[Mark], axis: Axis, protocol: str) -> str:
    """The text alternative of :func:`accuracy_figure`."""
    points = [
        f"{' '.join((mark.name, mark.error_of)).strip()} {mark.error:.2f} % at {_cost(mark.costs[axis], axis)}"
        for mark in marks
        if mark.error is not None
    ]
    lines = [f"{mark.name} at {_cost(mark.costs[axis], axis)}" for mark in marks if mark.error is None]
    told = f"Published error ({protocol}) against {axis}: {'; '.join(points) or 'no figures'}."
    return told + (f" Without a figure of this protocol: {'; '.join(lines)}." if lines else "")


def accuracy_rows(marks: Iterable[Mark]) -> list[dict[str, str]]:
    """The pictures' numbers as rows of a table."""
    return [
        {
            "network": mark.name,
            "published error": f"{mark.error:.2f} %" if mark.error is not None else "none by this protocol",
            **{axis: _cost(mark.costs[axis], axis) if axis == "memory" else f"{mark.costs[axis]:,}" for axis in AXES},
            "source": "; ".join(mark.told),
        }
        for mark in marks
    ]


def _cost(value: int, axis: Axis) -> str:
    return size(value) if axis == "memory" else amount(value)


def _symbol(mark: Mark) -> str:
    """Filled for a compared network, open for another preset; open with a dot where the error is not quite its own."""
    symbol = MARKER[mark.role] if mark.role else "circle-open"
    return f"{symbol.removesuffix('-open')}-open-dot" if mark.error_of else symbol


def other_networks(marks: Iterable[Mark]) -> tuple[str, ...]:
    """Whose published errors are those of another network, and of which: "resnet18 with shortcut A"."""
    found: dict[str, list[str]] = {}
    for mark in marks:
        if mark.error_of:
            found.setdefault(mark.error_of, []).append(cut_middle(mark.name, 30))
    return tuple(f"{listed(names)} {words}" for words, names in found.items())


def _hover(mark: Mark, axis: Axis) -> str:
    error = f"{mark.error:.2f} % error" if mark.error is not None else "no published figure of this protocol"
    lines = (f"{error}, {_cost(mark.costs[axis], axis)} {axis}", *mark.told)
    name = f"<b>{html_free(cut_middle(mark.name, 34))}</b>"
    return "<br>".join((name, *(html_free(part) for line in lines for part in _wrapped(line))))


def _wrapped(line: str, most: int = 38) -> list[str]:
    rows = [""]
    for word in line.split():
        rows = [*rows[:-1], f"{rows[-1]} {word}".strip()] if len(rows[-1]) + len(word) < most else [*rows, word]
    return rows


# -- place ------------------------------------------------------------------------------------------------

Range = tuple[float, float]
Box = tuple[float, float, float, float]


def _ranges(marks: Sequence[Mark], axis: Axis) -> tuple[Range, Range]:
    """Range of log10 of the cost and of the error, with room for labels."""
    logs = [math.log10(max(mark.costs[axis], 1)) for mark in marks]
    errors = [mark.error for mark in marks if mark.error is not None] or [0.0, 100.0]
    wide = max(max(logs) - min(logs), 0.25)
    high = max(max(errors) - min(errors), 1.0)
    head = 0.12 + 0.1 * sum(mark.error is None for mark in marks)  # a line of text for each name at the top
    return (min(logs) - 0.12 * wide, max(logs) + 0.22 * wide), (min(errors) - 0.14 * high, max(errors) + head * high)


def _pixel(mark: Mark, axis: Axis, x_range: Range, y_range: Range) -> tuple[float, float]:
    across = (math.log10(max(mark.costs[axis], 1)) - x_range[0]) / (x_range[1] - x_range[0])
    up = ((mark.error if mark.error is not None else y_range[1]) - y_range[0]) / (y_range[1] - y_range[0])
    return across * WIDTH, up * (HEIGHT - 60)


def _spot(mark: Mark, axis: Axis, x_range: Range, y_range: Range) -> Box:
    x, y = _pixel(mark, axis, x_range, y_range)
    half = 8 if mark.role else 5
    return x - half, y - half, x + half, y + half


def _meets(box: Box, others: Iterable[Box]) -> bool:
    return any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in others)


def _labels(
    figure: go.Figure, points: Sequence[Mark], axis: Axis, theme: Theme, taken: list[Box], ranges: tuple[Range, Range]
) -> None:
    """Names beside their points where there is room, the compared ones first; a name without room is read on hover."""
    for mark in sorted(points, key=lambda m: m.role is None):
        text = cut_middle(mark.name, 22)
        x, y = _pixel(mark, axis, *ranges)
        wide, away = len(text) * _LETTER, 11 if mark.role else 8
        places = (
            (away, 0, "left"), (-away, 0, "right"), (0, 16, "center"), (0, -16, "center"), (away, 13, "left"),
            (away, -13, "left"), (-away, 13, "right"), (-away, -13, "right"),
        )  # fmt: skip
        for right, up, anchor in places:
            left = x + right - {"left": 0, "right": 1, "center": 0.5}[anchor] * wide
            box = (left, y + up - _LINE / 2, left + wide, y + up + _LINE / 2)
            inside = box[0] > 0 and box[2] < WIDTH and box[1] > 0
            if inside and not _meets(box, taken):
                break
        else:
            if mark.role is None:
                continue
            right, up, anchor = places[1 if x > WIDTH / 2 else 0]
            left = x + right - (wide if anchor == "right" else 0)
            box = (left, y - _LINE / 2, left + wide, y + _LINE / 2)
        taken.append(box)
        figure.add_annotation(
            x=math.log10(max(mark.costs[axis], 1)), y=mark.error, text=html_free(text), showarrow=False,
            xanchor=anchor, yanchor="middle", xshift=right, yshift=up,
            font={"size": 12, "color": LABEL[theme][mark.role] if mark.role else PALETTE[theme]["quiet"]},
        )  # fmt: skip


def _lines(
    figure: go.Figure, marks: Sequence[Mark], axis: Axis, theme: Theme, taken: list[Box], ranges: tuple[Range, Range]
) -> None:
    """A dashed line over the whole height at the cost of a network whose error is unknown, its name at the top."""
    low, high = ranges[1]
    for row, mark in enumerate(sorted(marks, key=lambda m: m.costs[axis])):
        role, at = mark.role or "sixth", max(mark.costs[axis], 1)
        figure.add_scatter(
            x=[at] * 21, y=[low + i / 20 * (high - low) for i in range(21)], mode="lines", showlegend=False,
            line={"color": PALETTE[theme][role], "width": 1.5, "dash": "dash"}, text=[_hover(mark, axis)] * 21,
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
        text = f"{GLYPH[role]} {cut_middle(mark.name, 16)}"
        x, top = _pixel(mark, axis, *ranges)
        down, wide = 8 + _LINE * row, len(text) * _LETTER
        edge = next((e for e in (x + 5, x - 5 - wide) if e >= 0 and e + wide <= WIDTH), None)
        if edge is None:  # room on neither side: the name stands across its line
            edge = min(max(x - wide / 2, 0), max(WIDTH - wide, 0))
        left = edge + wide < x
        taken.append((edge, top - down - _LINE / 2, edge + wide, top - down + _LINE / 2))
        taken.append((x - 2, 0, x + 2, top))
        figure.add_annotation(
            x=math.log10(at), y=high, text=html_free(text), showarrow=False, borderpad=0,
            xanchor="right" if left else "left", xshift=-5 if left else edge - x, yanchor="middle", yshift=-down,
            bgcolor=PALETTE[theme]["panel"], font={"size": 12, "color": LABEL[theme][role]},
        )  # fmt: skip


def _style(figure: go.Figure, axis: Axis, theme: Theme, x_range: Range, y_range: Range) -> None:
    colours = PALETTE[theme]
    ticks = _ticks(x_range)
    quiet = {"gridcolor": colours["grid"], "linecolor": colours["grid"], "zeroline": False, "fixedrange": True}
    figure.update_xaxes(
        type="log", range=list(x_range), tickvals=ticks, ticktext=[_tick(t, axis) for t in ticks], showgrid=False,
        title={"text": axis, "standoff": 4, "font": {"size": 13, "color": colours["quiet"]}}, **quiet,
    )  # fmt: skip
    figure.update_yaxes(range=list(y_range), ticksuffix=" %", nticks=6, **quiet)
    figure.update_layout(
        height=HEIGHT, margin={"l": 44, "r": 6, "t": 6, "b": 40}, hovermode="closest", showlegend=False,
        hoverlabel={"align": "left", "bgcolor": colours["panel"], "bordercolor": colours["grid"],
                    "font": {"color": colours["text"], "size": 12, "family": FONT}},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 12, "color": colours["quiet"]},
    )  # fmt: skip


def _ticks(x_range: Range) -> list[float]:
    """Round numbers of the range: only powers of ten where it is wide, more of each decade where it is narrow."""
    wide = x_range[1] - x_range[0]
    steps = (1,) if wide > 2.2 else (1, 2, 5) if wide > 0.9 else (1, 1.5, 2, 3, 4, 5, 7)
    found = [step * 10.0**power for power in range(math.floor(x_range[0]), math.ceil(x_range[1]) + 1) for step in steps]
    return [tick for tick in found if x_range[0] <= math.log10(tick) <= x_range[1]]


def _tick(value: float, axis: Axis) -> str:
    text = _cost(round(value), axis)
    number, _, unit = text.partition(" ")
    return f"{float(number.replace(',', '')):g} {unit}".strip()
