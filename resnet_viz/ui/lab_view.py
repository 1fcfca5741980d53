"""The right side of a lab: its picture, live while it runs, and what follows from the numbers; below, the evidence."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from resnet_viz.draw.canvas import empty, sketched, waits
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
HEIGHT = 336
MAIN = "Result"
PROTOTYPE = "Prototype: what we measured with other code before the lab was built."
WORDS = {
    "present": ":blue[{} shows a clear effect.]", "absent": ":gray[{} shows no clear effect.]",
    "reversed": ":orange[{} shows an effect the other way round.]",
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
    figure = _figure(observed, view)
    if lab.sketch is not None and address.sketch and view == MAIN:
        sketched(figure, theme(), "your sketch", lab.sketch.xs, [value / 100 for value in address.sketch])
    if line := _waiting(observed, figure):
        waits(figure, theme(), line)
    figure.update_layout(height=HEIGHT)
    told = "; ".join(", ".join(f"{key} {value}" for key, value in row.items()) for row in observed.table())
    st.plotly_chart(
        figure, key="lab picture", theme=None, config=PLOTLY, alt=f"{lab.title}. {told or 'Nothing is measured yet.'}"
    )


def _figure(observed: Observation, view: str) -> Any:
    return observed.lab.views.get(view, observed.lab.figure)(observed.findings, theme())


def _waiting(observed: Observation, figure: Any) -> str:
    """What stands in a picture that has nothing yet, "" in another."""
    if not observed.findings:
        return "It begins in a moment." if observed.run else "Predict first: what is measured appears here."
    if not empty(figure):
        return ""
    if observed.over:
        return "It was ended before anything of this picture was measured."
    return "It is measured already; this picture begins a little later."


def _first_drawn(observed: Observation) -> str:
    """The view to show while a lab runs: its result, or until that begins another picture that has begun."""
    views = [MAIN, *observed.lab.views] if observed.findings else []
    return next((view for view in views if not empty(_figure(observed, view))), MAIN)


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
        view = _first_drawn(now)
        meanwhile = "" if view == MAIN else f" · meanwhile: {view.lower()}"
        _head(address, f"{words}{taken}{meanwhile}", live=True)
        _picture(now, address, view)

    st.fragment(look, run_every=LOOK_EVERY)()


def _explain(observed: Observation | None) -> None:
    verdict = None if observed is None else observed.verdict
    if observed is None or verdict is None:
        st.markdown("**3 · Explain**")
    else:
        shown = WORDS[verdict].format("The recording" if observed.recorded else "This run")
        with st.container(key="lab_verdict"):
            st.markdown(f"**3 · Explain** &emsp; **{shown}** &ensp; :gray[{plain(observed.agreement)}]")
    if observed is None or not observed.over:
        st.caption("The explanation is computed from the run: it says so when the effect is not there.")
        return
    said = observed.explanation
    if said is None:
        reason = observed.reason or "It was ended before everything was measured."
        st.markdown(plain(f"This run has no verdict. {reason}"))
        return
    st.markdown(said)


def _points(shown: Observation, address: LabAddress) -> None:
    """Every point of the picture that is chosen above, also of the long curves that the lab's own table sums up."""
    lab = address.lab
    view = str(st.session_state.get(f"lab view {lab.slug}", MAIN))
    with st.expander(f"Every point of the picture: {view}" if lab.views else "Every point of the picture"):
        rows = point_rows(lab.views.get(view, lab.figure)(shown.findings, theme()))
        if not rows:
            st.caption("It draws some values at its edge or as logarithms: the table above has what was measured.")
            return
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
            prototype = f"{PROTOTYPE} " if any(one.prototype for one in shown.lab.evidence) else ""
            st.caption(f"{prototype}{shown.lab.comparable}")
    with tabs[1]:
        if shown is None:
            st.caption("After the run: every number of the picture.")
        else:
            st.table(plain_rows(shown.table()), border="horizontal", hide_index=True)
            _points(shown, address)
    with tabs[2]:
        st.table(plain_rows(thresholds(shown or _empty(address))), border="horizontal", hide_index=True)
        st.caption(
            "From medians of the repeats: a clear effect if all of these are there, the other way round if one of them "
            "is, else no clear effect."
        )
    with tabs[3]:
        for source in address.lab.sources:
            st.markdown(f"[{plain(source.name)}]({source.url}), {plain(source.where)}")
