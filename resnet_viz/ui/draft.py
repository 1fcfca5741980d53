"""The network that the person is assembling: its history, its refusals, and its text in the address bar.

:class:`Draft` is plain Python and decides everything; :func:`open_draft` keeps one in the session and in step
with ``?n=`` in the URL, so that reload, Back and a second tab show what was there.

Two kinds of edits do not become the draft. One that cannot be written down (width 0) is refused: its sentence
stands beside the field and what was typed stays in it. One that can be written down but not built (an input too
small for its strides) becomes the *attempt*: the graph draws it with the failing block marked, further edits
build on it, and as soon as it can be built it is the draft.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from pydantic import ValidationError

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
    sentence,
)
from resnet_viz.spec.compact import EDITED
from resnet_viz.spec.shapes import problems
from resnet_viz.ui.address import InStep

DEFAULT = "resnext50_32x4d"
MAX_HISTORY = 200
SESSION = "network draft"
PARAMETER = "n"

Path = tuple[str | int, ...]


@dataclass
class Draft(InStep[str]):
    """One person's network and how it came to be.

    ``history[position]`` is the network that can be built and that totals, table and URL show; ``attempt`` is a
    later one that cannot be built, ``attempt_field`` the field that made it so; ``refusals`` has one sentence a
    field, ``waiting`` the edit that it refused; ``notice`` is one sentence about the last load (a link that was no
    link); ``note`` a field and what the last edit of it took along.
    """

    history: list[Network]
    position: int = 0
    attempt: Network | None = None
    attempt_field: str = ""
    refusals: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, Callable[[Network], Network]] = field(default_factory=dict)
    notice: str = ""
    note: tuple[str, str] = ("", "")

    @property
    def network(self) -> Network:
        """The network that can be built."""
        return self.history[self.position]

    @property
    def shown(self) -> Network:
        """The network that fields and graph show: the attempt when there is one."""
        return self.attempt or self.network

    @property
    def base(self) -> str:
        """Name of the preset that this network started from, as its own name tells; "" when it tells none."""
        name = self.shown.name.removesuffix(EDITED)
        return name if name in presets() else ""

    @property
    def refused(self) -> bool:
        """True while a field holds something that is not in the draft."""
        return any(place != "file" for place in self.refusals)

    def edit(self, place: str, make: Callable[[Network], Network]) -> bool:
        """Apply ``make`` to what is shown; True when the result is the draft.

        ``place`` names the field for :meth:`refusal`. A refusal (``ValidationError``, ``SpecError``,
        ``ValueError``) leaves the draft as it was.
        """
        self.touched = True
        self.notice, self.note = "", ("", "")
        try:
            network = renamed(make(self.shown))
        except (ValidationError, ValueError) as error:
            self.refusals[place], self.waiting[place] = words(error), make
            return False
        self.refusals.pop(place, None)
        if problems(network):
            self.attempt, self.attempt_field = network, place
            return False
        self._push(self._with_waiting(network))
        return True

    def _with_waiting(self, network: Network) -> Network:
        """The network with what other fields were refused before it, where that can be now."""
        self.waiting = {place: make for place, make in self.waiting.items() if place in self.refusals}
        for place, make in list(self.waiting.items()):
            try:
                wanted = renamed(make(network))
            except (ValidationError, ValueError) as error:
                self.refusals[place] = words(error)
                continue
            if not problems(wanted):
                network = wanted
                del self.refusals[place], self.waiting[place]
        return network

    def refusal(self, place: str) -> str:
        """The sentence that belongs beside that field, "" for none."""
        if place in self.refusals:
            return self.refusals[place]
        if self.attempt is not None and place == self.attempt_field:
            return problems(self.attempt)[0].message
        return ""

    def refuse(self, place: str, message: str) -> None:
        """Put a sentence beside a field without touching the draft."""
        self.touched = True
        self.refusals[place] = message

    def load(self, network: Network) -> None:
        """Show another network (a preset, a file, a link); undo leads back. Refusals and notice are forgotten."""
        self._forget()
        self.touched = True
        if problems(network):
            self.attempt, self.attempt_field = network, "start"
        else:
            self._push(network)

    def undo(self) -> None:
        """One step back; an attempt is what goes first."""
        self.touched = True
        if self.attempt is None and self.position:
            self.position -= 1
        self._forget()

    def redo(self) -> None:
        """One step forward again."""
        self.touched = True
        self._forget()
        self.position = min(self.position + 1, len(self.history) - 1)

    @property
    def can_undo(self) -> bool:
        """True when there is something before this."""
        return self.position > 0 or self.attempt is not None

    @property
    def can_redo(self) -> bool:
        """True when something was undone and nothing edited since."""
        return self.position < len(self.history) - 1

    def read(self, text: str) -> None:
        """Load a share text from the address bar; a text that is none leaves the draft and sets ``notice``.

        When the text is that of a network already in the history (the browser's Back and Forward), only the
        position moves, so that redo still leads forward.
        """
        try:
            network = decode(text)
        except ShareError as error:
            self.notice = str(error)
            return
        if not isinstance(network, Network):
            self.notice = f"This link holds {elsewhere(network)}"
            return
        near = sorted(range(len(self.history)), key=lambda i: abs(i - self.position))
        for i in near:
            if self.history[i] == network:
                self._forget()
                self.position = i
                return
        self.load(network)

    def _push(self, network: Network) -> None:
        self.attempt = None
        if network == self.network:
            return
        self.history = [*self.history[: self.position + 1], network][-MAX_HISTORY:]
        self.position = len(self.history) - 1

    def _forget(self) -> None:
        self.attempt, self.refusals, self.waiting, self.notice, self.note = None, {}, {}, "", ("", "")


def changed(network: Network, changes: Mapping[Path, Any]) -> Network:
    """The network with the values at those paths (("stages", 1, "stride"): 2) replaced, validated again.

    Raises pydantic's ``ValidationError``; its places count list entries from 0, :func:`sentence` from 1.
    """
    raw = network.model_dump()
    for path, value in changes.items():
        target: Any = raw
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = value
    return Network.model_validate(raw)


def renamed(network: Network) -> Network:
    """A preset that was edited is called "resnet50 edited", and "resnet50" again once it is that again."""
    base = network.name.removesuffix(EDITED)
    if base not in presets():
        return network
    original = preset(base)
    same = network.model_copy(update={"name": base}) == original
    return network.model_copy(update={"name": base if same else base + EDITED})


def read_file(data: bytes) -> Network:
    """The network of a saved file. Raises ``SpecError``, one sentence, for anything else."""
    try:
        thing = read_spec(data)
    except SpecError as error:
        raise SpecError(words(error)) from error
    if not isinstance(thing, Network):
        raise SpecError(f"This file holds {elsewhere(thing)}")
    return thing


def elsewhere(thing: Experiment | Comparison) -> str:
    """What it is, if not a network, and which page opens it."""
    what, page = ("race", "Race") if isinstance(thing, Experiment) else ("comparison", "Compare")
    return f"a {what}, not a network: open it on the {page} page."


def words(error: BaseException) -> str:
    """A refusal for the page: "stages.2.block.width is 0: ..." reads "Stage 2's width is 0: ..." there."""
    # The place may stand behind "This file holds no network that can be: ".
    told = full_stop(sentence(error))
    told = re.sub(r"^stages\.(\d+)\.overrides\.\d+\.block\.(\w+) is", r"This block's \2 is", told)
    return re.sub(r"(?:^|(?<=: ))stages\.(\d+)\.(?:block\.)?(\w+) is", r"Stage \1's \2 is", told)


def full_stop(text: str) -> str:
    """The sentence with its full stop."""
    return text if text.endswith((".", "?")) else text + "."


def open_draft(*, arrived: bool) -> Draft:
    """The draft of this session, in step with the address bar. Call it once a run, before any widget.

    ``arrived`` is True when the page before this run was another one: then an address without ``?n=`` keeps the
    draft; otherwise such an address is the browser's Back to the first one, and the default is shown again.
    """
    text = st.query_params.get(PARAMETER)
    draft: Draft | None = st.session_state.get(SESSION)
    if draft is None:
        draft = st.session_state[SESSION] = Draft([preset(DEFAULT)])
        if text is not None:
            draft.read(text)
            if not draft.notice:
                draft.history, draft.position = [draft.network], 0
                draft.written = text
    elif draft.asked(text):
        if text is not None:
            draft.read(text)
            draft.written = text
        elif not arrived:
            draft.read(encode(preset(DEFAULT)))
            draft.written = None
    if arrived:
        draft.refusals = {}  # what was typed went with the widgets of the visit before
        if text is None:  # and what does not fit into an address must not look like Back to the first one
            draft.written = None
    draft.touched = False
    return draft


def hand_over(network: Network) -> dict[str, str]:
    """The query with which the playground shows that network. One too large for a link is put into the session."""
    try:
        return {PARAMETER: encode(network)}
    except ShareError:
        st.session_state.setdefault(SESSION, Draft([preset(DEFAULT)])).load(network)
        return {}


def write_draft(draft: Draft) -> None:
    """Put the draft into the address bar when it is not there yet. The untouched default needs no text.

    A network that is too large for a link leaves the address as it is.
    """
    try:
        text = encode(draft.network)
    except ShareError:
        return
    pristine = draft.written is None and len(draft.history) == 1 and draft.network == preset(DEFAULT)
    if pristine or draft.notice or draft.attempt is not None or st.query_params.get(PARAMETER) == text:
        return
    draft.put(text)
    st.query_params[PARAMETER] = text
