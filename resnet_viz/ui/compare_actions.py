"""What can be done with a comparison as a whole: add a network, share it, race its first two."""

from __future__ import annotations

import streamlit as st

from resnet_viz.spec import Experiment, Network, fit_to_dataset, preset, preset_groups, presets
from resnet_viz.spec.comparison import MAX_COMPARED
from resnet_viz.ui import pages
from resnet_viz.ui.compare_state import PARAMETER, SESSION, Selection, shown
from resnet_viz.ui.draft import SESSION as PLAYGROUND_DRAFT
from resnet_viz.ui.draft import Draft
from resnet_viz.ui.plain_text import plain
from resnet_viz.ui.race_session import open_race
from resnet_viz.ui.race_state import DATASET, RaceError, race_of
from resnet_viz.ui.sharing import share_popover

CHOICE, TEXT, FILE = "compare preset", "compare text", "compare file"


def action_bar(selection: Selection) -> None:
    """Add a network, Share link, and a race of the first two where both are made for the digits."""
    with st.container(
        horizontal=True, horizontal_alignment="right", vertical_alignment="center", key="compare_actions"
    ):
        pair = racing_pair(selection.networks)
        if pair and st.button("Race the first two", key="compare race"):
            open_race(pair)
            pages.go(pages.RACE)
        if selection.networks:
            thing = shown(selection.networks)
            what = "network" if isinstance(thing, Network) else "comparison"
            share_popover(thing, PARAMETER, what, saved_as=thing.name if isinstance(thing, Network) else what)
        with st.popover("Add a network", type="primary", key="compare add"):
            _add(selection)


def racing_pair(networks: tuple[Network, ...]) -> Experiment | None:
    """The race of the first two on digits; None where one of them would have to be changed for it, or cannot race."""
    pair = networks[:2]
    if len(pair) < 2 or any(fit_to_dataset(network, DATASET)[1] for network in pair):
        return None
    try:
        return race_of(pair)
    except RaceError:
        return None


def _add(selection: Selection) -> None:
    families = {name: family for family, names in preset_groups().items() for name in names}
    st.selectbox(
        "From the literature", list(presets()), index=None, key=CHOICE, placeholder="Choose a preset",
        format_func=lambda name: f"{name} · {families[name]}", on_change=_chosen,
    )  # fmt: skip
    mine = playground_network()
    st.button(
        f"Your network: {plain(mine.name)}" if mine else "Your network", key="compare mine", on_click=_mine,
        disabled=mine is None, width="stretch",
        help="The network on the Playground" if mine else "Assemble one on the Playground first",
    )  # fmt: skip
    st.text_input(
        "From a share link", key=TEXT, placeholder="Paste the address or its text", on_change=_pasted, max_chars=20_000
    )
    # A new key after each file empties the widget, so that a later run does not add the same file again.
    count = st.session_state.setdefault(f"{FILE} count", 0)
    st.file_uploader("From a file", type=["json"], key=f"{FILE} {count}", on_change=_opened, max_upload_size=1)
    st.caption(f"{len(selection.networks)} of at most {MAX_COMPARED} networks.")


def playground_network() -> Network | None:
    """What this session has on the playground, None before it was there."""
    draft = st.session_state.get(PLAYGROUND_DRAFT)
    return draft.network if isinstance(draft, Draft) else None


# -- callbacks --------------------------------------------------------------------------------------------


def _selection() -> Selection:
    found: Selection = st.session_state[SESSION]
    return found


def _chosen() -> None:
    name = st.session_state.get(CHOICE)
    if name in presets():
        _selection().add(preset(name))
    st.session_state[CHOICE] = None


def _mine() -> None:
    network = playground_network()
    if network is not None:
        _selection().add(network)


def _pasted() -> None:
    text = str(st.session_state.get(TEXT) or "")
    if text.strip() and _selection().add_text(text):
        st.session_state[TEXT] = ""


def _opened() -> None:
    count = st.session_state[f"{FILE} count"]
    upload = st.session_state.get(f"{FILE} {count}")
    if upload is not None:
        _selection().add_file(upload.getvalue())
        st.session_state[f"{FILE} count"] = count + 1
