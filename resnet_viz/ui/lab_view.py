"""The right side of a lab: its picture, live while it runs, and what follows from the numbers; below, the evidence."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st

from resnet_viz.draw.canvas import sketched, waits
from resnet_viz.draw.colours import Theme
from resnet_viz.draw.points import point_rows
from resnet_viz.draw.wording import seconds
from resnet_viz.labs import Observation, labs, observe
from resnet_viz.labs.claims import claims, thresholds
from resnet_viz.runs import Store, ensure_worker, worker_trouble

from . import pages
from .lab_progress import progress_strip
from .lab_state import LabAddress
from .plain_text import plain, plain_rows
from .trouble import store_trouble

LOOK_EVERY = 1.0
HEIGHT = 348
MAIN = "Result"
WORDS = {
    "present": ":blue[{} shows it.]", "absent": ":gray[{} shows no clear effect.]",
    "reversed": ":orange[{} shows the opposite.]",
}  # fmt: skip
PLOTLY = {"displaylogo": False, "displayModeBar": False}


@cache
def _css() -> str:
    return f"<style>\n{(Path(__file__).parent / 'lab.css').read_text(encoding='utf-8')}</style>"


def styles() -> None:
    """The rules of the pages of labs. They hold no text of a person's."""
    st.html(_css())


def theme() -> Theme:
    """The theme that the reader's browser has."""
    return "dark" if st.context.theme.type == "dark" else "light"


def top_line(address: LabAddress, *, done: bool) -> None:
    """The question, and the way through the course."""
    lab, course = address.lab, labs()
    place = course.index(lab)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False, key="lab_top"):
        st.markdown(f"### {plain(lab.question)}", width="stretch")
        with st.container(width="content", key="lab_strip"):
            progress_strip(lab.slug, done=done)
        if st.button("All", key="lab all", type="tertiary", help="All questions"):
            pages.go(pages.QUESTIONS)
        if st.button("‹ Previous", key="lab previous", disabled=place == 0):
            pages.go(pages.LAB, lab=course[place - 1].slug)
        if st.button("Next ›", key="lab next", disabled=place == len(course) - 1):
            pages.go(pages.LAB, lab=course[place + 1].slug)


def result(store: Store, address: LabAddress, observed: Observation | None) -> None:
    """The picture with its origin above and, when it is over, the explanation below."""
    with st.container(border=True, key="card_result"):
        if observed is None:
            _head(address, "What you will see", live=False)
            _picture(_empty(address), address)
        elif observed.over:
            view = _head(address, observed.origin, live=False)
            _picture(observed, address, view)
        else:
            _follow(store, str(observed.run), address)
    with st.container(border=True, key="card_explain"):
        _explain(observed)


def _empty(address: LabAddress) -> Observation:
    return Observation(address.lab, (), (), state="queued")


def _head(address: LabAddress, words: str, *, live: bool) -> str:
    """The line above the picture; gives the name of the view that is chosen."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="lab_head"):
        st.markdown(f":gray[{plain(words)}]", width="stretch")
        if address.lab.views and not live:
            names = [MAIN, *address.lab.views]
            chosen = st.selectbox(
                "Picture", names, key=f"lab view {address.lab.slug}", label_visibility="collapsed", width=270
            )
            return str(chosen)
    return MAIN


def _picture(observed: Observation, address: LabAddress, view: str = MAIN) -> None:
    lab = address.lab
    figure = lab.views.get(view, lab.figure)(observed.findings, theme())
    if lab.sketch is not None and address.sketch and view == MAIN:
        sketched(figure, theme(), "your sketch", lab.sketch.xs, [value / 100 for value in address.sketch])
    if not observed.findings:
        line = "Predict first: what is measured appears here." if not observed.run else "It begins in a moment."
        waits(figure, theme(), line)
    figure.update_layout(height=HEIGHT)
    told = "; ".join(", ".join(f"{key} {value}" for key, value in row.items()) for row in observed.table())
    st.plotly_chart(
        figure, key="lab picture", theme=None, config=PLOTLY, alt=f"{lab.title}. {told or 'Nothing is measured yet.'}"
    )


def _follow(store: Store, run: str, address: LabAddress) -> None:
    """The picture while the worker measures, looked at once a second."""

    def look() -> None:
        try:
            with store_trouble():
                show()
        except KeyError:  # it was deleted for good meanwhile: the page says so
            st.rerun()

    def show() -> None:
        now = observe(store, run)
        if now.over:
            st.rerun()
        ensure_worker(store, only_for_work=True)
        trouble = worker_trouble(store) if now.state == "queued" else None
        words = trouble or now.words or ("It waits for the worker." if now.state == "queued" else "It begins.")
        taken = f" · {seconds(sum(now.seconds.values()))}" if now.seconds else ""
        _head(address, f"{words}{taken}", live=True)
        _picture(now, address)

    st.fragment(look, run_every=LOOK_EVERY)()


def _explain(observed: Observation | None) -> None:
    st.markdown("**3 · Explain**")
    if observed is None or not observed.over:
        st.caption("The explanation is computed from the run: it says so when the effect is not there.")
        return
    said = observed.explanation
    if said is None:
        reason = observed.reason or "It was ended before everything was measured."
        st.markdown(plain(f"This run has no verdict. {reason}"))
        return
    shown = WORDS[str(observed.verdict)].format("The recording" if observed.recorded else "This run")
    st.markdown(f"**{shown}** {said} :gray[{plain(observed.agreement)}]")


def _points(shown: Observation, address: LabAddress) -> None:
    """Every point of the picture that is chosen above, also of the long curves that the lab's own table sums up."""
    lab = address.lab
    view = str(st.session_state.get(f"lab view {lab.slug}", MAIN))
    with st.expander(f"Every point of the picture: {view}" if lab.views else "Every point of the picture"):
        rows = point_rows(lab.views.get(view, lab.figure)(shown.findings, theme()))
        st.dataframe(rows, hide_index=True, width="stretch", height=min(35 * len(rows) + 38, 360))


def evidence(observed: Observation | None, address: LabAddress) -> None:
    """Claim beside evidence, the data of the picture, where the verdict draws its lines, the papers."""
    shown = observed if observed is not None and observed.over and observed.findings else None
    tabs = st.tabs(["Claim and evidence", "The picture as a table", "How the verdict is made", "Sources"])
    with tabs[0]:
        if shown is None:
            st.caption("After the run: its numbers beside those of a prototype and of the papers.")
        else:
            st.table(plain_rows(claims(shown)), border="horizontal", hide_index=True)
            st.caption(shown.lab.comparable)
    with tabs[1]:
        if shown is None:
            st.caption("After the run: every number of the picture.")
        else:
            st.table(plain_rows(shown.table()), border="horizontal", hide_index=True)
            _points(shown, address)
    with tabs[2]:
        st.table(plain_rows(thresholds(shown or _empty(address))), border="horizontal", hide_index=True)
        st.caption("From medians of the repeats: there if all of these are, reversed if one is, else no clear effect.")
    with tabs[3]:
        for source in address.lab.sources:
            st.markdown(f"[{plain(source.name)}]({source.url}), {plain(source.where)}")
