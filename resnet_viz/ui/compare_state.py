"""The networks that a person compares, in step with ``?c=`` in the address bar.

The address holds the whole selection (:func:`resnet_viz.spec.encode` of a ``Comparison``, of the network where only
one is left, ``none`` where there is none), so that reload, Back and another browser show it. Plain Python decides;
:func:`open_selection` keeps it in the session.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlparse

import streamlit as st

from resnet_viz.spec import (
    Comparison,
    Experiment,
    Network,
    ShareError,
    SpecError,
    decode,
    encode,
    preset,
    presets,
    read_spec,
)  # fmt: skip
from resnet_viz.spec.compact import Shared
from resnet_viz.spec.comparison import MAX_COMPARED
from resnet_viz.ui.address import InStep

DEFAULT = ("resnet50", "resnext50_32x4d", "resnet34", "plain34")
SESSION = "comparison"
PARAMETER = "c"
EMPTY = "none"


def default_networks() -> tuple[Network, ...]:
    """What a first visit compares: four networks of about the same cost (He 2016a, Xie 2017)."""
    return tuple(preset(name) for name in DEFAULT if name in presets())


@dataclass
class Selection(InStep[str]):
    """The compared networks, the first one the reference; ``notice`` is one sentence about the last thing refused."""

    networks: tuple[Network, ...] = field(default_factory=default_networks)
    notice: str = ""

    def add(self, *networks: Network) -> bool:
        """Put networks at the end. False, with ``notice``, when that would be more than six: then none is added."""
        self.touched, self.notice = True, ""
        room = MAX_COMPARED - len(self.networks)
        if len(networks) > room:
            self.notice = _no_room(len(networks), room)
            return False
        self.networks = (*self.networks, *networks)
        return True

    def add_text(self, text: str) -> bool:
        """Add what a share text or an address with one holds: a network, a comparison, a race's contestants."""
        try:
            return self.add(*networks_in(text))
        except ShareError as error:
            return self.refuse(str(error))

    def add_file(self, data: bytes) -> bool:
        """Add the network of a spec file, or the networks of a comparison's."""
        try:
            return self.add(*networks_of_file(data))
        except SpecError as error:
            return self.refuse(str(error))

    def refuse(self, notice: str) -> bool:
        """Say something without touching the selection; always False."""
        self.touched, self.notice = True, notice
        return False

    def remove(self, place: int) -> None:
        """Take a network out (from 0); a place that is no longer there changes nothing."""
        self._replace(tuple(n for i, n in enumerate(self.networks) if i != place))

    def first(self, place: int) -> None:
        """Make a network (from 0) the one that the others are compared with."""
        if 0 <= place < len(self.networks):
            rest = tuple(n for i, n in enumerate(self.networks) if i != place)
            self._replace((self.networks[place], *rest))

    def reset(self) -> None:
        """The default selection again."""
        self._replace(default_networks())

    def _replace(self, networks: tuple[Network, ...]) -> None:
        self.touched, self.notice, self.networks = True, "", networks

    def read(self, text: str) -> None:
        """Show what an address asks for; one that holds nothing of the kind leaves the selection and is said."""
        self.notice = ""
        if text == EMPTY:
            self.networks = ()
            return
        try:
            found = networks_in(text)
        except ShareError as error:
            self.notice = str(error)
            return
        if len(found) > MAX_COMPARED:
            self.notice = _no_room(len(found), MAX_COMPARED)
            return
        self.networks = found


def _no_room(count: int, room: int) -> str:
    if room == 0:
        return f"A comparison has at most {MAX_COMPARED} networks: remove one first."
    return f"These are {count} networks, and there is room for {room}: a comparison has at most {MAX_COMPARED}."


def networks_in(text: str) -> tuple[Network, ...]:
    """The networks of a share text, or of an address that carries one. Raises ``ShareError``, one sentence."""
    text = text.strip()
    if "?" in text:
        query = parse_qs(urlparse(text).query, max_num_fields=20)
        text = next((query[key][0] for key in ("c", "n", "x") if key in query), text)
    return held(decode(text))


def held(found: Shared) -> tuple[Network, ...]:
    """The networks in what was shared: one, a race's contestants, a comparison's."""
    if isinstance(found, Network):
        return (found,)
    if isinstance(found, Experiment):
        return tuple(found.contestants.values())
    return found.networks


def networks_of_file(data: bytes) -> tuple[Network, ...]:
    """The networks of a saved network, comparison or race. Raises ``SpecError``, one sentence, for anything else."""
    return held(read_spec(data))


def shown(networks: tuple[Network, ...]) -> Network | Comparison:
    """The selection as it is shared: a comparison, or the network where only one is left."""
    return networks[0] if len(networks) == 1 else Comparison(networks=networks)


def selection_text(networks: tuple[Network, ...]) -> str:
    """The selection as the address carries it. Raises ``ShareError`` where it is too large for one."""
    return encode(shown(networks)) if networks else EMPTY


def open_selection(*, arrived: bool) -> Selection:
    """This session's selection, in step with the address bar. Call it once a run, before any widget.

    ``arrived`` is True when the page before this run was another one: then an address without ``?c=`` keeps the
    selection; otherwise such an address is the browser's Back to the first one, and the default is shown again.
    """
    text = st.query_params.get(PARAMETER)
    found: Selection | None = st.session_state.get(SESSION)
    if found is None:
        found = st.session_state[SESSION] = Selection()
        if text is not None:
            found.read(text)
            found.written = text
    elif found.asked(text):
        if text is not None:
            found.read(text)
            found.written = text
        elif not arrived:
            found.networks, found.notice, found.written = default_networks(), "", None
    if arrived and text is None:  # what does not fit into an address must not look like Back to the first one
        found.written = None
    found.touched = False
    return found


def write_selection(selection: Selection) -> None:
    """Put the selection into the address bar when it is not there yet; a first visit's default needs no text.

    An address that was refused stays to be read, until the selection is edited.
    """
    try:
        text = selection_text(selection.networks)
    except ShareError:  # the Share popover says it; the address stays as it was
        return
    pristine = selection.written is None and selection.networks == default_networks()
    if pristine or selection.notice or st.query_params.get(PARAMETER) == text:
        return
    selection.put(text)
    st.query_params[PARAMETER] = text
