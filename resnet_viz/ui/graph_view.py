"""Mounts the graph of a network as a component of our own, and keeps in the session what is opened and selected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from resnet_viz.draw.colours import css_variables
from resnet_viz.spec import Network
from resnet_viz.ui.inspection import layout_of

HERE = Path(__file__).parent / "graph"
KEY = "graph_view"
SESSION = "graph focus"
HINT = "Click or Enter opens · Escape goes back · arrow keys walk"


@dataclass(frozen=True)
class Focus:
    """What is opened (stage and block from 1, 0: nothing) and which node is selected ("" for none)."""

    stage: int = 0
    block: int = 0
    selected: str = ""

    def within(self, network: Network) -> Focus:
        """The same as far as the network has it: an edit may have taken the stage or the block away."""
        if not 1 <= self.stage <= len(network.stages):
            return Focus(selected="" if self.stage else self.selected)
        if self.block > network.stages[self.stage - 1].blocks:
            return Focus(self.stage)
        return self


def read_focus(network: Network) -> Focus:
    """The focus of this session, fitted to the network."""
    focus: Focus = st.session_state.get(SESSION, Focus())
    return focus.within(network)


def set_focus(focus: Focus) -> None:
    """Open or select something from Python (the stage list does)."""
    st.session_state[SESSION] = focus


def focus_from(message: Any) -> Focus | None:
    """The focus that the browser asks for; None for anything that is not one."""
    if not isinstance(message, dict):
        return None
    stage, block, selected = (message.get(key, 0) for key in ("stage", "block", "select"))
    if not all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n <= 10_000 for n in (stage, block)):
        return None
    text = selected if isinstance(selected, str) else ""
    return Focus(stage, block if stage else 0, text[:200])


@cache
def component() -> Callable[..., Any]:
    """The graph's component, made once."""
    css = (HERE / "graph.css").read_text(encoding="utf-8")
    return st.components.v2.component(
        "resnet_viz_graph",
        css=f":host, .rv-graph {{ {css_variables()} }}\n{css}",
        js=(HERE / "graph.js").read_text(encoding="utf-8"),
    )


def graph_view(network: Network, focus: Focus, *, on_go: Callable[[Focus], None] = set_focus) -> None:
    """Draw the network with ``focus`` opened; ``on_go`` is called when the person opens or selects something."""

    def went() -> None:
        asked = focus_from(st.session_state[KEY].get("go"))
        if asked is not None:
            on_go(asked)

    component()(
        key=KEY,
        data={
            "layout": layout_of(network, focus.stage, focus.block).data(),
            "stage": focus.stage,
            "block": focus.block,
            "blocks": network.stages[focus.stage - 1].blocks if focus.stage else 0,
            "selected": focus.selected,
            "name": f"Graph of {network.name}: {len(network.stages)} stages, {network.blocks} blocks",
            "hint": HINT,
        },
        on_go_change=went,
    )
