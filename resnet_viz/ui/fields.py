"""Form fields of the draft: each shows the draft's value, offers an edit, and has its refusal beside it.

The draft decides what a field shows. A field whose value was refused keeps what was typed, with the sentence
under it, until an edit of it is accepted or something else is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from resnet_viz.spec import Network
from resnet_viz.ui.block_edits import said
from resnet_viz.ui.draft import SESSION, Draft, changed
from resnet_viz.ui.plain_text import plain

Edit = Callable[[Network, Any], Network]

MOST_IN_A_ROW = 22
"""Letters of options that stand side by side, two more for each."""


def key_of(place: str) -> str:
    """The session key of a field's widget."""
    return f"play {place}"


def refusal(draft: Draft, *places: str) -> None:
    """The sentence of the first of those fields that has one, where the field stands, and what its edit took along.

    Its place is there also while nothing stands in it: an element more or less would move all that follow by one,
    and the browser takes a moved element for another, closes its list and loses what is being typed.
    """
    spot = st.empty()
    told = next((text for place in places if (text := draft.refusal(place))), "")
    if told:
        spot.error(plain(told))
    elif draft.note[0] in places:
        spot.caption(plain(draft.note[1]))


def at(*path: str | int) -> Edit:
    """An edit that puts the field's value at that path of the network."""
    return lambda network, value: changed(network, {path: value})


def fits_in_a_row(options: Mapping[Any, str]) -> bool:
    """Whether the options can stand side by side in the narrow form."""
    return sum(len(text) + 2 for text in options.values()) <= MOST_IN_A_ROW


def _edited(place: str, make: Edit) -> None:
    draft: Draft | None = st.session_state.get(SESSION)
    value = st.session_state.get(key_of(place))
    if draft is None:
        return
    before = draft.shown
    if draft.edit(place, lambda network: make(network, value)):
        draft.note = (place, said(before, draft.shown))


def _show(draft: Draft, place: str, value: Any) -> str:
    key = key_of(place)
    if place not in draft.refusals:
        st.session_state[key] = value
    return key


def number(
    draft: Draft, place: str, label: str, value: int | None, make: Edit, *, hidden: bool = False,
    placeholder: str | None = None, told: bool = True, disabled: bool = False,
    optional: bool = False,
) -> None:  # fmt: skip
    """A whole number without bounds of its own, so that nothing is clamped silently: the model refuses in words."""
    key = _show(draft, place, value)
    # "min" is no bound here, only Streamlit's word for "cannot be left empty".
    st.number_input(
        label, value=None if optional else "min", step=1, format="%d", key=key, placeholder=placeholder,
        on_change=_edited, args=(place, make), label_visibility="collapsed" if hidden else "visible", disabled=disabled,
    )  # fmt: skip
    if told:
        refusal(draft, place)


def decimal(
    draft: Draft, place: str, label: str, value: float, make: Edit, *, disabled: bool = False, help: str | None = None
) -> None:
    """A number with decimals, without bounds of its own like :func:`number`."""
    key = _show(draft, place, float(value))
    st.number_input(
        label, value="min", step=0.1, format="%g", key=key, on_change=_edited, args=(place, make), disabled=disabled,
        help=help,
    )  # fmt: skip
    refusal(draft, place)


def switch(draft: Draft, place: str, label: str, value: bool, make: Edit, *, help: str | None = None) -> None:
    """Yes or no."""
    key = _show(draft, place, value)
    st.toggle(label, key=key, on_change=_edited, args=(place, make), help=help)
    refusal(draft, place)


def choice(
    draft: Draft, place: str, label: str, options: Mapping[Any, str], value: Any, make: Edit, *,
    disabled: bool = False, segmented: bool = False,
) -> None:  # fmt: skip
    """One of a few values; ``options`` maps values to the words shown."""
    key = _show(draft, place, value)
    common: dict[str, Any] = {
        "options": list(options), "format_func": lambda v: options.get(v, str(v)), "key": key, "on_change": _edited,
        "args": (place, make), "disabled": disabled,
    }  # fmt: skip
    if segmented:
        st.segmented_control(label, required=True, width="stretch", **common)
    else:
        st.selectbox(label, **common)
    refusal(draft, place)


def text(draft: Draft, place: str, label: str, value: str, make: Edit) -> None:
    """A line of text."""
    key = _show(draft, place, value)
    st.text_input(label, key=key, on_change=_edited, args=(place, make))
    refusal(draft, place)


def lines(
    draft: Draft, place: str, label: str, value: str, make: Edit, *, disabled: bool = False, help: str | None = None
) -> None:
    """Several lines of text."""
    key = _show(draft, place, value)
    st.text_area(
        label, key=key, height=128, on_change=_edited, args=(place, make), disabled=disabled, help=help
    )  # fmt: skip
    refusal(draft, place)


def forget(draft: Draft, places: Sequence[str]) -> None:
    """Drop the refusals of those fields: they are about to show something else."""
    for place in places:
        draft.refusals.pop(place, None)
