"""Pictures read back as tables: every drawn number, and none that is not drawn."""

from __future__ import annotations

import plotly.graph_objects as go

from resnet_viz.draw.canvas import ALTERED, bars, canvas, line
from resnet_viz.draw.points import point_rows


def test_lines_bars_and_fields() -> None:
    figure = go.Figure()
    figure.add_scatter(x=[0, 1], y=[0.12345678, float("nan")], name="plain", hovertemplate="plain: %{y}<extra></extra>")
    figure.add_scatter(x=[0, 1], y=[5, 5])  # a line without a name leads the eye
    figure.add_scatter(x=[2], y=[3.0], name="plain", line={"dash": "dot"})
    figure.add_bar(x=["a<br>b"], y=[7], name="bars")
    figure.update_layout(xaxis={"title": {"text": "step"}}, yaxis={"title": {"text": "<b>loss</b>"}})
    assert point_rows(figure) == [
        {"line": "plain", "step": 0.0, "loss": 0.123457},
        {"line": "plain", "step": 1.0, "loss": None},
        {"line": "plain (dotted)", "step": 2.0, "loss": 3.0},
        {"line": "bars", "step": "a b", "loss": 7.0},
    ]
    field = go.Figure(go.Contour(x=[0, 1], y=[2], z=[[3.0, 4.0]], name="surface"))
    assert [row["value"] for row in point_rows(field)] == [3.0, 4.0]


def test_spread_and_what_hovering_tells() -> None:
    figure = canvas("light", x="epoch", y="error")
    line(figure, "light", "residual", [1, 2], [0.5, 0.25], role="residual", low=[0.4, 0.25], high=[0.75, 0.5])
    found = [row for row in point_rows(figure) if row["line"] == "residual"]
    assert [(row["least"], row["greatest"]) for row in found] == [(0.4, 0.75), (0.25, 0.5)]
    figure.add_scatter(x=[0], y=[1], name="one", customdata=["one, at the start: 1"], hovertemplate="%{customdata}")
    assert point_rows(figure)[-1]["line"] == "one, at the start"


def test_texts_above_bars_are_no_points_and_altered_pictures_have_none() -> None:
    figure = canvas("light", x="kind", y="error")
    bars(
        figure, "light", "error", ["a", "b"], [0.5, 0.25], role="plain", low=[0.4, 0.2], high=[0.7, 0.3], texts=["", ""]
    )
    assert [(row["kind"], row["error"]) for row in point_rows(figure)] == [("a", 0.5), ("b", 0.25)]
    figure.update_layout(meta=ALTERED)
    assert point_rows(figure) == []
