"""How a person steers a running race: one object that all contestants ask before each update."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from ..spec import Recipe, SpecError
from .changes import Change, in_order
from .changes import Kind as Changed
from .checkpoints import Past
from .requests import Kind, Request
from .schedule import Schedule

WINDOW = 4
"""Steps that a fast contestant may be ahead of the slowest. It costs nothing, since the slowest decides when the
race is over, and it keeps the pictures together and a pause or a new learning rate within reach of all."""

LONGEST_WAIT = 60.0
MAX_REQUESTS = 8
"""Measurements that may wait; each may hold a contestant for seconds."""


class Control:
    """Pause, single step, resume, stop, pace, changes and requests of one race. Safe to use from any thread.

    Each contestant computes the row of step s (loss and gradients at the weights of that moment), asks for its
    turn, and only then applies update s. So a race that is paused shows the networks as they stand, at first
    those at initialisation, and one step is one update and the new picture.

    ``answering`` are those that measure what is asked for, by default all.

    A pause lets the contestants that lie behind come up to the one in front: all stop at the same step.
    """

    def __init__(
        self,
        contestants: Iterable[str],
        recipe: Recipe,
        steps: int,
        past: Past | None = None,
        answering: Iterable[str] | None = None,
    ) -> None:
        past = past or Past()
        self.steps = steps
        self._schedule = Schedule(recipe, steps)
        self._changes: tuple[Change, ...] = ()
        for change in past.changes:
            self._add(change)
        self._pace = recipe.pace if past.pace is None else past.pace
        # The row that each contestant has or is on its way to: what it was allowed cannot be taken back.
        self._heading = {name: _heading(*past.begin(name), steps) for name in contestants}
        self._seen = past.rows - 1
        self._requests: dict[str, list[Request]] = {name: [] for name in answering or self._heading}
        self._held: set[str] = set()
        self._over: set[str] = set()
        self._stopped = False
        self._limit: int | None = None
        self._origin = (time.monotonic(), self._front)
        self._changed = threading.Condition()

    # -- the person's side --------------------------------------------------------------------------------

    @property
    def paused(self) -> bool:
        """True between a pause (or a single step) and the next resume."""
        return self._limit is not None

    @property
    def resting(self) -> bool:
        """True while a pause holds everyone who is not over: nothing is computed, and nothing is to be measured."""
        with self._changed:
            return (
                self._limit is not None
                and self._held | self._over == self._heading.keys()
                and not any(self._requests.values())
            )

    @property
    def changes(self) -> tuple[Change, ...]:
        """What was changed by hand so far, and what is to be changed, by step."""
        with self._changed:
            return self._changes

    @property
    def reached(self) -> int:
        """Updates that every contestant has done or is doing."""
        return max(0, min(self._heading.values()))

    def pause(self) -> None:
        """Let every contestant come to the same step and wait there."""
        with self._changed:
            if self._limit is None:
                self._limit = self._front
            self._changed.notify_all()

    def step(self) -> None:
        """One more step for every contestant, then pause."""
        with self._changed:
            self._limit = (self._front if self._limit is None else self._limit) + 1
            self._held.clear()
            self._changed.notify_all()

    def resume(self) -> None:
        """Go on."""
        with self._changed:
            self._limit = None
            self._held.clear()
            self._origin = (time.monotonic(), self._front)
            self._changed.notify_all()

    def stop(self) -> None:
        """Let every contestant end after the step that it is at."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def set_learning_rate(self, value: float) -> int | None:
        """:meth:`change` the learning rate for all; gives the first step that has it, None when no step is left."""
        change = self.change("lr", value)
        return change.step if change else None

    def change(
        self, kind: Changed, value: float, contestant: str | None = None, block: str | None = None
    ) -> Change | None:
        """Make a :class:`~resnet_viz.train.changes.Change` and give it; None when no step is left for it.

        It is a step that no contestant is on its way to, so that the change meets all of them at the same step, and
        none that was on a screen before the run was resumed. Raises ``ValueError`` for a value out of bounds.
        """
        with self._changed:
            step = max(self._seen, *self._heading.values()) + 1
            change = Change(step=step, kind=kind, value=value, contestant=contestant, block=block)
            if step >= self.steps:
                return None
            self._add(change)
            return change

    def _add(self, change: Change) -> None:
        self._changes = in_order((*self._changes, change))
        if change.kind == "lr":
            self._schedule.change(change.step, change.value)

    def set_pace(self, value: float) -> int:
        """At most ``value`` steps a second from now on, 0 for no limit; gives the step that was reached."""
        with self._changed:
            self._pace = value
            self._origin = (time.monotonic(), self._front)
            self._changed.notify_all()
            return self._front

    def ask(self, kind: Kind, data: Mapping[str, Any]) -> int | None:
        """Let those that answer measure something once, at the same step; gives it, None when no step is left.

        A paused race measures the row that it shows, a running one the next row that nobody has begun. Raises
        ``SpecError`` for what cannot be measured.
        """
        with self._changed:
            step = max(self._seen, *self._heading.values()) + 1 if self._limit is None else self._limit
            if step >= self.steps:
                return None
            request = Request.of_command(step, kind, data)
            if any(len(waiting) >= MAX_REQUESTS for waiting in self._requests.values()):
                raise SpecError(f"{MAX_REQUESTS} measurements wait already: let them come first.")
            for waiting in self._requests.values():
                waiting.append(request)
            self._changed.notify_all()
            return step

    # -- the contestants' side ----------------------------------------------------------------------------

    def begin(self, contestant: str, step: int) -> float:
        """Say that the row of ``step`` is about to be computed; gives the learning rate of update ``step``."""
        with self._changed:
            self._heading[contestant] = step
            self._changed.notify_all()
            return self._schedule[step]

    def changes_until(self, contestant: str, step: int) -> tuple[Change, ...]:
        """The contestant's changes that hold at the row of ``step``, in order; those given before come first."""
        with self._changed:
            return tuple(c for c in self._changes if c.step <= step and c.concerns(contestant))

    def end(self, contestant: str) -> None:
        """Say that the contestant has done its last update."""
        with self._changed:
            self._heading[contestant] = self.steps
            self._over.add(contestant)
            self._changed.notify_all()

    def asked(self, contestant: str, step: int) -> Request | None:
        """The next thing that the contestant is to measure at the row of ``step``; each is given once."""
        with self._changed:
            waiting = self._requests.get(contestant)
            if not waiting or waiting[0].step > step:
                return None
            self._held.discard(contestant)
            return waiting.pop(0)

    @property
    def stopped(self) -> bool:
        """True once the race is to end."""
        return self._stopped

    def holds(self, step: int) -> bool:
        """True while a pause holds update ``step`` back."""
        limit = self._limit
        return limit is not None and step >= limit

    def turn(self, contestant: str, step: int, patience: float, *, tell_pause: bool = False) -> bool | None:
        """Wait until update ``step`` may be applied: True now, False never (stopped), None when patience is over.

        With ``tell_pause`` patience is over as soon as a pause holds the step. It is over at once where something is
        to be measured (:meth:`asked`).
        """
        with self._changed:
            end = time.monotonic() + patience
            self._held.discard(contestant)
            while not self._stopped:
                waiting = self._requests.get(contestant)
                if waiting and waiting[0].step <= step:
                    return None
                if self.holds(step):
                    self._held.add(contestant)
                    if tell_pause:
                        return None
                delay = self._delay(step)
                if delay <= 0:
                    self._heading[contestant] = step + 1
                    self._changed.notify_all()
                    return True
                left = end - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(min(delay, left, LONGEST_WAIT))
            return False

    def _delay(self, step: int) -> float:
        if self._limit is not None:
            return 0.0 if step < self._limit else math.inf
        if step >= min(self._heading.values()) + WINDOW:
            return math.inf
        if not self._pace:
            return 0.0
        since, first = self._origin
        return since + (step + 1 - first) / self._pace - time.monotonic()

    @property
    def _front(self) -> int:
        return max(0, *self._heading.values())


def _heading(step: int, computed: bool, steps: int) -> int:
    return steps if step >= steps else step if computed else step - 1
