"""Runs: everything trained so far, to replay, compare, rename, delete and download."""

import streamlit as st

from resnet_viz.runs import status
from resnet_viz.ui.live_server import open_store
from resnet_viz.ui.pages import RACE, go
from resnet_viz.ui.race_state import default_experiment
from resnet_viz.ui.run_actions import start
from resnet_viz.ui.runs_compare import PARAMETER, chosen_pair, compare
from resnet_viz.ui.runs_view import TICK, bin_popover, bin_runs, delete_words, place_line, runs_list, undo_line

store = open_store()
rows = store.rows()
ticked = [row.id for row in rows if st.session_state.get(TICK + row.id)]

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.markdown("### Runs", width="content")
    undo_line(store)
    st.space("stretch")
    if rows:
        races = [row.id for row in rows if row.id in ticked and row.task is None]
        two = len(ticked) == len(races) == 2
        hint = None if two else "Tick two runs first, labs aside"
        if st.button("Compare two", key="compare", disabled=not two, help=hint):
            st.query_params[PARAMETER] = ",".join(ticked)
        words = delete_words(status(row)[0] for row in rows if row.id in ticked)
        if st.button(f"{words} {len(ticked) or ''}".strip(), key="delete-ticked", disabled=not ticked):
            bin_runs(store, ticked)
            st.rerun()
    bin_popover(store)
place_line()

pair = chosen_pair()
if pair:
    compare(store, pair)
if rows:
    runs_list(store, rows)
else:
    nothing = "All runs are in the bin." if store.rows(deleted=True) else "Nothing has been trained yet."
    with st.container(border=True, height=300, horizontal_alignment="center", vertical_alignment="center"):
        st.markdown(f"{nothing} A race of plain-56 against residual-56 takes some seconds.", width="content")
        if st.button("Race plain-56 against residual-56", type="primary", key="first-race"):
            go(RACE, run=start(store, default_experiment()))
