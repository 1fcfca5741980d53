"""The store: one SQLite database in WAL mode, the only bus between worker, server, command line and notebooks.

The worker appends frames and events; readers ask for what came after the last sequence number that they saw;
commands go the other way through a table. A write is one short transaction that takes the lock at its start, and
reading is never part of one, so a reader never waits for a writer. A connection belongs to one thread; each thread
gets its own.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .database import KNOWN, StoreError, number
from .line import fair
from .liveness import LIVE_STATES, status
from .shelf import CHECKPOINTS, Kept, Shelf

__all__ = ["CHECKPOINTS", "RESUMABLE", "Command", "Event", "Frame", "Kept", "RunRow", "Store", "StoreError"]

NO_EXPERIMENT = "{}"
"""Stands in the experiment's place for a training loop of somebody's own."""
TASK = '{"task": '
"""Begins what stands in the experiment's place for work of another kind."""
LAST_PLACE = "(SELECT COALESCE(MAX(place), 0) + 1 FROM runs)"
"""Places are counted, not timed: the clock may be set."""
CANCELLED = "Cancelled while it waited for its turn."
UNSTEERED = frozenset({"state", "eval", "pace", "engine"})
"""Kinds of events after which a run still has the numbers that its experiment gives."""
RESUMABLE = frozenset({"interrupted", "stopped", "failed"})
"""States in which a run can go on from its last checkpoint."""

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from resnet_viz.spec import Experiment


@dataclass(frozen=True)
class RunRow:
    """A run as it stands in the store; ``state`` is what was last written, not yet checked for a dead worker."""

    id: str
    name: str
    experiment_json: str
    header: dict[str, Any]
    created: float
    state: str
    reason: str | None
    deleted: float | None
    worker_pid: int | None
    worker_started: float | None
    heartbeat: float | None
    visitor: str = ""
    place: int = 0

    @property
    def recorded(self) -> bool:
        """True when it comes from a training loop of somebody's own, not from an experiment."""
        return self.experiment_json == NO_EXPERIMENT

    @property
    def task(self) -> dict[str, Any] | None:
        """What the run does where it trains no experiment: {"kind": "lab", ...}; None for an experiment."""
        if not self.experiment_json.startswith(TASK):
            return None
        found: dict[str, Any] = json.loads(self.experiment_json)["task"]
        return found


@dataclass(frozen=True)
class Frame:
    """A chunk of one contestant's telemetry: ``values`` is float32 [steps, signals], rows from step ``first``."""

    seq: int
    contestant: str
    first: int
    values: NDArray[np.float32]
    t: float


@dataclass(frozen=True)
class Event:
    """Something that happened at a step: an evaluation, a change of state or of the learning rate."""

    seq: int
    kind: str
    contestant: str | None
    step: int | None
    data: dict[str, Any]
    t: float


@dataclass(frozen=True)
class Command:
    """A person's wish for a run: pause, resume, step, stop, lr, pace, sharpness, histogram."""

    seq: int
    kind: str
    data: dict[str, Any]


class Store(Shelf):
    """The database in one directory, created when missing. Safe to use from several threads and processes.

    Raises :class:`StoreError` when the directory cannot hold it or a newer version of this package wrote it.
    """

    # -- runs ---------------------------------------------------------------------------------------------

    def create(
        self,
        experiment: Experiment | None,
        *,
        name: str | None = None,
        state: str = "queued",
        paused: bool = False,
        owner: tuple[int, float] | None = None,
        task: Mapping[str, Any] | None = None,
        visitor: str = "",
    ) -> str:
        """A new run, by default waiting for a worker; gives its id.

        ``paused``: it stands still at initialisation until somebody resumes it. ``owner``: the process (id, start
        time) that runs it itself at once, so that no worker takes it. ``visitor``: who asked for it; visitors take
        turns. ``experiment`` None: a training loop of somebody's own is recorded, under the ``name``, or a ``task`` is
        done: its "kind" says which executor of the worker does it.
        """
        run = time.strftime("%y%m%d-%H%M%S-") + uuid.uuid4().hex[:6]
        title = _title((name or " / ".join(experiment.contestants if experiment else ()))[:200])
        with self._write() as db:
            db.execute(
                "INSERT INTO runs (id, name, experiment, created, state, visitor, place)"
                f" VALUES (?, ?, ?, ?, ?, ?, {LAST_PLACE})",
                (run, title, _plan(experiment, task), time.time(), state, visitor),
            )
            if paused:
                _add_command(db, run, "pause", {})
            if owner is not None:
                _take(db, run, *owner)
        return run

    def row(self, run: str) -> RunRow:
        """One run. Raises ``KeyError`` when there is none."""
        found = self._db.execute("SELECT * FROM runs WHERE id = ?", (run,)).fetchone()
        if found is None:
            raise KeyError(f"there is no run {run!r} in {self.directory}")
        return _run_row(found)

    def rows(self, *, deleted: bool = False) -> list[RunRow]:
        """All runs, newest first; with ``deleted`` those in the bin instead."""
        where = "IS NOT NULL" if deleted else "IS NULL"
        found = self._db.execute(f"SELECT * FROM runs WHERE deleted {where} ORDER BY created DESC, rowid DESC")
        return [_run_row(row) for row in found]

    def claim(self, run: str, pid: int, started: float) -> bool:
        """Take a queued run for this process; False when another was faster."""
        with self._write() as db:
            return _take(db, run, pid, started)

    def again(self, run: str, owner: tuple[int, float] | None = None) -> bool:
        """Let a run that was interrupted, stopped or failed go on: it waits for a worker at the end of the line, or
        ``owner`` has it at once.

        What was asked of it before and not yet done is forgotten. False when somebody else was faster, it lies in the
        bin, or its state is another one. Raises ``KeyError`` when there is no such run.
        """
        with self._write() as db:
            row = self.row(run)
            if row.deleted is not None or status(row)[0] not in RESUMABLE:
                return False
            db.execute("UPDATE commands SET taken = ? WHERE run = ? AND taken IS NULL", (time.time(), run))
            db.execute(
                "UPDATE runs SET state = 'queued', reason = NULL, worker_pid = NULL, worker_started = NULL, "
                f"heartbeat = NULL, place = {LAST_PLACE} WHERE id = ?",
                (run,),
            )
            if owner is not None:
                return _take(db, run, *owner)
            _add_event(db, run, "state", {"state": "queued", "reason": None})
        return True

    def cancel(self, run: str) -> bool:
        """Stop a run that waits for its turn; False when it does not wait (any more)."""
        with self._write() as db:
            done = db.execute(
                "UPDATE runs SET state = 'stopped', reason = ? WHERE id = ? AND state = 'queued'", (CANCELLED, run)
            )
            if done.rowcount == 1:
                _add_event(db, run, "state", {"state": "stopped", "reason": CANCELLED})
        return done.rowcount == 1

    def queued(self) -> list[str]:
        """The runs that wait for a worker, in their turn."""
        return [row.id for row in self.waiting()]

    def waiting(self) -> list[RunRow]:
        """The runs that wait for a worker, in their turn: see :func:`~resnet_viz.runs.line.fair`."""
        sql = "SELECT * FROM runs WHERE state = 'queued' AND deleted IS NULL ORDER BY place, rowid"
        found = [_run_row(row) for row in self._db.execute(sql)]
        return fair(found, {row.visitor for row in self.going()}) if len(found) > 1 else found

    def going(self) -> list[RunRow]:
        """The runs that a living process trains now, in the order in which they were asked for."""
        sql = "SELECT * FROM runs WHERE state = 'running' AND deleted IS NULL ORDER BY place, rowid"
        return [row for row in map(_run_row, self._db.execute(sql)) if status(row)[0] == "running"]

    def same(self, experiment: Experiment, versions: dict[str, str]) -> RunRow | None:
        """The newest finished run of the same experiment with the same versions that nobody steered by hand."""
        sql = "SELECT * FROM runs WHERE experiment = ? AND state = 'finished' AND deleted IS NULL ORDER BY rowid DESC"
        for row in map(_run_row, self._db.execute(sql, (experiment.model_dump_json(),))):
            steered = {event.kind for event in self.events(row.id)} - UNSTEERED
            if row.header.get("versions") == versions and not steered:
                return row
        return None

    def set_state(self, run: str, state: str, reason: str | None = None) -> None:
        """Write the state, and an event of kind "state" with it."""
        with self._write() as db:
            db.execute("UPDATE runs SET state = ?, reason = ? WHERE id = ?", (state, reason, run))
            _add_event(db, run, "state", {"state": state, "reason": reason})

    def set_header(self, run: str, header: dict[str, Any]) -> None:
        """Write what is known of a run when it starts: versions, device, contestants with layers and signals."""
        with self._write() as db:
            db.execute("UPDATE runs SET header = ? WHERE id = ?", (json.dumps(header), run))

    def beat(self, run: str) -> bool:
        """Say that the run's process is alive; False when there is no such run any more."""
        with self._write() as db:
            return db.execute("UPDATE runs SET heartbeat = ? WHERE id = ?", (time.time(), run)).rowcount == 1

    def rename(self, run: str, name: str) -> None:
        """Give the run another name, 1 to 200 printable characters. Raises ``ValueError``."""
        name = _title(name)
        with self._write() as db:
            db.execute("UPDATE runs SET name = ? WHERE id = ?", (name, run))

    def delete(self, run: str) -> None:
        """Put the run in the bin; :meth:`restore` takes it out, :meth:`purge` empties the bin."""
        with self._write() as db:
            db.execute("UPDATE runs SET deleted = ? WHERE id = ?", (time.time(), run))

    def restore(self, run: str) -> None:
        """Undo :meth:`delete`."""
        with self._write() as db:
            db.execute("UPDATE runs SET deleted = NULL WHERE id = ?", (run,))

    def purge(self, older_than: float = 0.0) -> int:
        """Remove for good what has been in the bin for that many seconds; gives the number of runs.

        A run that a living process still trains stays until it is over.
        """
        with self._write() as db:
            found = db.execute("SELECT * FROM runs WHERE deleted < ?", (time.time() - older_than,)).fetchall()
            gone = [row.id for row in map(_run_row, found) if not _in_work(row)]
            for run in gone:
                for table in ("frames", "events", "commands", "checkpoints"):
                    db.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
                db.execute("DELETE FROM runs WHERE id = ?", (run,))
        for run in gone:
            shutil.rmtree(self.directory / CHECKPOINTS / run, ignore_errors=True)
        return len(gone)

    # -- telemetry ----------------------------------------------------------------------------------------

    def append(self, run: str, contestant: str, first: int, values: NDArray[np.float32]) -> int:
        """Append a chunk of telemetry, float32 [steps, signals], rows from step ``first``; gives its number.

        For a run that was removed in the meantime nothing is written, and 0 given.
        """
        import numpy as np

        block = np.ascontiguousarray(values, dtype="<f4")
        with self._write() as db:
            done = db.execute(
                "INSERT INTO frames (run, contestant, first, steps, signals, data, t) "
                f"SELECT ?, ?, ?, ?, ?, ?, ? {KNOWN}",
                (run, contestant, first, *block.shape, block.tobytes(), time.time(), run),
            )
        return number(done)

    def frames(self, run: str, after: int = 0, contestant: str | None = None) -> list[Frame]:
        """The chunks with a sequence number above ``after``, in order."""
        import numpy as np

        sql = "SELECT * FROM frames WHERE run = ? AND seq > ?" + (" AND contestant = ?" if contestant else "")
        args = (run, after, contestant) if contestant else (run, after)
        return [
            Frame(
                r["seq"], r["contestant"], r["first"],
                np.frombuffer(r["data"], dtype="<f4").reshape(r["steps"], r["signals"]), r["t"],
            )
            for r in self._db.execute(sql + " ORDER BY seq", args)
        ]  # fmt: skip

    def rows_written(self, run: str) -> dict[str, int]:
        """How many rows of telemetry each contestant has, the last one's step plus one."""
        sql = "SELECT contestant, MAX(first + steps) FROM frames WHERE run = ? GROUP BY contestant"
        return {name: int(rows) for name, rows in self._db.execute(sql, (run,))}

    def add_event(
        self, run: str, kind: str, data: dict[str, Any], *, contestant: str | None = None, step: int | None = None
    ) -> int:
        """Append an event; gives its number. For a run that was removed nothing is written, and 0 given."""
        with self._write() as db:
            return _add_event(db, run, kind, data, contestant, step)

    def events(self, run: str, after: int = 0, kind: str | None = None) -> list[Event]:
        """The events with a sequence number above ``after``, in order."""
        sql = "SELECT * FROM events WHERE run = ? AND seq > ?" + (" AND kind = ?" if kind else "")
        args = (run, after, kind) if kind else (run, after)
        return [
            Event(r["seq"], r["kind"], r["contestant"], r["step"], json.loads(r["data"]), r["t"])
            for r in self._db.execute(sql + " ORDER BY seq", args)
        ]

    # -- commands -----------------------------------------------------------------------------------------

    def command(self, run: str, kind: str, **data: Any) -> int:
        """Ask the run's worker for something; gives the command's number."""
        with self._write() as db:
            return _add_command(db, run, kind, data)

    def take_commands(self, run: str) -> list[Command]:
        """The commands that nobody has taken yet, in order; they count as taken afterwards."""
        sql = "SELECT * FROM commands WHERE run = ? AND taken IS NULL ORDER BY seq"
        rows = self._db.execute(sql, (run,)).fetchall()
        if rows:
            with self._write() as db:
                db.execute(
                    "UPDATE commands SET taken = ? WHERE run = ? AND seq <= ?", (time.time(), run, rows[-1]["seq"])
                )
        return [Command(r["seq"], r["kind"], json.loads(r["data"])) for r in rows]


def _in_work(row: RunRow) -> bool:
    return row.worker_pid is not None and status(row)[0] in LIVE_STATES


def _plan(experiment: Experiment | None, task: Mapping[str, Any] | None) -> str:
    if experiment is not None:
        return experiment.model_dump_json()
    return NO_EXPERIMENT if task is None else json.dumps({"task": dict(task)})


def _title(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 200 or not name.isprintable():
        raise ValueError("A run's name has 1 to 200 printable characters.")
    return name


def _take(db: sqlite3.Connection, run: str, pid: int, started: float) -> bool:
    done = db.execute(
        "UPDATE runs SET state = 'running', worker_pid = ?, worker_started = ?, heartbeat = ? "
        "WHERE id = ? AND state = 'queued' AND deleted IS NULL",
        (pid, started, time.time(), run),
    )
    if done.rowcount == 1:
        _add_event(db, run, "state", {"state": "running", "reason": None})
    return done.rowcount == 1


def _add_command(db: sqlite3.Connection, run: str, kind: str, data: dict[str, Any]) -> int:
    done = db.execute(
        f"INSERT INTO commands (run, kind, data, t) SELECT ?, ?, ?, ? {KNOWN}",
        (run, kind, json.dumps(data), time.time(), run),
    )
    return number(done)


def _add_event(
    db: sqlite3.Connection,
    run: str,
    kind: str,
    data: dict[str, Any],
    contestant: str | None = None,
    step: int | None = None,
) -> int:
    done = db.execute(
        f"INSERT INTO events (run, kind, contestant, step, data, t) SELECT ?, ?, ?, ?, ?, ? {KNOWN}",
        (run, kind, contestant, step, json.dumps(data), time.time(), run),
    )
    return number(done)


def _run_row(r: sqlite3.Row) -> RunRow:
    return RunRow(
        r["id"], r["name"], r["experiment"], json.loads(r["header"]), r["created"], r["state"], r["reason"],
        r["deleted"], r["worker_pid"], r["worker_started"], r["heartbeat"], r["visitor"], r["place"],
    )  # fmt: skip
