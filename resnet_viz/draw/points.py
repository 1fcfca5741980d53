"""A picture read back as a table: every point of a Plotly figure that stands for a number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .canvas import ALTERED, UNSEEN

if TYPE_CHECKING:
    import plotly.graph_objects as go

Cell = str | float | None
PLACES = 6
"""Digits that matter: what is drawn shows fewer."""


def point_rows(figure: go.Figure) -> list[dict[str, Cell]]:
    """One row a point of every named line or bar, and of every field of values: whose it is, x, y, and what is there.

    Columns are called as the axes are. "least" and "greatest" stand where the picture has a spread. What is not
    finite is None. Lines without a name lead the eye and carry no number of their own. A picture that draws some
    values elsewhere than they are (:data:`~resnet_viz.draw.canvas.ALTERED`) has no rows: nobody measured those.
    """
    if figure.layout.meta == ALTERED:
        return []
    rows: list[dict[str, Cell]] = []
    for trace in figure.data:
        axes = [_title(figure, letter, getattr(trace, f"{letter}axis", None)) for letter in "xy"]
        if trace.type in ("contour", "heatmap"):
            rows += _field(trace, axes)
        elif trace.name and trace.y is not None and trace.meta != UNSEEN:
            rows += _line(trace, axes)
    columns = dict.fromkeys(key for row in rows for key in row)
    return [{key: row.get(key) for key in columns} for row in rows]


def _title(figure: go.Figure, letter: str, axis: str | None) -> str:
    """What an axis is called: its own title, else its letter."""
    found = figure.layout[f"{letter}axis{(axis or letter)[1:]}"].title.text
    return str(found).replace("<b>", "").replace("</b>", "") if found else letter


def _line(trace: Any, axes: Sequence[str]) -> Iterator[dict[str, Cell]]:
    name = _name(trace)
    told = trace.customdata if str(trace.hovertemplate).startswith("%{customdata}") else None
    low, high = _spread(trace, "arrayminus"), _spread(trace, "array")
    xs = trace.x if trace.x is not None else range(len(trace.y))
    for i, (x, y) in enumerate(zip(xs, trace.y, strict=True)):
        whose = name if told is None else str(told[i]).partition(": ")[0]
        row: dict[str, Cell] = {"line": whose, axes[0]: _cell(x), axes[1]: _cell(y)}
        if high is not None and _cell(y) is not None:
            row |= {"least": _cell(y - (high if low is None else low)[i]), "greatest": _cell(y + high[i])}
        yield row


def _name(trace: Any) -> str:
    """The line's name, or what hovering it reads where that tells more; of two with one name one is dotted."""
    hover = str(trace.hovertemplate or "").partition("<")[0].partition(": ")[0].replace(", %{x}", "")
    name = hover if hover.startswith(trace.name) and "%{" not in hover else str(trace.name)
    return f"{name} (dotted)" if trace.type == "scatter" and trace.line.dash == "dot" else name


def _spread(trace: Any, side: str) -> Sequence[float] | None:
    return None if trace.error_y is None else trace.error_y[side]


def _field(trace: Any, axes: Sequence[str]) -> Iterator[dict[str, Cell]]:
    name = str(trace.name or axes[0])
    for y, line in zip(trace.y, trace.z, strict=True):
        for x, value in zip(trace.x, line, strict=True):
            yield {"line": name, "x": _cell(x), "y": _cell(y), "value": _cell(value)}


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        return value.replace("<br>", " ")
    number = math.nan if value is None else float(value)
    return float(f"{number:.{PLACES}g}") if math.isfinite(number) else None
