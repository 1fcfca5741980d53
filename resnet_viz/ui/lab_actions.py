"""What a reader can take from a lab: its networks, its link, a slide, a notebook, a handout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from resnet_viz.draw.colours import Theme
from resnet_viz.labs import Observation
from resnet_viz.labs.handout import handout
from resnet_viz.labs.notebook import notebook
from resnet_viz.labs.slide import export_config, slide
from resnet_viz.spec import Comparison, Experiment, Network, encode

from . import pages
from .draft import hand_over
from .lab_state import LabAddress
from .race_session import open_race

if TYPE_CHECKING:
    from resnet_viz.spec.compact import Shared

SHOWN = 560
"""Pixels of the slide's height on the page."""
WHERE = {Network: "Playground", Experiment: "Race", Comparison: "Compare"}


def actions(address: LabAddress, seen: Observation | None) -> None:
    """The row under a lab."""
    lab = address.lab
    with st.container(horizontal=True, gap="small", key="lab_actions"):
        if lab.apart is not None:
            thing = lab.apart()
            which = "the small run's" if seen is not None and seen.lab.enlarged else "its"
            if st.button("Take it apart", key="lab apart", help=f"Opens {which} networks in {WHERE[type(thing)]}"):
                take_apart(thing)
        with st.popover("Share link"):
            st.caption("Whoever opens this address gets this question, and predicts and runs it themselves.")
            st.code(f"{st.context.url or ''}?lab={lab.slug}", language=None, wrap_lines=True)
        st.download_button(
            "Notebook", notebook(lab), file_name=f"{lab.slug}.ipynb", mime="application/x-ipynb+json",
            on_click="ignore", help="Runs the same lab in Jupyter, raw findings and all",
        )  # fmt: skip
        if seen is not None and seen.over and seen.findings:
            if st.button("Slide", key="lab slide", help="The picture with its question and source, as SVG or PNG"):
                _slide(seen, dict(address.guesses))
            st.download_button(
                "Handout", lambda: handout(seen, address.guesses), file_name=f"{lab.slug}.html", mime="text/html",
                on_click="ignore", help="One page to print, with your prediction and this run",
            )  # fmt: skip


def take_apart(thing: Shared) -> None:
    """Leave for the page that shows these networks."""
    if isinstance(thing, Network):
        pages.go(pages.PLAYGROUND, **hand_over(thing))
    if isinstance(thing, Comparison):
        pages.go(pages.COMPARE, c=encode(thing))
    open_race(thing)
    pages.go(pages.RACE, x=encode(thing))


@st.dialog("Slide", width="large")
def _slide(seen: Observation, guesses: Mapping[str, str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        kind = st.segmented_control("File", ["SVG", "PNG"], default="SVG", required=True, label_visibility="collapsed")
        views = ["Result", *seen.lab.views]
        view = st.selectbox("Picture", views, label_visibility="collapsed") if len(views) > 1 else views[0]
        theme: Theme = "dark" if st.toggle("Dark", value=st.context.theme.type == "dark") else "light"
    st.caption("The camera at the top right of the picture saves it, 1280 × 720.")
    figure: Any = slide(seen, theme, view)
    figure.update_layout(width=None, height=SHOWN)  # as wide as the dialog; the file has the slide's own size
    st.plotly_chart(
        figure, theme=None, config=export_config(seen, str(kind).lower()), key=f"slide {kind} {view} {theme}",
        alt=f"{seen.lab.question} {seen.origin}",
    )  # fmt: skip
