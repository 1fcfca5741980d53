"""Labs in the store: queued for the worker, read by pages while they go on and afterwards. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..runs import RunRow, Store, status
from .catalogue import find
from .lab import Lab
from .observation import Observation
from .recorded import recording
from .running import repeats, seconds_of

KIND = "lab"
FINDING, PROGRESS = "finding", "progress"
MAX_SEEDS = 10


def queue(store: Store, lab: Lab, seeds: Sequence[int], *, visitor: str = "") -> str:
    """Let a lab wait for the worker; gives the run's id. Visitors take turns.

    Raises ``ValueError`` for more than ten repeats.
    """
    seeds = repeats(lab, seeds)
    if not 1 <= len(seeds) <= MAX_SEEDS:
        raise ValueError(f"A lab is repeated 1 to {MAX_SEEDS} times, not {len(seeds)}.")
    task: dict[str, Any] = {"kind": KIND, "lab": lab.slug, "seeds": list(seeds)}
    once = seconds_before(store, lab)
    if once is not None:
        task["seconds"] = round(once * len(seeds), 1)
    return store.create(None, name=f"Lab: {lab.title}", task=task, visitor=visitor)


def seconds_before(store: Store, lab: Lab) -> float | None:
    """Seconds that one repeat took when it was last done here, else when it was recorded; None where it never was.

    Where a machine was busy, or runs took turns, processor time says more than the clock.
    """
    mine = (row for row in store.rows() if row.state == "finished" and (row.task or {}).get("lab") == lab.slug)
    last = next(mine, None)
    known = recording(lab.slug) if last is None else observe(store, last.id)
    if known is None or not known.seconds:
        return None
    worked = {int(one["seed"]): float(one["cpu"]) for one in known.findings if "cpu" in one}
    return sum(min(taken, worked.get(seed, taken)) for seed, taken in known.seconds.items()) / len(known.seconds)


def lab_of(row: RunRow) -> tuple[Lab, tuple[int, ...]]:
    """The lab and the repeats of a run. Raises ``KeyError`` for a run that is none, or of a lab that is not there."""
    task = row.task or {}
    if task.get("kind") != KIND:
        raise KeyError(f"the run {row.id} is not one of a lab")
    return find(str(task["lab"])), tuple(int(seed) for seed in task["seeds"])


def observe(store: Store, run: str) -> Observation:
    """What the run has found so far. Raises ``KeyError`` when there is no such run of a lab."""
    row = store.row(run)
    lab, seeds = lab_of(row)
    findings = tuple(event.data for event in store.events(run, kind=FINDING))
    told = store.events(run, kind=PROGRESS)
    state, reason = status(row)
    header: dict[str, Any] = row.header
    lab = lab.at(large=header.get("large") is True)
    return Observation(
        lab, seeds, findings, header.get("device", {}), header.get("versions", {}), header.get("started", row.created),
        seconds_of(findings), state, reason, run=run, words=str(told[-1].data["words"]) if told else "",
    )  # fmt: skip
