"""The race of one browser session: the draft, the run on the screen, refusals; kept in step with the URL.

The URL says what the page shows, so that reload, Back and a second tab do what they say. A rerun that the
browser sent before it heard of our newest address still carries the one before it; that one is not obeyed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st

from resnet_viz.spec import Experiment, Network

from .address import InStep
from .race_state import RaceError, default_experiment, read_address, start_from, write_address

SESSION = "race session"


@dataclass
class RaceSession(InStep[dict[str, str]]):
    """``run`` is the run on the screen (None: the draft waits for its start); ``revision`` counts changes from
    outside the widgets, which then take their values from the draft again; ``refusals`` has one sentence a field."""

    experiment: Experiment = field(default_factory=default_experiment)
    run: str | None = None
    changes: tuple[str, ...] = ()
    problem: str | None = None
    refusals: dict[str, str] = field(default_factory=dict)
    revision: int = 0

    def adopt(self, params: dict[str, str]) -> None:
        """Show what an address asks for. What in it cannot be read leaves the draft as it is and is said."""
        address = read_address(params)
        if address.experiment is not None:
            self.experiment, self.changes = address.experiment, address.changes
        elif not params:
            self.experiment, self.changes = default_experiment(), ()
        self.run, self.problem, self.refusals = address.run, address.problem, {}
        self.revision += 1
        self.written = params

    def edit(self, place: str, make: Callable[[], Experiment | tuple[Experiment, tuple[str, ...]]]) -> bool:
        """Change the draft, and show it instead of a run; a refusal stands beside its widget. True when it is done."""
        self.touched = True
        try:
            made = make()
        except RaceError as error:
            self.refusals[place] = str(error)
            return False
        self.experiment, self.changes = made if isinstance(made, tuple) else (made, ())
        self.refusals.pop(place, None)
        self.run, self.problem = None, None
        return True

    def redraw(self) -> None:
        """Let the widgets take their values from the draft again."""
        self.revision += 1
        self.refusals = {}

    def show(self, run: str | None) -> None:
        """Put a run on the screen, or with None the draft."""
        self.run, self.touched, self.problem, self.changes = run, True, None, ()

    def take(self, experiment: Experiment) -> None:
        """The run on the screen brought its own experiment: the draft is that one."""
        if experiment != self.experiment:
            self.experiment = experiment
            self.redraw()


def open_race(thing: Network | Experiment) -> None:
    """Make a race, or that of a network and its twin, the draft of the race page. A refusal is said over there."""
    session: RaceSession = st.session_state.setdefault(SESSION, RaceSession())
    session.show(None)
    if not session.edit("contestants", lambda: start_from(thing) if isinstance(thing, Network) else thing):
        session.problem = session.refusals["contestants"]
    session.redraw()
    session.written = write_address(session.experiment)


def open_session(*, arrived: bool) -> RaceSession:
    """This session's race, in step with the address bar. Call it once a run, before any widget."""
    params = {key: st.query_params[key] for key in ("x", "run") if key in st.query_params}
    session: RaceSession | None = st.session_state.get(SESSION)
    if session is None:
        session = st.session_state[SESSION] = RaceSession()
        session.adopt(params)
    elif session.asked(params) and (params or not arrived):
        session.adopt(params)
    if arrived:
        session.refusals = {}  # what was typed went with the widgets of the visit before
    session.touched = False
    return session


def write_session(session: RaceSession) -> None:
    """Put the race into the address bar when it is not there yet. An address that was refused stays to be read."""
    if session.problem:
        return
    params = write_address(session.experiment, session.run)
    shown = {key: st.query_params[key] for key in ("x", "run") if key in st.query_params}
    if params == shown:
        session.written = params
        return
    session.put(params)
    st.query_params.from_dict({key: v for key, v in st.query_params.to_dict().items() if key not in shown} | params)
