"""A server with the live routes and one page that has nothing but a live view."""

import streamlit as st

from resnet_viz.serve import lifespan
from resnet_viz.ui.live_server import server

live = server()
app = st.App("page.py", routes=live.routes(st.get_option("server.baseUrlPath")), lifespan=lifespan(live))
