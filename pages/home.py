"""The first page: a recorded race moves at once; one button races the same nets here and now."""

import streamlit as st

from resnet_viz.runs import ensure_worker
from resnet_viz.ui.landing import story
from resnet_viz.ui.live_server import open_store
from resnet_viz.ui.live_view import live_view
from resnet_viz.ui.pages import PLAYGROUND, RACE, go
from resnet_viz.ui.plain_text import plain
from resnet_viz.ui.race_state import default_experiment
from resnet_viz.ui.recordings import FIRST_RACE
from resnet_viz.ui.run_actions import start
from resnet_viz.ui.visitor import visitor

store = open_store()
ensure_worker(store)  # it warms up while the recording is watched
seen, label = story(FIRST_RACE)

words, actions = st.columns([3.4, 1], vertical_alignment="center", gap="medium")
with words:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.markdown("### What does a shortcut do to a deep network?", width="content")
        st.caption(plain(label), width="content")
    st.markdown(plain(seen))
with actions:
    if st.button("Race them now", type="primary", width="stretch", key="race-now"):
        go(RACE, run=start(store, default_experiment(), visitor=visitor()))
    if st.button("Assemble your own network", type="tertiary", width="stretch", key="to-playground"):
        go(PLAYGROUND)
live_view(None, key="landing", recording=FIRST_RACE, controls=False)
