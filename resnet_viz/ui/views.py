"""The card under the graph: layers, counts, the gradient's ways or the source, one of them at a time."""

from __future__ import annotations

import streamlit as st

from resnet_viz.ui import code_view, count_view, gradient_view, layer_table
from resnet_viz.ui.draft import Draft
from resnet_viz.ui.graph_view import Focus

SHOWN = "playground view"
LAYERS, COUNT, GRADIENT, CODE = "Layers", "Count", "Gradient", "Code"


def _switch() -> None:
    st.segmented_control(
        "View", (LAYERS, COUNT, GRADIENT, CODE), default=LAYERS, required=True, key=SHOWN, label_visibility="collapsed"
    )


def show_count() -> None:
    """From now on the card has the counts (a button elsewhere leads there)."""
    st.session_state[SHOWN] = COUNT


def under_graph(draft: Draft, focus: Focus) -> None:
    """Draw the view that the person chose."""
    with st.container(border=True, key="card_layers"):
        match st.session_state.get(SHOWN):
            case "Count":
                count_view.count_view(draft, focus, _switch)
            case "Gradient":
                gradient_view.gradient_view(draft, _switch)
            case "Code":
                code_view.code_view(draft, _switch)
            case _:
                layer_table.layer_table(draft, focus, _switch)
