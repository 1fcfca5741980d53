"""Who is asking: one name for each browser session, by which visitors take turns in the line."""

from __future__ import annotations

import uuid

import streamlit as st

VISITOR = "visitor"


def visitor() -> str:
    """This session's name: nothing of the person, and another one after a reload."""
    return str(st.session_state.setdefault(VISITOR, uuid.uuid4().hex[:12]))
