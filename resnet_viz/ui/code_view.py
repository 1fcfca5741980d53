"""The network as PyTorch source beside the graph: a component of our own, with the lines of every module."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

import streamlit as st

from resnet_viz.codegen import Source, Style, source
from resnet_viz.draw.colours import css_variables
from resnet_viz.spec import Network
from resnet_viz.ui.draft import Draft

HERE = Path(__file__).parent / "code"
KEY = "code_view"
STYLE = "playground code style"
STYLES: dict[Style, str] = {"explicit": "Explicit", "lazy": "Lazy"}
KEPT = 64


@cache
def _component() -> Callable[..., Any]:
    css = (HERE / "code.css").read_text(encoding="utf-8")
    return cast(
        "Callable[..., Any]",
        st.components.v2.component(
            "resnet_viz_code",
            css=f":host, .rv-code {{ {css_variables()} }}\n{css}",
            js=(HERE / "code.js").read_text(encoding="utf-8"),
        ),
    )


@lru_cache(maxsize=KEPT)
def source_of(network: Network, style: Style) -> Source:
    """The source of a network, kept for the last ones that anyone looked at. Raises ``SpecError``."""
    return source(network, style)


def folded(found: Source) -> dict[str, Any]:
    """The lines of all modules with equal blocks said once: "own" by path, "kinds" by path in a block, "blocks"."""
    own: dict[str, tuple[int, int]] = {}
    inside: dict[str, dict[str, tuple[int, int]]] = {}
    for path, lines in found.lines.items():
        block = re.match(r"layer\d+\.\d+(?=\.|$)", path)
        if block is None:
            own[path] = lines
        else:
            inside.setdefault(block[0], {})[path[block.end() + 1 :]] = lines
    kinds: list[dict[str, tuple[int, int]]] = []
    blocks: dict[str, int] = {}
    for name, places in inside.items():
        if places not in kinds:
            kinds.append(places)
        blocks[name] = kinds.index(places)
    return {"own": own, "kinds": kinds, "blocks": blocks}


def file_name(network: Network) -> str:
    """A name for the download: letters, digits and underscores, never a Python keyword or empty."""
    name = re.sub(r"[^a-z0-9]+", "_", network.name.lower()).strip("_")[:40]
    return f"{name if name and not name[0].isdigit() else f'net_{name}'.rstrip('_')}.py"


def code_view(draft: Draft, switch: Callable[[], None]) -> None:
    """The card's heading, begun by ``switch``, and the source of the last network that can be built."""
    network = draft.network
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        switch()
        st.caption("The last network that can be built" if draft.attempt else "Hover a line to find it in the graph")
        style = st.segmented_control(
            "Style", list(STYLES), default="explicit", required=True, key=STYLE, format_func=lambda s: STYLES[s],
            label_visibility="collapsed", help="Lazy layers find out what enters them from the first batch",
        )  # fmt: skip
        found = source_of(network, style)
        st.download_button(
            "Download", found.text, file_name(network), "text/x-python", on_click="ignore", icon=":material/download:"
        )
    _component()(
        key=KEY,
        data={"text": found.text, "name": f"PyTorch source of {network.name}", **folded(found)},
    )
