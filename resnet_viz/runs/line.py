"""The line of runs that wait: whose turn is next, and when it is likely to come."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .store import RunRow, Store

PLACES = 4
"""Visitors whose runs take turns on one device; so many networks are in its memory at once."""


def fair(waiting: Sequence[RunRow], busy: Collection[str]) -> list[RunRow]:
    """The runs in their turn: the first of every visitor, then the second of every visitor, and so on.

    ``waiting`` comes in the order of asking, which holds among equals. Who has a run going (``busy``) has had the
    first one.
    """
    had: Counter[str] = Counter(set(busy))
    ranked = []
    for row in waiting:
        ranked.append((had[row.visitor], row))
        had[row.visitor] += 1
    return [row for _, row in sorted(ranked, key=lambda pair: pair[0])]  # sorting keeps the order of asking


@dataclass(frozen=True)
class Job:
    """A run in the line: whose it is and how many seconds it takes alone; None where nobody knows."""

    visitor: str
    seconds: float | None


def starts(going: Sequence[Job], waiting: Sequence[Job], places: int = PLACES) -> list[float | None]:
    """In how many seconds each of the waiting runs starts; None where that hangs on a duration that nobody knows.

    Those that go share the device equally; a waiting one starts when there is a place and its visitor has none going.
    """
    found: list[float | None] = [None] * len(waiting)
    active = [(job.visitor, job.seconds) for job in going]
    left = list(enumerate(waiting))
    now = 0.0
    while True:
        for at, job in list(left):
            if len(active) < places and all(visitor != job.visitor for visitor, _ in active):
                found[at] = now
                active.append((job.visitor, job.seconds))
                left.remove((at, job))
        known = [seconds for _, seconds in active if seconds is not None]
        if not left or len(known) < len(active):
            return found
        shortest = min(known)
        now += shortest * len(active)
        active = [(visitor, s - shortest) for visitor, s in active if s is not None and s > shortest]


@dataclass(frozen=True)
class Standing:
    """Where a waiting run stands: ``position`` 1 is next; ``seconds`` until its start, None where nobody knows;
    ``behind``: the run that it waits for, None where it only waits for the worker; ``other``: that one is another
    visitor's."""

    position: int
    seconds: float | None
    behind: RunRow | None
    other: bool = False

    @property
    def lab(self) -> bool:
        """Whether it waits for a lab and not for a race."""
        return self.behind is not None and self.behind.task is not None


def standing(store: Store, run: str) -> Standing | None:
    """Where the run stands in the line; None when it does not wait."""
    line, going = store.waiting(), store.going()
    at = next((i for i, row in enumerate(line) if row.id == run), None)
    if at is None:
        return None
    own = [row for row in going if row.visitor == line[at].visitor]
    full = going if len(going) >= PLACES else []
    behind = next(iter([*own, *full, *reversed(line[:at])]), None)
    jobs = [[Job(row.visitor, seconds_left(store, row)) for row in rows] for rows in (going, line)]
    other = behind is not None and behind.visitor != line[at].visitor
    return Standing(at + 1, starts(jobs[0], jobs[1])[at], behind, other)


def seconds_left(store: Store, row: RunRow) -> float | None:
    """Seconds that a run still takes alone, by what was measured of its experiment here; None where nothing was.

    A lab brings what it took before (its task's "seconds"); how far it has come is told by the clock.
    """
    if row.task is not None:
        whole = row.task.get("seconds")
        if not isinstance(whole, int | float):
            return None
        left = whole - (time.time() - row.header["started"] if "started" in row.header else 0.0)
        return left if 0 < left <= whole else None
    from pydantic import ValidationError

    from ..spec import Experiment
    from .run_store import experiment_key

    try:
        experiment = Experiment.model_validate_json(row.experiment_json)
    except ValidationError:
        return None
    known = store.estimate(experiment_key(experiment))
    if not known or "seconds" not in known:
        return None
    done = min(store.rows_written(row.id).values(), default=0)
    return float(known["seconds"]) * max(0.0, 1 - done / experiment.steps)
