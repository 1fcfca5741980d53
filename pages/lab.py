"""One lab: predict, observe, explain."""

import streamlit as st

from resnet_viz.runs import ensure_worker
from resnet_viz.ui import lab_actions, lab_predict, lab_view
from resnet_viz.ui.lab_state import open_address, seen, write_address
from resnet_viz.ui.live_server import open_store

store = open_store()
ensure_worker(store)  # it warms up while the reader predicts
address = open_address()
observed = seen(store, address)
lab_view.styles()

lab_view.top_line(address, done=observed is not None and observed.explanation is not None)
if observed is None and address.run is not None:
    lab_predict.gone(address)
left, right = st.columns([1, 1.9], gap="small")
with left:
    address = lab_predict.predict(store, address, observed)
with right:
    lab_view.result(store, address, observed)
lab_actions.actions(address, observed)
lab_view.evidence(observed, address)
write_address(address)
