"""The networks of a comparison as cards, the sentence that their numbers say, and the table of what differs."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from resnet_viz.draw.colours import Role
from resnet_viz.draw.compare_table import Line, lines
from resnet_viz.draw.compare_words import differing, headline
from resnet_viz.draw.contestants import Contestant, change, contestants
from resnet_viz.draw.titles import amount
from resnet_viz.draw.wording import NBSP, cut_middle
from resnet_viz.ui import pages
from resnet_viz.ui.compare_state import SESSION, Selection
from resnet_viz.ui.draft import hand_over
from resnet_viz.ui.inspection import summary_of
from resnet_viz.ui.plain_text import plain

BATCH, DIFFERENT = "compare batch", "compare only what differs"
DEFAULT_BATCH, MAX_BATCH = 32, 65_536
COLOUR: dict[Role, str] = {
    "plain": "orange", "residual": "blue", "third": "green", "fourth": "violet", "fifth": "yellow", "sixth": "gray",
}  # fmt: skip
"""Streamlit's word for each role's text colour (.streamlit/config.toml gives them ours)."""


@cache
def _css() -> str:
    return f"<style>\n{(Path(__file__).parent / 'compare.css').read_text(encoding='utf-8')}</style>"


def styles() -> None:
    """The page's own rules. They hold no text of a person's."""
    st.html(_css())


def marked(one: Contestant, most: int = 80) -> str:
    """A network's marker in its colour and its name, as Markdown."""
    return f":{COLOUR[one.role]}[{one.glyph}]{NBSP}{plain(cut_middle(one.label, most))}"


def notice(selection: Selection) -> None:
    """The sentence about what was refused."""
    if selection.notice:
        st.warning(plain(selection.notice))


def empty(selection: Selection) -> None:
    """Nothing is compared: the one button that changes that."""
    st.markdown("Nothing is compared yet. Networks come from the literature, from the Playground, or from a link.")
    st.button("Compare four networks of about 4 G multiply-adds", type="primary", on_click=selection.reset,
              key="compare default")  # fmt: skip


def waiting() -> DeltaGenerator:
    """The line that stands while torch is imported, once in a process."""
    place = st.empty()
    if "torch" not in sys.modules:
        place.caption("Loading PyTorch, once after the start: it builds and counts the real modules.")
    return place


def batch() -> int:
    """The batch size at which memory is counted: the field stands in the table's heading."""
    value = st.session_state.get(BATCH, DEFAULT_BATCH)
    return value if isinstance(value, int) and 1 <= value <= MAX_BATCH else DEFAULT_BATCH


def counted(selection: Selection, batch: int) -> tuple[Contestant, ...]:
    """The networks with colours and counts, the latter from the real modules."""
    return contestants(selection.networks, lambda network: summary_of(network, batch))


# -- cards ------------------------------------------------------------------------------------------------


def cards(selection: Selection, compared: tuple[Contestant, ...]) -> None:
    """A card a network with its two large numbers, and one sentence about all of them."""
    for place, (column, one) in enumerate(zip(st.columns(len(compared), gap="small"), compared, strict=True)):
        with column, st.container(border=True, key=f"card_compared_{place}", height="stretch"):
            _head(place, one)
            _numbers(compared[0], one)
    said = headline(compared)
    with st.container(key="compare_verdict"):
        if said:
            st.markdown(f"**{plain(said)}** {plain(differing(lines(compared, 1)))}")
        else:
            st.markdown("One more network is needed for a comparison: add it above.")


def _head(place: int, one: Contestant) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small",
                      wrap=False, key=f"compared_head_{place}"):  # fmt: skip
        told = "" if place else " :gray[· reference]"
        # A zero-width space after each underscore is where a narrow card breaks the name.
        name = marked(one, 26).replace("\\_", "\\_\u200b")
        st.markdown(f"**{name}**{told}", width="stretch")
        with st.popover("More", type="tertiary", key=f"compare more {place}",
                        help=f"What to do with {plain(cut_middle(one.label, 40))}"):  # fmt: skip
            st.markdown(f"**{marked(one)}**")
            if st.button("Open in the Playground", key=f"compare open {place}", width="stretch"):
                pages.go(pages.PLAYGROUND, **hand_over(one.network))
            st.button("Make it the reference", key=f"compare first {place}", on_click=_first, args=(place,),
                      disabled=place == 0, width="stretch", help="The others are compared with it")  # fmt: skip
            st.button("Remove", key=f"compare remove {place}", on_click=_remove, args=(place,), width="stretch")


def _numbers(first: Contestant, one: Contestant) -> None:
    if one.summary is None:
        st.error(plain(one.problem))
        return
    base = first.summary
    for word, value, other in (
        ("parameters", one.summary.params, base.params if base else 0),
        ("multiply-adds", one.summary.macs, base.macs if base else 0),
    ):
        told = change(value, other) or ("the same" if base and one is not first else "")
        number = amount(value).replace(" ", NBSP)
        st.markdown(f"**{number}** {word}" + (f" :gray[{plain(told)}]" if told else ""))


def _first(place: int) -> None:
    found: Selection = st.session_state[SESSION]
    found.first(place)


def _remove(place: int) -> None:
    found: Selection = st.session_state[SESSION]
    found.remove(place)


# -- table ------------------------------------------------------------------------------------------------


def table(compared: tuple[Contestant, ...], batch: int) -> None:
    """What the networks cost and are, differences from the first one marked; equal rows folded away at first."""
    with st.container(border=True, key="card_compare_table"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="compare_table_head"):
            st.markdown("**What they cost, where they differ**", width="stretch")
            st.toggle("Only what differs", value=True, key=DIFFERENT)
            st.number_input("Batch", 1, MAX_BATCH, value=DEFAULT_BATCH, key=BATCH, width=176,
                            help="Memory is that of one training step at this batch")  # fmt: skip
        rows = lines(compared, batch)
        shown = (
            [row for row in rows if row.differs or row.stays]
            if st.session_state[DIFFERENT] and len(compared) > 1
            else rows
        )
        if not shown:
            st.markdown("Nothing differs: these are the same network.")
            return
        st.table(table_rows(compared, shown), border="horizontal", hide_index=True, alt=_alt(compared, shown))
        folded = len(rows) - len(shown)
        words = f" · {folded} rows are the same for all" if folded else ""
        st.caption(f"≠ and a signed number mark what differs from {plain(cut_middle(compared[0].label, 40))}{words}")


def table_rows(compared: tuple[Contestant, ...], rows: list[Line] | tuple[Line, ...]) -> list[dict[str, str]]:
    """The rows as ``st.table`` takes them, in Markdown: a differing cell is bold, with its change or a sign."""
    heads = [marked(one, 24) for one in compared]
    told = []
    for row in rows:
        cells = [
            f"**{plain(cell.text)}** :primary[{plain(cell.change) or '≠'}]" if cell.differs else plain(cell.text)
            for cell in row.cells
        ]
        told.append({" ": plain(row.label)} | dict(zip(heads, cells, strict=True)))
    return told


def _alt(compared: tuple[Contestant, ...], rows: list[Line] | tuple[Line, ...]) -> str:
    return f"Costs and axes of {len(compared)} networks, {len(rows)} rows; what differs from the first is marked."
