"""Whose run computes now: fair turns in slices, taken at step boundaries."""

from __future__ import annotations

import math
import threading
import time
from types import TracebackType

from .slots import Slots

SLICE = 1.0
"""Seconds that one run computes before another has its turn; a step that takes longer is finished first."""
UNUSED = 0.05
"""A turn that nobody uses for so long (a run with a pace waits between its steps) goes to the next at once."""


class Turn(Slots):
    """The device's slots as one run has them: to enter is to wait for the run's turn first, then for a free slot."""

    def __init__(self, turns: Turns, visitor: str) -> None:
        super().__init__(turns.slots.count)
        self.visitor = visitor
        self.asking = self.inside = 0
        self.ended = 0.0
        self._turns = turns

    def __enter__(self) -> None:
        self._turns.enter(self)
        self._turns.slots.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._turns.slots.__exit__(kind, error, trace)
        self._turns.leave(self)


class Turns:
    """The turns of all runs that share a device. Safe to use from any thread.

    Visitors take turns, however many runs each of them has: next is the one whose last turn lies back furthest, and of
    that visitor's runs the one whose own turn does. A run that alone has something to compute goes on without a break.
    """

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self._changed = threading.Condition()
        self._holder: Turn | None = None
        self._since = self._used = 0.0
        self._asking: list[Turn] = []
        self._ended: dict[str, float] = {}

    def turn(self, visitor: str) -> Turn:
        """What a run is given in place of the device's own slots."""
        return Turn(self, visitor)

    def enter(self, turn: Turn) -> None:
        """Wait until it is the run's turn."""
        with self._changed:
            if not self._has(turn):
                self._ask(turn)
            turn.inside += 1

    def leave(self, turn: Turn) -> None:
        """A step, or part of one, is done."""
        with self._changed:
            turn.inside -= 1
            self._used = time.monotonic()
            if self._asking and not turn.inside:
                self._changed.notify_all()

    def _ask(self, turn: Turn) -> None:
        self._asking.append(turn)  # once for each contestant
        turn.asking += 1
        try:
            while not self._has(turn):
                self._changed.wait(UNUSED)
        finally:
            self._asking.remove(turn)
            turn.asking -= 1

    def _has(self, turn: Turn) -> bool:
        """Whether the run may compute now; takes the turn for it when that is over and the run is next."""
        now, holder = time.monotonic(), self._holder
        others = any(other is not holder for other in self._asking)
        over = now >= self._since + SLICE and others
        if holder is turn and not over:
            return True
        if holder is not None and holder is not turn and not over:
            over = not holder.asking and now >= self._used + UNUSED
        if holder is not None and (holder.inside or not over):
            return False
        if self._asking and self._next() is not turn:
            return False
        self._begin(turn, now)
        return True

    def _next(self) -> Turn:
        last = self._holder
        others = [turn for turn in self._asking if turn is not last] or self._asking

        def waiting_since(turn: Turn) -> tuple[float, float]:
            just = last is not None and turn.visitor == last.visitor
            return math.inf if just else self._ended.get(turn.visitor, 0.0), turn.ended

        return min(others, key=waiting_since)

    def _begin(self, turn: Turn, now: float) -> None:
        if self._holder is not None:
            self._ended[self._holder.visitor] = self._holder.ended = now
        self._holder, self._since, self._used = turn, now, now
        self._changed.notify_all()
