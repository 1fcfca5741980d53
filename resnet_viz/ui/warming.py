"""The playground's first seconds in a fresh process, while torch is imported: every card has its place already."""

from __future__ import annotations

from contextlib import suppress
from typing import NoReturn

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from resnet_viz.spec import SpecError
from resnet_viz.ui.draft import Draft
from resnet_viz.ui.graph_view import read_focus
from resnet_viz.ui.inspection import layout_of, summary_of

CARDS = ("parameters", "macs", "facts", "where")


def is_cold() -> bool:
    """True until this process has imported torch and drawn and counted a first network."""
    return not _warm


def reserve(centre: DeltaGenerator, right: DeltaGenerator) -> None:
    """Empty cards as high as the real ones (``editor.css`` says how high), so that nothing jumps; one quiet line."""
    with centre:
        with st.container(border=True, key="card_waits_graph"):
            st.caption("Loading PyTorch, once after the start: it builds and counts the real module.")
        st.container(border=True, key="card_waits_layers").space("small")
    with right, st.container(key="play_totals_wait"):
        st.container(key="waits_compared").space("small")
        for name in CARDS:
            st.container(border=True, key=f"card_waits_{name}").space("small")


def warm_up(draft: Draft) -> NoReturn:
    """Import torch, count and lay out what the page is about to show, and run the page again."""
    focus = read_focus(draft.shown)
    layout_of(draft.shown, focus.stage, focus.block)
    with suppress(SpecError):  # the page says it
        summary_of(draft.network)
    _warm.append(True)
    st.rerun()


_warm: list[bool] = []
