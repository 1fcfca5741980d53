"""Starlette routes beside Streamlit's: the live stream of a run (Server-Sent Events). No streamlit, no torch."""

from __future__ import annotations

from .messages import Follower, delta_message, header_message
from .shutdown import lifespan
from .stream import LiveServer

__all__ = ["Follower", "LiveServer", "delta_message", "header_message", "lifespan"]
