"""A lab's picture as a slide: its question as the title, its source below, in one size; SVG and PNG by the browser."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from ..draw.colours import PALETTE, Theme
from .observation import Observation

if TYPE_CHECKING:
    import plotly.graph_objects as go

WIDTH, HEIGHT = 1280, 720
LINE = 66
"""Characters of the title on one line."""


def slide(observation: Observation, theme: Theme = "light", view: str = "") -> go.Figure:
    """16 : 9, letters for the back row, an opaque background; ``view`` is one of the lab's further pictures."""
    lab, palette = observation.lab, PALETTE[theme]
    drawn = lab.views.get(view, lab.figure)
    figure = drawn(observation.findings, theme)
    title = "<br>".join(textwrap.wrap(lab.question, LINE))
    origin = f"{observation.origin} · {'; '.join(source.name for source in lab.sources)} · ResNet Viz"
    figure.update_layout(
        width=WIDTH, height=HEIGHT, margin={"l": 40, "r": 40, "t": 140, "b": 124},
        paper_bgcolor=palette["background"], plot_bgcolor=palette["background"],
        title={"text": f"<b>{title}</b>", "x": 0.03, "y": 0.94, "yanchor": "top", "font": {"size": 28}},
    )  # fmt: skip
    figure.update_xaxes(tickfont_size=19, title_font_size=19)
    figure.update_yaxes(tickfont_size=19, title_font_size=19)
    figure.for_each_annotation(lambda note: note.update(font_size=round((note.font.size or 13) * 1.45)))
    figure.for_each_trace(lambda trace: trace.update(textfont_size=18), selector={"type": "bar"})
    figure.add_annotation(
        x=0.0, y=0.0, xref="paper", yref="paper", yshift=-116, text=origin, showarrow=False, xanchor="left",
        yanchor="bottom", font={"size": 15, "color": palette["quiet"]},
    )  # fmt: skip
    return figure


def export_config(observation: Observation, kind: str) -> dict[str, object]:
    """What Plotly needs to save the slide from the browser as "svg" or "png" (twice the size)."""
    options = {
        "format": kind, "filename": f"resnet-viz-{observation.lab.slug}", "width": WIDTH, "height": HEIGHT,
        "scale": 2 if kind == "png" else 1,
    }  # fmt: skip
    return {"displaylogo": False, "displayModeBar": True, "modeBarButtons": [["toImage"]],
            "toImageButtonOptions": options}  # fmt: skip
