"""The form of the playground: network, stages and block, each field an edit of the draft."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st

from resnet_viz.draw.colours import css_variables
from resnet_viz.ui.draft import Draft
from resnet_viz.ui.editor_block import block_card
from resnet_viz.ui.editor_network import network_card
from resnet_viz.ui.editor_stages import stages_card


def form(draft: Draft) -> None:
    """The three cards, one under the other."""
    network_card(draft)
    stages_card(draft)
    block_card(draft)


@cache
def _css() -> str:
    sheet = (Path(__file__).parent / "editor.css").read_text(encoding="utf-8")
    return f"<style>:root {{ {css_variables()} }}\n{sheet}</style>"


def styles() -> None:
    """The page's own style sheet: labels beside their fields, cards, numbers."""
    st.html(_css())
