"""The app: ``streamlit run app.py`` (or ``make run``). Composition only: the pages, and the live stream beside them."""

from __future__ import annotations

import streamlit as st

from resnet_viz.serve import lifespan
from resnet_viz.ui.live_server import server

live = server()
app = st.App(
    "resnet_viz/ui/main.py",
    routes=live.routes(st.get_option("server.baseUrlPath")),
    lifespan=lifespan(live),
)
