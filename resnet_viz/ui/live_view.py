"""The live view on a page: mount it with :func:`live_view`, steer the run with :func:`steer`.

Pictures and controls are one Streamlit component (JavaScript in ``resnet_viz/ui/live``). It follows the run through the
server's own stream; where a host does not pass that route on, it says so and Python polls in a fragment instead.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import streamlit as st

from resnet_viz.serve import Follower
from resnet_viz.serve.messages import Message, Plan
from resnet_viz.serve.recordings import messages_of
from resnet_viz.spec import QUANTITIES, Experiment
from resnet_viz.spec.probes import DEFAULT

from .live_assets import look, script, stylesheet
from .live_server import open_store
from .run_actions import end
from .trouble import store_trouble

__all__ = ["Command", "live_view", "steer"]

Command = dict[str, Any]
POLL_EVERY = 0.5
REPEATED = 6
LIMITS = {
    "lr": (0.0, 100.0), "pace": (-1e-9, 1000.0), "alpha": (-1e-9, 4.0), "drop_path": (0.0, 1.0),
    "weight_decay": (-1e-9, 1.0), "shortcut": (-1e-9, 1.0),
}  # fmt: skip
"""Of commands with a value: what it is above, and its greatest."""
STEERING = frozenset({"pause", "resume", "step", "stop", "sharpness", "histogram", *LIMITS})
KINDS = STEERING | {"start", "rewind"}
WISHES = ("lr", "pace")
"""What may come with a start."""
MAX_TEXT = 400

_component = st.components.v2.component("resnet_viz_live", css=stylesheet(), js=script("index.js"))
_feed = st.components.v2.component("resnet_viz_feed", js=script("feed.js"))


def live_view(
    run_id: str | None,
    *,
    key: str,
    preview: Mapping[str, Any] | None = None,
    recording: str | Path | None = None,
    controls: bool = True,
    on_command: Callable[[Command], None] | None = None,
    height: int | None = None,
    speed: float | None = None,
    experiment: Experiment | None = None,
    steps: int | None = None,
    said: str | None = None,
) -> Any:
    """Mount the live view of a run; at most one with this ``key`` on a page, and not inside a fragment.

    ``run_id``: the run to follow; None before there is one. ``preview``: the answer to an estimate
    (``contestants`` with their ``layers``), so that the cards and empty pictures stand before the start;
    ``experiment`` adds what an estimate does not say: steps, learning rate, pace, which stages have shortcuts
    (``steps`` alone gives the length of the step axis). ``recording``: the path of a recorded run instead of a run
    of the store; it replays in a loop at ``speed`` steps a second (default: the whole in 14 s). ``controls``: whether
    the run can be steered here; without, only going back in time, replaying and the table are offered. ``height`` in
    CSS pixels; default is what the window has left below the view's upper edge. ``said``: a sentence of ours for the
    verdict's place before the start.

    ``on_command`` gets every command of the control bar, checked, as a dict, in a callback (before the page's script
    runs again): ``{"kind": "start", "paused": bool, "pace": float, "lr": float}`` (``lr`` only when it was typed),
    ``{"kind": "rewind", "paused": bool, "changes": bool}`` (same weights again; not paused for "Race again"; with what
    was changed by hand, or without), and what :func:`steer` carries out: ``pause``, ``resume``, ``step``, ``stop``,
    ``{"kind": "lr" | "pace" | "alpha" | "drop_path" | "weight_decay", "value": float}``, ``{"kind": "shortcut",
    "contestant": str, "block": str, "value": 0 | 1}``, ``sharpness``, ``{"kind": "histogram", "of": str}``. Without it
    :func:`steer` is called directly. Gives the component's result.
    """
    quantity = _quantity(key)
    messages = _recorded(str(recording), quantity) if recording is not None else None
    polled = _is_polled(key, run_id)

    def commanded() -> None:
        command = checked(_value(key, "command"))
        if command is None:
            return
        if on_command is not None:
            on_command(command)
        elif run_id is not None:
            steer(run_id, command)

    result = _component(
        key=key,
        data={
            "key": key, "run": run_id, "base": st.get_option("server.baseUrlPath"), "preview": preview,
            "messages": messages, "speed": speed, "controls": controls, "height": height, "look": look(),
            "polled": polled, "plan": _plan(experiment, steps), "said": said, "quantity": quantity,
        },
        on_command_change=commanded,
        on_fallback_change=lambda: _remember_fallback(key),
        on_quantity_change=lambda: None,
    )  # fmt: skip
    if run_id is not None and polled and messages is None:
        with st.container(key=f"{key}-feed"):
            _poll(run_id, key, quantity)
    return result


def steer(run_id: str, command: Command) -> None:
    """Carry out a command of the control bar that goes to the run itself; others, and unknown ones, are left alone."""
    known = checked(command)
    if known is None or known["kind"] not in STEERING:
        return
    store = open_store()
    if known["kind"] == "stop":
        end(store, run_id)
        return
    store.command(run_id, known["kind"], **{key: value for key, value in known.items() if key != "kind"})


def checked(command: object) -> Command | None:
    """A command as the component sends it, or None: what comes from a browser may be anything."""
    kind = command.get("kind") if isinstance(command, Mapping) else None
    if not isinstance(command, Mapping) or not isinstance(kind, str) or kind not in KINDS:
        return None
    clean: Command = {"kind": kind}
    if kind in LIMITS:
        value = _number(command.get("value"), kind)
        return None if value is None else _whose(command, {"kind": kind, "value": value})
    if kind == "histogram":
        clean["of"] = "gradient" if command.get("of") == "gradient" else "weight"
    if kind in ("start", "rewind"):
        clean["paused"] = command.get("paused") is True
    if kind == "rewind":
        clean["changes"] = command.get("changes") is True
    if kind == "start":
        for name in WISHES:
            value = _number(command.get(name), name)
            if value is not None:
                clean[name] = value
    return clean


def _whose(command: Mapping[str, Any], clean: Command) -> Command | None:
    """A shortcut's contestant and block with it; None where they cannot be."""
    if clean["kind"] != "shortcut":
        return clean
    names = {key: command.get(key) for key in ("contestant", "block")}
    if clean["value"] not in (0, 1) or not all(isinstance(n, str) and 0 < len(n) <= MAX_TEXT for n in names.values()):
        return None
    return clean | names


def _number(value: object, name: str) -> float | None:
    low, high = LIMITS[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if low < value <= high else None


def _plan(experiment: Experiment | None, steps: int | None) -> dict[str, Any]:
    if experiment is None:
        return {"steps": steps, "pace": 0, "lr": None, "warmup": 0, "shortcuts": {}}
    plan = Plan.of(experiment)
    return {"steps": plan.steps, "pace": plan.pace, "lr": plan.lr, "warmup": plan.warmup, "shortcuts": plan.shortcuts}


@st.cache_data(show_spinner=False, max_entries=8)
def _recorded(path: str, quantity: str) -> list[Message]:
    from resnet_viz.runs import load_recording

    return messages_of(load_recording(path), quantity)


def _quantity(key: str) -> str:
    """What the pictures of layers show: the visitor's choice in the component, the gradient norm by default."""
    chosen = _value(key, "quantity")
    return chosen if isinstance(chosen, str) and chosen in QUANTITIES else DEFAULT


# -- the fallback -----------------------------------------------------------------------------------------


def _value(key: str, name: str) -> object:
    state = st.session_state.get(key)
    return state.get(name) if isinstance(state, Mapping) else None


def _is_polled(key: str, run_id: str | None) -> bool:
    """Whether this visitor's browser does not get our stream: once seen, it holds for the visit."""
    return run_id is not None and bool(st.session_state.get(f"{key} polled"))


def _remember_fallback(key: str) -> None:
    st.session_state[f"{key} polled"] = True


class _Batches:
    """What the last polls of one run gave; the component takes those that it has not seen."""

    def __init__(self, run_id: str, quantity: str) -> None:
        self.run, self.quantity = run_id, quantity
        self.restart()

    def restart(self, number: int = 0) -> None:
        self.follower: Follower | None = None
        self.number = number
        self.batches: deque[dict[str, Any]] = deque(maxlen=REPEATED)

    def poll(self) -> None:
        whole = self.follower is None
        if self.follower is None:
            self.follower = Follower(open_store(), self.run, self.quantity)
            self.follower.poll()
            past = self.follower.since((0, 0))
            messages: list[Message] = [self.follower.header(), *([past] if past else [])]
        else:
            messages = self.follower.poll()
        if messages:
            self.number += 1
            self.batches.append({"number": self.number, "messages": messages, "whole": whole})


@st.fragment(run_every=POLL_EVERY)
def _poll(run_id: str, key: str, quantity: str) -> None:
    name = f"{key} batches"
    batches = st.session_state.get(name)
    if not isinstance(batches, _Batches) or (batches.run, batches.quantity) != (run_id, quantity):
        before = batches.number if isinstance(batches, _Batches) else 0
        batches = st.session_state[name] = _Batches(run_id, quantity)
        batches.restart(before)
    known = batches

    def again() -> None:
        last = _value(f"{key} feed", "again")
        known.restart(max(known.number, last) if isinstance(last, int) else known.number)

    try:
        with store_trouble():
            known.poll()
    except KeyError:
        return
    data = {"key": key, "run": run_id, "batches": list(known.batches)}
    cast(Any, _feed)(key=f"{key} feed", data=data, on_again_change=again)
