"""The canvas of a lab's picture: axes, lines with their spread, bars, labels at the lines; Plotly, pure functions.

Everything a lab draws goes through here, so that all labs look alike, in both themes, on a page and on a slide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .colours import DASH, LABEL, MARKER, PALETTE, Role, Theme
from .figures import FONT

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 400
ALTERED = "altered"
"""Meta of a picture that draws some values elsewhere than they are: at its edge, or as logarithms."""
UNSEEN = "texts"
"""What marks bars that only carry the texts of others."""
GLYPH: dict[Role, str] = {
    "plain": "●", "residual": "■", "third": "◆", "fourth": "▲", "fifth": "✚", "sixth": "✖",
}  # fmt: skip
"""Markers as letters."""
HATCHES: dict[Role, str] = {
    "plain": "", "residual": "", "third": "/", "fourth": "\\", "fifth": "x", "sixth": ".",
}  # fmt: skip


def canvas(
    theme: Theme,
    *,
    x: str,
    y: str,
    log_x: bool = False,
    log_y: bool = False,
    percent: bool = False,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    ticks: Sequence[float] | None = None,
    names: Sequence[str] | None = None,
    categories: Sequence[str] | None = None,
) -> go.Figure:
    """An empty picture with its axes, so that nothing moves when the first value arrives.

    ``percent``: y values are fractions and read as per cent. ``ticks``: the x values that are named, by ``names`` if
    there are any. ``categories``: the x axis has these words in this order. Ranges of a log axis are given as values,
    not as exponents.
    """
    import plotly.graph_objects as go

    palette = PALETTE[theme]
    common = {
        "gridcolor": palette["grid"], "linecolor": palette["grid"], "zeroline": False, "fixedrange": True,
        "tickfont": {"color": palette["quiet"], "size": 13}, "title": {"font": {"color": palette["quiet"], "size": 13}},
    }  # fmt: skip
    figure = go.Figure()
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 8, "r": 12, "t": 12, "b": 8},
        showlegend=False,
        font={"family": FONT, "size": 13, "color": palette["text"]},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hoverlabel={"font": {"family": FONT}},
        xaxis=common | {"automargin": True, "showgrid": False},
        yaxis=common | {"automargin": True},
    )
    figure.update_xaxes(title_text=x, type="log" if log_x else None, range=_range(x_range, log_x))
    figure.update_yaxes(title_text=y, type="log" if log_y else None, range=_range(y_range, log_y))
    if percent:
        figure.update_yaxes(tickformat=".0%")
    if log_y:
        figure.update_yaxes(exponentformat="power", dtick=1, tickfont_size=11)
    if ticks is not None:
        words = list(names) if names is not None else [f"{value:g}" for value in ticks]
        figure.update_xaxes(tickmode="array", tickvals=list(ticks), ticktext=words)
    if categories is not None:
        figure.update_xaxes(type="category", categoryorder="array", categoryarray=list(categories))
        figure.update_xaxes(range=[-0.5, len(categories) - 0.5])
    return figure


def _range(limits: tuple[float, float] | None, log: bool) -> list[float] | None:
    from math import log10

    return None if limits is None else [log10(one) if log else one for one in limits]


def line(
    figure: go.Figure,
    theme: Theme,
    name: str,
    xs: Sequence[Any],
    ys: Sequence[float],
    *,
    role: Role,
    low: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
    dash: str | None = None,
    width: float = 2.5,
    markers: bool = True,
    label: bool = True,
) -> None:
    """One line with its name at its last point; ``low`` and ``high`` are the spread of repeats, drawn as bars.

    Each role has its colour, dash and marker, so that no line depends on colour alone.
    """
    if not len(xs):
        return
    colour = PALETTE[theme][role]
    spread = None
    if low is not None and high is not None and any(a != b for a, b in zip(low, high, strict=True)):
        spread = {
            "type": "data", "symmetric": False, "thickness": 1.2, "width": 4, "color": colour,
            "array": [top - y for top, y in zip(high, ys, strict=True)],
            "arrayminus": [y - bottom for bottom, y in zip(low, ys, strict=True)],
        }  # fmt: skip
    figure.add_scatter(
        x=list(xs),
        y=list(ys),
        name=name,
        mode="lines+markers" if markers else "lines",
        line={"color": colour, "width": width, "dash": dash or plotly_dash(role)},
        marker={"symbol": MARKER[role], "size": 8, "color": colour},
        error_y=spread,
        cliponaxis=False,
        hovertemplate=f"{name}: %{{y}}<extra></extra>",
    )
    if label:
        note(figure, theme, name, xs[-1], ys[-1], role=role)


def points(
    figure: go.Figure,
    theme: Theme,
    name: str,
    xs: Sequence[Any],
    ys: Sequence[float],
    *,
    role: Role,
    hollow: bool = False,
    texts: Sequence[str] | None = None,
) -> None:
    """Markers without a line; ``hollow`` for what is before, filled for after; hovering reads ``texts``."""
    colour = PALETTE[theme][role]
    figure.add_scatter(
        x=list(xs),
        y=list(ys),
        name=name,
        mode="markers",
        marker={
            "symbol": MARKER[role], "size": 11, "color": PALETTE[theme]["background"] if hollow else colour,
            "line": {"color": colour, "width": 2},
        },
        cliponaxis=False,
        customdata=list(texts) if texts is not None else [name] * len(xs),
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip


def stem(
    figure: go.Figure, theme: Theme, x: float, first: float, last: float, *, role: Role, until: float | None = None
) -> None:
    """A thin line between two markers of one thing, upright or from ``x`` to ``until``."""
    figure.add_scatter(
        x=[x, x if until is None else until],
        y=[first, last],
        mode="lines",
        line={"color": PALETTE[theme][role], "width": 1.5},
        hoverinfo="skip",
    )


def note(
    figure: go.Figure, theme: Theme, words: str, x: Any, y: float, *, role: Role | None = None, right: bool = True
) -> None:
    """Words beside a point, in a role's text colour or quiet; to the left of the point unless ``right``."""
    import math

    log = figure.layout.yaxis.type == "log"
    if log and y <= 0:
        return
    log_x = figure.layout.xaxis.type == "log"
    figure.add_annotation(
        x=math.log10(x) if log_x else x,
        y=math.log10(y) if log else y,
        text=words,
        showarrow=False,
        xanchor="left" if right else "right",
        xshift=9 if right else -9,
        font={"color": LABEL[theme][role] if role else PALETTE[theme]["quiet"], "size": 13},
    )


def name_ends(
    figure: go.Figure, theme: Theme, names: Sequence[tuple[str, Any, float, Role]], gap: float, *, right: bool = True
) -> None:
    """Names at the ends of lines, (words, x, y, role), moved apart from the lowest up where they meet: by ``gap``, on
    a log axis to ``gap`` times as high."""
    place = -float("inf")
    log = figure.layout.yaxis.type == "log"
    for words, x, y, role in sorted(names, key=lambda name: name[2]):
        place = max(y, place * gap if log else place + gap) if place > -float("inf") else y
        note(figure, theme, words, x, place, role=role, right=right)


def bars(
    figure: go.Figure,
    theme: Theme,
    name: str,
    categories: Sequence[str],
    values: Sequence[float],
    *,
    role: Role,
    texts: Sequence[str] | None = None,
    low: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
) -> None:
    """One bar a category with its text above it and its spread; several calls stand beside each other."""
    colour = PALETTE[theme][role]
    spread = None
    if low is not None and high is not None and any(a != b for a, b in zip(low, high, strict=True)):
        spread = {
            "type": "data", "symmetric": False, "thickness": 1.2, "width": 4, "color": PALETTE[theme]["text"],
            "array": [top - y for top, y in zip(high, values, strict=True)],
            "arrayminus": [y - bottom for bottom, y in zip(low, values, strict=True)],
        }  # fmt: skip
    figure.add_bar(
        x=list(categories),
        y=list(values),
        name=name,
        marker={
            "color": colour,
            "line": {"width": 0},
            "pattern": {"shape": HATCHES[role], "solidity": 0.2, "fillmode": "overlay"},
        },
        error_y=spread,
        cliponaxis=False,
        hovertemplate=f"{name}, %{{x}}: %{{y}}<extra></extra>",
    )
    if texts is not None:
        _above(figure, theme, name, categories, high if spread and high is not None else values, texts)
    figure.update_layout(barmode="group", bargap=0.3, bargroupgap=0.08)


def _above(
    figure: go.Figure, theme: Theme, name: str, categories: Sequence[str], tops: Sequence[float], texts: Sequence[str]
) -> None:
    """Texts above bars and their spread, on bars that nobody sees: a bar's own text would lie on its spread."""
    figure.data[-1].update(offsetgroup=name)
    figure.add_bar(
        x=list(categories), y=list(tops), name=name, offsetgroup=name, meta=UNSEEN, hoverinfo="skip",
        marker={"color": "rgba(0,0,0,0)", "line": {"width": 0}}, text=list(texts), textposition="outside",
        textfont={"color": PALETTE[theme]["text"], "size": 12}, cliponaxis=False,
    )  # fmt: skip


def level(figure: go.Figure, theme: Theme, words: str, y: float, *, right: bool = False) -> None:
    """A quiet dotted line across the picture with its words, at its left or right end: chance, a threshold."""
    import math

    figure.add_hline(y=y, line={"color": PALETTE[theme]["quiet"], "width": 1, "dash": "dot"})
    log = figure.layout.yaxis.type == "log"
    figure.add_annotation(
        x=1 if right else 0, xref="paper", y=math.log10(y) if log else y, text=words, showarrow=False,
        xanchor="right" if right else "left", yanchor="bottom", font={"color": PALETTE[theme]["quiet"], "size": 12},
    )  # fmt: skip


def legend(figure: go.Figure, names: Sequence[tuple[str, Role]], theme: Theme) -> None:
    """Names in their colours on one line above the picture, where no line carries a label; markers as drawn."""
    bars_only = all(trace.type == "bar" for trace in figure.data)
    words = "   ".join(
        f'<span style="color:{LABEL[theme][role]}">{"■" if bars_only else GLYPH[role]} {name}</span>'
        for name, role in names
    )
    figure.add_annotation(
        x=0, y=1.0, xref="paper", yref="paper", text=words, showarrow=False, xanchor="left", yanchor="bottom",
        yshift=6, font={"size": 13},
    )  # fmt: skip
    figure.update_layout(margin={"t": 34})


def sketched(figure: go.Figure, theme: Theme, name: str, xs: Sequence[Any], ys: Sequence[float]) -> None:
    """A curve that somebody drew by hand: thick, quiet, dashed, under everything that was measured."""
    colour = PALETTE[theme]["quiet"]
    figure.add_scatter(
        x=list(xs), y=list(ys), name=name, mode="lines", line={"color": colour, "width": 5, "dash": "dash"},
        opacity=0.45, cliponaxis=False, hovertemplate=f"{name}: %{{y}}<extra></extra>",
    )  # fmt: skip
    figure.data = (figure.data[-1], *figure.data[:-1])
    note(figure, theme, name, xs[-1], ys[-1])


def waits(figure: go.Figure, theme: Theme, words: str) -> None:
    """One quiet line in the middle of a picture that has nothing yet; an axis whose range is open names no values."""
    if figure.layout.yaxis.range is None:
        figure.update_yaxes(range=[0, 1], showticklabels=False)
    if figure.layout.xaxis.range is None:
        figure.update_xaxes(range=[0, 1], showticklabels=False)
    figure.add_annotation(
        x=0.5, y=0.62, xref="paper", yref="paper", text=words, showarrow=False, borderpad=4,
        font={"color": PALETTE[theme]["quiet"], "size": 14}, bgcolor=PALETTE[theme]["background"],
    )  # fmt: skip


def empty(figure: go.Figure) -> bool:
    """True while nothing that was measured is drawn."""
    return not any(value is not None for trace in figure.data for value in (trace.x if trace.x is not None else ()))


def plotly_dash(role: Role) -> str:
    """A role's dash pattern as Plotly writes it."""
    pattern = DASH[role]
    return pattern if pattern == "solid" else ",".join(f"{part}px" for part in pattern.split())
