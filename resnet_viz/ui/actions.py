"""What can be done with the draft as a whole: undo, redo, share, open, save, race."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st

from resnet_viz.spec import Network, SpecError
from resnet_viz.ui import fields, pages
from resnet_viz.ui.draft import PARAMETER, SESSION, Draft, read_file
from resnet_viz.ui.graph_view import Focus, set_focus
from resnet_viz.ui.sharing import open_button, save_button, share_popover, uploaded

FILE = "playground file"
RACING = "playground race asked for"


def action_bar(draft: Draft) -> None:
    """Undo, Redo, Share link, File, and the primary one: a race against the plain twin."""
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", key="play_actions"):
        st.button(
            "Undo", key="playground undo", on_click=draft.undo, disabled=not draft.can_undo, shortcut="Mod+Z",
            help="Take the last edit back (Ctrl or ⌘ + Z)",
        )  # fmt: skip
        st.button(
            "Redo", key="playground redo", on_click=draft.redo, disabled=not draft.can_redo, shortcut="Mod+Shift+Z",
            help="Do it again (with Shift)",
        )  # fmt: skip
        share_popover(draft.network, PARAMETER, "network")
        with st.popover("File"):
            _file(draft)
        st.button(
            race_words(draft.network), key="playground race", type="primary", on_click=_race,
            disabled=draft.attempt is not None,
        )  # fmt: skip
    if st.session_state.pop(RACING, False):
        start_race(draft.network)


def race_words(network: Network) -> str:
    """A plain network races against its residual twin, every other one against its plain twin."""
    return "Race against its residual twin" if network.is_plain else "Race against its plain twin"


def _race() -> None:
    # A page switch is not allowed in a callback: the run that follows does it.
    st.session_state[RACING] = True


def start_race(network: Network) -> NoReturn:
    """Make the network and its twin the race and go to its page."""
    from resnet_viz.ui.race_session import open_race

    open_race(network)
    pages.go(pages.RACE)


def _file(draft: Draft) -> None:
    save_button(draft.network, draft.network.name)
    open_button(_file_key(), _opened)
    fields.refusal(draft, "file")


def _file_key() -> str:
    # A new key after each opening empties the widget, so that a later run does not open the same file again.
    return f"{FILE} {st.session_state.setdefault(f'{FILE} count', 0)}"


def _opened() -> None:
    draft: Draft = st.session_state[SESSION]
    data = uploaded(_file_key())
    if data is None:
        return
    try:
        draft.load(read_file(data))
    except SpecError as error:
        draft.refuse("file", str(error))
        return
    set_focus(Focus())
    st.session_state[f"{FILE} count"] += 1
