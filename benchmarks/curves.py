"""Error curves as a stand-alone SVG: one panel a kind of network, dashed for training, bold for test error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLOURS = ("#0066bb", "#c2410c", "#2b8a3e", "#7048a8", "#222222", "#a61e4d")
WIDE, HIGH, LEFT, TOP, GAP = 400, 280, 46, 34, 30


@dataclass(frozen=True)
class Curve:
    """Errors in percent of one network as (epoch, error) points."""

    kind: str
    depth: int
    training: bool
    points: Sequence[tuple[float, float]]


def drawn(curves: Sequence[Curve], *kinds: str) -> str:
    """The SVG's text; all panels have the same axes."""
    depths = sorted({curve.depth for curve in curves})
    end = max((x for curve in curves for x, _ in curve.points), default=1.0)
    most = max((y for curve in curves for _, y in curve.points), default=100.0)
    ceiling = min(100, 10 * (int(most) // 10 + 1))
    width = len(kinds) * (WIDE + GAP) + LEFT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HIGH + TOP + 46}" '
        'font-family="system-ui, sans-serif" font-size="12" fill="#222">'
        '<rect width="100%" height="100%" fill="#fff"/>'
    ]
    for place, kind in enumerate(kinds):
        left = LEFT + place * (WIDE + GAP)
        parts += _axes(left, kind, end, ceiling)
        for curve in (curve for curve in curves if curve.kind == kind):
            colour = COLOURS[depths.index(curve.depth) % len(COLOURS)]
            line = " ".join(
                f"{left + WIDE * x / end:.1f},{TOP + HIGH * (1 - y / ceiling):.1f}" for x, y in curve.points
            )
            dash = ' stroke-dasharray="4 3" stroke-width="1.2"' if curve.training else ' stroke-width="2.4"'
            parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}"{dash}/>')
        for row, depth in enumerate(depths):
            y = TOP + 14 + 15 * row
            colour = COLOURS[depths.index(depth) % len(COLOURS)]
            parts.append(f'<text x="{left + WIDE - 6}" y="{y}" text-anchor="end" fill="{colour}">'
                         f"{escape(kind)}-{depth}</text>")  # fmt: skip
    return "\n".join([*parts, "</svg>", ""])


def _axes(left: float, kind: str, end: float, ceiling: int) -> list[str]:
    parts = [f'<text x="{left}" y="{TOP - 12}" font-weight="600">{escape(kind)}: error in %</text>']
    for value in range(0, ceiling + 1, 10 if ceiling <= 60 else 20):
        y = TOP + HIGH * (1 - value / ceiling)
        parts.append(f'<line x1="{left}" x2="{left + WIDE}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{value}</text>')
    for epoch in range(0, int(end) + 1, max(1, int(end) // 5)):
        parts.append(
            f'<text x="{left + WIDE * epoch / end:.1f}" y="{TOP + HIGH + 18}" text-anchor="middle">{epoch}</text>'
        )
    parts.append(f'<text x="{left + WIDE / 2}" y="{TOP + HIGH + 36}" text-anchor="middle">epoch</text>')
    return parts
