"""The messages of the live view: a header and deltas, the same through the stream, the polling fallback and recordings.

A message is a dict whose first key is ``"t"``: the Unix time in seconds at which the worker wrote the newest thing
that the message tells of (for a header without any frame yet: at which the run was made). :func:`encode` makes it
one line of JSON.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from resnet_viz.runs.liveness import LIVE_STATES, status
from resnet_viz.runs.store import Event, Frame, RunRow, Store
from resnet_viz.runs.telemetry import SPREAD
from resnet_viz.spec import Experiment, Stage
from resnet_viz.spec.probes import DEFAULT
from resnet_viz.train.changes import KINDS

from .thinning import Segment, Signals, frame_messages, segments
from .witness import VerdictRow, Witness

Message = dict[str, Any]
Cursor = tuple[int, int]
START: Cursor = (0, 0)
FINAL_STATES = frozenset({"finished", "stopped", "failed", "interrupted"})
CHECK_EVERY = 1.0
"""Seconds between two looks at whether the run's process is alive."""
SILENT_SECONDS = 8.0
"""A process that is alive says so once a second; one that has not for so long cannot write."""


def encode(message: Message) -> bytes:
    """One line of JSON in UTF-8."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def cursor_text(cursor: Cursor) -> str:
    """A cursor as it stands in messages and event ids: "frame sequence number.event sequence number"."""
    return f"{cursor[0]}.{cursor[1]}"


def parse_cursor(text: str | None) -> Cursor:
    """The inverse of :func:`cursor_text`; the start where the text is none of ours."""
    frame, dot, event = (text or "").partition(".")
    if not dot or len(frame) > 18 or len(event) > 18 or not (frame + event).isascii():
        return START
    return (int(frame), int(event)) if frame.isdecimal() and event.isdecimal() else START


def header_message(store: Store, run: str) -> Message:
    """The run's header message. Raises ``KeyError`` when there is no such run."""
    return Follower(store, run).header()


def delta_message(store: Store, run: str, cursor: str | None) -> tuple[Message | None, str]:
    """What came after ``cursor``, and the new cursor; None when nothing did. Raises ``KeyError``.

    It reads the whole run for the verdict: who follows a run keeps a :class:`Follower`.
    """
    follower = Follower(store, run)
    follower.poll()
    message = follower.since(parse_cursor(cursor))
    return message, cursor_text(follower.cursor)


class Follower:
    """Follows one run in the store: :meth:`poll` gives what is new, :meth:`since` what a late viewer has missed.

    Blocking, for one thread at a time; it keeps 20 bytes a step for the verdicts, and no frames. ``quantity`` is what
    the pictures of layers show (:data:`~resnet_viz.spec.QUANTITIES`).
    """

    def __init__(self, store: Store, run: str, quantity: str = DEFAULT) -> None:
        self.store, self.run, self.quantity = store, run, quantity
        self.row: RunRow = store.row(run)
        self.cursor: Cursor = START
        self.state, self.reason = status(self.row)
        self._checked = self._heard = time.monotonic()
        self.trouble: str | None = None
        self._newest = self.row.created
        self._set_header()

    def _set_header(self) -> None:
        contestants: Sequence[dict[str, Any]] = self.row.header.get("contestants", ())
        self._signals = {str(c.get("name")): Signals.of(c, self.quantity) for c in contestants}
        self._witness = Witness(self.row.header)
        plan = planned(self.row.experiment_json)
        self._total, self._pace, self._lr = int(self.row.header.get("steps", plan.steps)), plan.pace, plan.lr
        self._warmup = plan.warmup
        self._shortcuts, self._knobs = plan.shortcuts, plan.knobs

    def _read(self, after: Cursor) -> tuple[list[Frame], list[Event], Cursor]:
        frames, events = self.store.frames(self.run, after[0]), self.store.events(self.run, after[1])
        return frames, events, (frames[-1].seq if frames else after[0], events[-1].seq if events else after[1])

    def poll(self) -> list[Message]:
        """What is new since the last poll: nothing, a header (its content changed), a delta, or both.

        Raises ``KeyError`` when the run was removed for good.
        """
        before = (self.row.header, self.row.name)
        was = (self.state, self.reason, self.trouble)
        written, heartbeat = self.row.state, self.row.heartbeat
        self.row = self.store.row(self.run)
        if self.row.heartbeat != heartbeat or self.row.state != written:
            self._heard = time.monotonic()
        renewed = (self.row.header, self.row.name) != before
        if renewed:
            self._set_header()
            self._gather(START, self.cursor)
        if self.row.state != written or time.monotonic() - self._checked > CHECK_EVERY:
            self.state, self.reason = status(self.row)
            self._checked = time.monotonic()
        self.trouble = self._silence()
        frames, events, cursor = self._read(self.cursor)
        parts = segments(frames)
        self._take(frames, parts, events)
        self.cursor = cursor
        messages = [self.header()] if renewed else []
        if frames or events or was != (self.state, self.reason, self.trouble):
            messages.append(self._delta(frames, parts, events, self._witness.news()))
        return messages

    def _silence(self) -> str | None:
        """A sentence while the run's process is alive and says nothing: it cannot write what it measures.

        By a clock that nobody sets and that stands still while the machine sleeps.
        """
        silent = time.monotonic() - self._heard
        if self.state not in LIVE_STATES or self.row.worker_pid is None or silent < SILENT_SECONDS:
            return None
        return "Its process is alive but writes nothing: the disk may be full, or the machine overloaded."

    def _gather(self, after: Cursor, upto: Cursor) -> None:
        """Read again what was read under an older header."""
        frames, events, _ = self._read(after)
        frames = [f for f in frames if f.seq <= upto[0]]
        self._take(frames, segments(frames), [e for e in events if e.seq <= upto[1]])

    def _take(self, frames: Iterable[Frame], parts: Iterable[Segment], events: Sequence[Event]) -> None:
        self._newest = max([self._newest, *(f.t for f in frames)])
        self._witness.add(parts, events)
        for event in events:
            value = event.data.get("value")
            if event.kind == "pace" and isinstance(value, int | float):
                self._pace = float(value)
            if event.kind == "lr" and isinstance(value, int | float) and not event.data.get("planned"):
                self._lr = float(value)

    def since(self, after: Cursor) -> Message | None:
        """Everything after a cursor and up to the last poll as one delta, the past thinned out; None when nothing."""
        if after[0] > self.cursor[0] or after[1] > self.cursor[1]:
            after = START
        if after == self.cursor and after != START:
            return None
        frames, events, _ = self._read(after)
        frames = [f for f in frames if f.seq <= self.cursor[0]]
        events = [e for e in events if e.seq <= self.cursor[1]]
        return self._delta(frames, segments(frames), events, self._witness.history())

    def header(self) -> Message:
        """The header message as of the last poll."""
        return {
            "t": self._newest, "kind": "header", "id": self.run, "name": self.row.name, "state": self.state,
            "reason": self.reason, "trouble": self.trouble, "header": self.row.header,
            "experiment_steps": self._total, "pace": self._pace,
            "lr": self._lr, "warmup": self._warmup, "shortcuts": self._shortcuts, "recording": None,
            "quantity": self.quantity, "knobs": self._knobs,
        }  # fmt: skip

    def _delta(
        self, frames: Sequence[Frame], parts: Iterable[Segment], events: Sequence[Event], verdicts: list[VerdictRow]
    ) -> Message:
        written = [f.t for f in frames] or [e.t for e in events]
        shown = [
            message
            for part in parts
            if part.contestant in self._signals
            for message in frame_messages(part, self._signals[part.contestant], self._total)
        ]
        return {
            "t": max(written, default=self._newest), "kind": "delta", "cursor": cursor_text(self.cursor),
            "state": self.state, "reason": self.reason, "trouble": self.trouble, "frames": shown,
            "evals": eval_rows(events), "marks": mark_rows(events), "asked": asked_rows(events),
            "verdicts": verdicts,
        }  # fmt: skip


def eval_rows(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Evaluations as a delta tells them: fractions of the whole sets, with the spread of several seeds."""
    return [
        {"c": e.contestant, "step": e.step, "epoch": e.data.get("epoch"),
         "train_error": e.data.get("train_error"), "test_error": e.data.get("test_error"),
         **{key: e.data[key] for key in SPREAD if key in e.data}}
        for e in events
        if e.kind == "eval"
    ]  # fmt: skip


def mark_rows(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Changes by hand that are drawn as marks; those without a step are the run's own start.

    One that concerns a single shortcut has its contestant, "c", and its "block"; one that a rewind brings with it is
    "planned": told before its step has come.
    """
    return [
        {"kind": e.kind, "step": e.step, "value": e.data.get("value")}
        | ({"c": e.contestant, "block": e.data.get("block")} if e.kind == "shortcut" else {})
        | ({"planned": True} if e.data.get("planned") else {})
        for e in events
        if (e.kind == "pace" or e.kind in KINDS) and e.step is not None
    ]


def asked_rows(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Sharpness that was measured on request, with the residual that says how far it may be off."""
    return [
        {"c": e.contestant, "step": e.step, "value": e.data["value"], "residual": e.data.get("residual")}
        for e in events
        if e.kind == "sharpness" and "value" in e.data
    ]


@dataclass(frozen=True)
class Plan:
    """What an experiment asks for: steps, pace, learning rate and the steps of its warm-up; for each contestant,
    which stages have shortcuts: a stage in which some blocks have one has a list, block by block."""

    steps: int = 0
    pace: float = 0.0
    lr: float = 0.0
    warmup: int = 0
    shortcuts: dict[str, list[bool | list[bool]]] = field(default_factory=dict)
    knobs: dict[str, float | None] = field(default_factory=dict)
    """Where the knobs of a running net stand at its start; None where contestants or their blocks differ."""

    @classmethod
    def of(cls, experiment: Experiment) -> Plan:
        """Read it from the experiment."""
        shortcuts = {
            name: [_with_shortcut(stage) for stage in network.stages]
            for name, network in experiment.contestants.items()
        }
        recipe = experiment.recipe
        nets = [network for network in experiment.contestants.values() if not network.is_plain]
        knobs = {
            "alpha": _common({block.alpha for network in nets for block in network.each if block.merge != "none"}),
            "drop_path": _common({network.drop_path.survival for network in nets}),
            "weight_decay": recipe.weight_decay,
        }
        return cls(experiment.steps, recipe.pace, recipe.learning_rate, recipe.warmup_steps, shortcuts, knobs)


def _common(values: set[float]) -> float | None:
    return values.pop() if len(values) == 1 else None


def _with_shortcut(stage: Stage) -> bool | list[bool]:
    each = [block.merge != "none" for block in stage.each]
    return each[0] if len(set(each)) == 1 else each


def planned(experiment_json: str) -> Plan:
    """The plan of a run; an empty one where the store holds no experiment of ours (a recorded training loop)."""
    try:
        return Plan.of(Experiment.model_validate_json(experiment_json))
    except ValidationError:
        return Plan()


def as_lines(messages: Iterable[Mapping[str, Any]]) -> bytes:
    """Messages as Server-Sent Events, each with its cursor as id (a header has the cursor of the delta before it)."""
    return b"".join(
        (f"id: {m['cursor']}\n".encode() if "cursor" in m else b"") + b"data: " + encode(dict(m)) + b"\n\n"
        for m in messages
    )
