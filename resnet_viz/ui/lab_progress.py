"""How far the reader is in the course: a strip of fifteen marks, remembered by the browser and never sent to us."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

import streamlit as st

from resnet_viz.draw.colours import css_variables
from resnet_viz.labs import labs

HERE = Path(__file__).parent / "progress"


@cache
def _component() -> Callable[..., Any]:
    css = (HERE / "progress.css").read_text(encoding="utf-8")
    return cast(
        "Callable[..., Any]",
        st.components.v2.component(
            "resnet_viz_progress",
            css=f":host, .rv-progress {{ {css_variables()} }}\n{css}",
            js=(HERE / "progress.js").read_text(encoding="utf-8"),
        ),
    )


def progress_strip(here: str | None = None, *, done: bool = False) -> None:
    """The strip; ``here`` is the lab on the screen, which counts as done with ``done``.

    What is done lies in the browser's local storage; where that is not allowed it holds for the visit.
    """
    rows = [{"slug": lab.slug, "number": lab.number, "title": lab.title} for lab in labs()]
    _component()(key="lab progress", data={"labs": rows, "here": here, "done": done})
