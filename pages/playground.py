"""Playground: assemble a network, see it, count it."""

import streamlit as st

from resnet_viz.ui import actions, editor, fields, graph_view, totals, views, warming
from resnet_viz.ui.draft import open_draft, write_draft
from resnet_viz.ui.plain_text import plain

# Streamlit forgets a page's widgets when another page is shown.
draft = open_draft(arrived=fields.key_of("start") not in st.session_state)
write_draft(draft)
editor.styles()

actions.action_bar(draft)
if draft.notice:
    st.warning(plain(draft.notice))
left, centre, right = st.columns([1.24, 4.2, 1.16], gap="small")
with left, st.container(key="play_form"):
    editor.form(draft)
if warming.is_cold():
    warming.reserve(centre, right)
    draft.settle()
    warming.warm_up(draft)
with centre:
    focus = graph_view.read_focus(draft.shown)
    with st.container(border=True, key="card_graph"):
        graph_view.graph_view(draft.shown, focus)
    views.under_graph(draft, focus)
with right, st.container(key="play_totals"):
    totals.totals_column(draft)
draft.settle()
