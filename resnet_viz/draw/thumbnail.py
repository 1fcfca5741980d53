"""A picture as a thumbnail: lines, markers, bars and maps of a Plotly figure as a small SVG without words.

Drawn on the server, so that a page with fifteen of them loads no chart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .canvas import UNSEEN
from .colours import PALETTE, Theme, viridis

if TYPE_CHECKING:
    import plotly.graph_objects as go

WIDTH, HEIGHT, EDGE = 240, 120, 6
MAP_CELLS = 40
"""Cells of a map that are drawn along each side at most."""


def thumbnail(figure: go.Figure, theme: Theme, alt: str = "") -> str:
    """The figure's traces as SVG; ``alt`` is read aloud. A figure of other kinds of traces gives an empty frame."""
    scale = _Scale(figure)
    parts = [part for trace in figure.data for part in _drawn(trace, scale, theme)]
    grid = PALETTE[theme]["grid"]
    label = alt.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{label}"><path d="M{EDGE} {HEIGHT - EDGE}H{WIDTH - EDGE}" stroke="{grid}"/>'
        f"{''.join(parts)}</svg>"
    )


class _Scale:
    """From values to places, as the figure's axes have it."""

    def __init__(self, figure: go.Figure) -> None:
        self.categories = list(figure.layout.xaxis.categoryarray or ())
        self.stack = figure.layout.barmode == "stack"
        self.bars = [trace.name for trace in figure.data if trace.type == "bar" and trace.meta != UNSEEN]
        self.bottoms: dict[Any, float] = {}
        self.log_x, self.log_y = figure.layout.xaxis.type == "log", figure.layout.yaxis.type == "log"
        xs = [self._x(x) for trace in figure.data if trace.x is not None for x in trace.x]
        ys = [self._y(y) for trace in figure.data if trace.y is not None for y in trace.y if y is not None]
        self.x_range = _limits(figure.layout.xaxis.range, xs)
        self.y_range = _limits(figure.layout.yaxis.range, [*ys, *([0.0] if self.bars and not self.log_y else [])])

    def _x(self, x: Any) -> float:
        if isinstance(x, str):
            if x not in self.categories:
                self.categories.append(x)
            return float(self.categories.index(x))
        return math.log10(x) if self.log_x and x > 0 else float(x)

    def _y(self, y: Any) -> float:
        if self.log_y:
            return math.log10(y) if y > 0 else -math.inf
        return float(y)

    def x(self, value: Any) -> float:
        low, high = self.x_range
        return EDGE + (self._x(value) - low) / (high - low) * (WIDTH - 2 * EDGE)

    def y(self, value: Any) -> float:
        low, high = self.y_range
        place = min(max((self._y(value) - low) / (high - low), 0.0), 1.0)
        return HEIGHT - EDGE - place * (HEIGHT - 2 * EDGE)


def _limits(given: Sequence[float] | None, values: list[float]) -> tuple[float, float]:
    if given is not None and all(isinstance(one, int | float) for one in given):
        return float(given[0]), float(given[1])
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _drawn(trace: Any, scale: _Scale, theme: Theme) -> list[str]:
    if trace.type == "scatter" and trace.x is not None and len(trace.x):
        return _scatter(trace, scale, theme)
    if trace.type == "bar" and trace.x is not None and trace.meta != UNSEEN:
        return _bars(trace, scale, theme)
    if trace.type in ("heatmap", "contour") and trace.z is not None:
        return _map(trace.z)
    return []


def _scatter(trace: Any, scale: _Scale, theme: Theme) -> list[str]:
    places = [
        (scale.x(x), scale.y(y)) for x, y in zip(trace.x, trace.y, strict=True) if y is not None and math.isfinite(y)
    ]
    parts = []
    if "lines" in (trace.mode or "lines") and len(places) > 1:
        way = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        dash = "" if (trace.line.dash or "solid") == "solid" else ' stroke-dasharray="3 3"'
        colour = trace.line.color or PALETTE[theme]["residual"]
        parts.append(
            f'<path d="M{way}" fill="none" stroke="{colour}" stroke-width="{min(trace.line.width or 2, 2):g}"{dash}/>'
        )
    if "markers" in (trace.mode or ""):
        edge = trace.marker.line.color or trace.marker.color
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{trace.marker.color}" stroke="{edge}"/>'
            for x, y in places[:200]
            if isinstance(trace.marker.color, str)
        ]
    return parts


def _bars(trace: Any, scale: _Scale, theme: Theme) -> list[str]:
    groups = 1 if scale.stack else max(1, len(scale.bars))
    place = 0 if scale.stack else scale.bars.index(trace.name)
    low, high = scale.x_range
    step = (WIDTH - 2 * EDGE) / max(high - low, 1)
    width = 0.7 * step / groups
    colour = trace.marker.color if isinstance(trace.marker.color, str) else PALETTE[theme]["residual"]
    parts = []
    for x, y in zip(trace.x, trace.y, strict=True):
        if y is None or not math.isfinite(y):
            continue
        start = scale.bottoms.get(x, 0.0) if scale.stack else 0.0
        scale.bottoms[x] = start + y
        bottom = HEIGHT - EDGE if scale.log_y else scale.y(start)
        top = scale.y(start + y)
        left = scale.x(x) - 0.35 * step + place * width
        high_edge, size = min(top, bottom), abs(bottom - top)
        place_of = f'x="{left:.1f}" y="{high_edge:.1f}" width="{max(width - 1, 1):.1f}" height="{size:.1f}"'
        parts.append(f'<rect {place_of} fill="{colour}"/>')
    return parts


def _map(values: Any) -> list[str]:
    rows = [list(row) for row in values]
    flat = [float(v) for row in rows for v in row if v is not None and math.isfinite(v)]
    if not flat:
        return []
    low, high = min(flat), max(flat)
    down, across = max(1, len(rows) // MAP_CELLS), max(1, len(rows[0]) // MAP_CELLS)
    rows = [row[::across] for row in rows[::down]]
    high_cell, wide = (HEIGHT - 2 * EDGE) / len(rows), (WIDTH - 2 * EDGE) / len(rows[0])
    parts = []
    for i, row in enumerate(reversed(rows)):
        for j, value in enumerate(row):
            if value is None or not math.isfinite(value):
                continue
            red, green, blue = viridis[round(255 * (value - low) / ((high - low) or 1))]
            parts.append(
                f'<rect x="{EDGE + j * wide:.1f}" y="{EDGE + i * high_cell:.1f}" width="{wide + 0.3:.1f}" '
                f'height="{high_cell + 0.3:.1f}" fill="rgb({red},{green},{blue})"/>'
            )
    return parts
