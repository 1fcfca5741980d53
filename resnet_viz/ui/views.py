"""The card under the graph: the table of layers or the source, one of them at a time."""

from __future__ import annotations

import streamlit as st

from resnet_viz.ui import code_view, layer_table
from resnet_viz.ui.draft import Draft
from resnet_viz.ui.graph_view import Focus

SHOWN = "playground view"
LAYERS, CODE = "Layers", "Code"


def _switch() -> None:
    st.segmented_control("View", (LAYERS, CODE), default=LAYERS, required=True, key=SHOWN, label_visibility="collapsed")


def under_graph(draft: Draft, focus: Focus) -> None:
    """Draw the view that the person chose."""
    with st.container(border=True, key="card_layers"):
        if st.session_state.get(SHOWN) == CODE:
            code_view.code_view(draft, _switch)
        else:
            layer_table.layer_table(draft, focus, _switch)
