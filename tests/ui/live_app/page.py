"""The page: what it shows is in the query (``run``, ``preview``, ``recording``); commands are written down as text."""

import json

import streamlit as st

from resnet_viz.ui import theme
from resnet_viz.ui.live_view import live_view
from tests.serve import fake_runs

query = st.query_params
st.set_page_config(layout="wide")
theme.apply()
made = fake_runs.experiment(20)
live_view(
    query.get("run"),
    key="live",
    preview={"contestants": fake_runs.header(made)["contestants"]} if "preview" in query else None,
    experiment=made if "preview" in query else None,
    recording=query.get("recording"),
    controls="bare" not in query,
    on_command=lambda command: st.session_state.setdefault("commands", []).append(command),
)
if "commands" in st.session_state:
    st.code(json.dumps(st.session_state["commands"]))
