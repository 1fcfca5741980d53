"""The page of questions: all labs in the readers' words, searchable, each with its answer and its real result."""

from __future__ import annotations

from functools import lru_cache

import streamlit as st

from resnet_viz.draw.colours import Theme
from resnet_viz.draw.thumbnail import thumbnail
from resnet_viz.labs import Lab, labs, recording
from resnet_viz.labs.lab import filled

from . import pages
from .lab_progress import progress_strip
from .lab_view import theme
from .plain_text import plain

COLUMNS = 3
SEARCH = "questions search"


def head() -> str:
    """The title, the search and how far the reader is; gives what is searched for."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="questions_head"):
        st.markdown(f"### {len(labs())} questions, each answered by an experiment", width="stretch")
        with st.container(width="content", key="lab_strip"):
            progress_strip()
        if st.button("Begin the course", key="questions begin", help="In order, about 40 minutes"):
            pages.go(pages.LAB, lab=labs()[0].slug)
    return st.text_input(
        "Search", key=SEARCH, placeholder="Search: vanishing, batch norm, dropout, Inception …",
        label_visibility="collapsed", max_chars=100,
    )  # fmt: skip


def found(words: str) -> list[Lab]:
    """The labs in which every word occurs, in question, answer, setting or sources."""
    wanted = words.casefold().split()
    return [lab for lab in labs() if all(word in _text(lab) for word in wanted)]


def _text(lab: Lab) -> str:
    sources = " ".join(f"{one.name} {one.where}" for one in lab.sources)
    return f"{lab.title} {lab.question} {lab.answer} {lab.setting} {sources}".casefold()


def answer(lab: Lab) -> str:
    """The answer in one sentence, with the numbers of the recorded run; the set-up where there is none."""
    known = recording(lab.slug)
    return filled(lab.answer, known.numbers) if known is not None else lab.setting


@lru_cache(maxsize=64)
def _thumbnail(slug: str, theme: Theme) -> str:
    known = recording(slug)
    return "" if known is None else thumbnail(known.figure(theme), theme, f"Result of the lab {known.lab.title}")


def cards(shown: list[Lab]) -> None:
    """One card a lab."""
    if not shown:
        st.markdown("No question has these words.")
    for start in range(0, len(shown), COLUMNS):
        for column, lab in zip(st.columns(COLUMNS, gap="small"), shown[start : start + COLUMNS], strict=False):
            with column, st.container(border=True, key=f"question_{lab.slug}", height="stretch"):
                _card(lab)


def _card(lab: Lab) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="top", wrap=False):
        with st.container(width="stretch", gap="small"):
            if st.button(f"{lab.number}. {plain(lab.question)}", key=f"open {lab.slug}", type="tertiary"):
                pages.go(pages.LAB, lab=lab.slug)
        drawn = _thumbnail(lab.slug, theme())
        if drawn:
            st.image(drawn, width=132, alt=f"Result of the lab {lab.title}")
    st.markdown(f":gray[{answer(lab)}]")
