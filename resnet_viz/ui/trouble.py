"""What a page says when the runs cannot be read or written (a full disk, a directory made read-only): one sentence."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from resnet_viz.runs import StoreError

from .plain_text import plain

TROUBLE = "store trouble"


def trouble_sentence(error: Exception) -> str:
    """The sentence for what the store raised; a :class:`StoreError` is one already."""
    if isinstance(error, StoreError):
        return str(error)
    said = str(error).strip().rstrip(".") or type(error).__name__
    return (
        f"The runs cannot be read or written just now ({said}). What was written before is kept: "
        "see that the disk has room and the directory of the runs can be written, then try again."
    )


@contextmanager
def store_trouble() -> Iterator[None]:
    """Around what uses the store: its trouble is kept for :func:`tell_trouble` instead of becoming a traceback."""
    try:
        yield
    except (sqlite3.Error, StoreError) as error:
        st.session_state[TROUBLE] = trouble_sentence(error)


def tell_trouble() -> None:
    """Say once what went wrong since the page was drawn last."""
    said = st.session_state.pop(TROUBLE, None)
    if said:
        st.error(plain(said))
