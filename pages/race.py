"""Race: networks train side by side on the same batches, and every layer's gradient is on the screen."""

import streamlit as st

from resnet_viz.ui.live_view import live_view
from resnet_viz.ui.race_session import open_session, write_session
from resnet_viz.ui.race_view import (
    NEW,
    REFUSED,
    follow_run,
    is_recorded,
    notices,
    obey,
    preview,
    top_line,
    wait_for_estimate,
    wait_in_queue,
)

arrived = NEW not in st.session_state
session = open_session(arrived=arrived)
follow_run(session)
known = preview(session, opened=arrived) if session.run is None else None
write_session(session)

top_line(session, known)
notices(session)
live_view(
    session.run,
    key="race-live",
    preview=known,
    experiment=session.experiment,
    said=REFUSED if session.refusals else None,
    controls=not is_recorded(session),
    on_command=lambda command: obey(session, command),
)
if known and "measuring" in known:
    wait_for_estimate(session.experiment, known["trouble"])
wait_in_queue(session)
session.settle()
