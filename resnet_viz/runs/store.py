"""The store: one SQLite database in WAL mode, the only bus between worker, server, command line and notebooks.

The worker appends frames and events; readers ask for what came after the last sequence number that they saw;
commands go the other way through a table. Every method opens no transaction longer than its own statement,
so a reader never waits for a writer. A connection belongs to one thread; each thread gets its own.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from resnet_viz.spec import Experiment

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, experiment TEXT NOT NULL, header TEXT NOT NULL DEFAULT '{}',
    created REAL NOT NULL, state TEXT NOT NULL, reason TEXT, deleted REAL,
    worker_pid INTEGER, worker_started REAL, heartbeat REAL);
CREATE TABLE IF NOT EXISTS frames (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, contestant TEXT NOT NULL, first INTEGER NOT NULL,
    steps INTEGER NOT NULL, signals INTEGER NOT NULL, data BLOB NOT NULL, t REAL NOT NULL);
CREATE INDEX IF NOT EXISTS frames_of_run ON frames (run, seq);
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, kind TEXT NOT NULL, contestant TEXT, step INTEGER,
    data TEXT NOT NULL, t REAL NOT NULL);
CREATE INDEX IF NOT EXISTS events_of_run ON events (run, seq);
CREATE TABLE IF NOT EXISTS commands (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL,
    t REAL NOT NULL, taken REAL);
CREATE TABLE IF NOT EXISTS workers (
    pid INTEGER NOT NULL, started REAL NOT NULL, heartbeat REAL NOT NULL, PRIMARY KEY (pid, started));
CREATE TABLE IF NOT EXISTS estimates (
    key TEXT PRIMARY KEY, experiment TEXT NOT NULL, asked REAL NOT NULL, result TEXT);
"""


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
    """A person's wish for a run: pause, resume, step, stop, lr, pace."""

    seq: int
    kind: str
    data: dict[str, Any]


class Store:
    """The database in one directory, created when missing. Safe to use from several threads and processes."""

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory).expanduser().resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.path = self.directory / "runs.sqlite3"
        self._local = threading.local()
        with self._write() as db:
            db.executescript(SCHEMA)
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @property
    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            self._local.db = db
        return db

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        yield self._db

    # -- runs ---------------------------------------------------------------------------------------------

    def create(self, experiment: Experiment, *, name: str | None = None, state: str = "queued") -> str:
        """A new run, by default waiting for a worker; gives its id."""
        run = time.strftime("%y%m%d-%H%M%S-") + uuid.uuid4().hex[:6]
        title = name or " / ".join(experiment.contestants)
        with self._write() as db:
            db.execute(
                "INSERT INTO runs (id, name, experiment, created, state) VALUES (?, ?, ?, ?, ?)",
                (run, title[:200], experiment.model_dump_json(), time.time(), state),
            )
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
            done = db.execute(
                "UPDATE runs SET state = 'running', worker_pid = ?, worker_started = ?, heartbeat = ? "
                "WHERE id = ? AND state = 'queued' AND deleted IS NULL",
                (pid, started, time.time(), run),
            )
            return done.rowcount == 1

    def set_state(self, run: str, state: str, reason: str | None = None) -> None:
        """Write the state, and an event of kind "state" with it."""
        with self._write() as db:
            db.execute("UPDATE runs SET state = ?, reason = ? WHERE id = ?", (state, reason, run))
        self.add_event(run, "state", {"state": state, "reason": reason})

    def set_header(self, run: str, header: dict[str, Any]) -> None:
        """Write what is known of a run when it starts: versions, device, contestants with layers and signals."""
        with self._write() as db:
            db.execute("UPDATE runs SET header = ? WHERE id = ?", (json.dumps(header), run))

    def beat(self, run: str) -> None:
        """Say that the run's process is alive."""
        with self._write() as db:
            db.execute("UPDATE runs SET heartbeat = ? WHERE id = ?", (time.time(), run))

    def rename(self, run: str, name: str) -> None:
        """Give the run another name, 1 to 200 printable characters. Raises ``ValueError``."""
        name = name.strip()
        if not 1 <= len(name) <= 200 or not name.isprintable():
            raise ValueError("A run's name has 1 to 200 printable characters.")
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
        """Remove for good what has been in the bin for that many seconds; gives the number of runs."""
        with self._write() as db:
            gone = [r["id"] for r in db.execute("SELECT id FROM runs WHERE deleted < ?", (time.time() - older_than,))]
            for run in gone:
                for table in ("frames", "events", "commands"):
                    db.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
                db.execute("DELETE FROM runs WHERE id = ?", (run,))
        return len(gone)

    # -- telemetry ----------------------------------------------------------------------------------------

    def append(self, run: str, contestant: str, first: int, values: NDArray[np.float32]) -> int:
        """Append a chunk of telemetry, float32 [steps, signals], rows from step ``first``; gives its number."""
        import numpy as np

        block = np.ascontiguousarray(values, dtype="<f4")
        with self._write() as db:
            done = db.execute(
                "INSERT INTO frames (run, contestant, first, steps, signals, data, t) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (run, contestant, first, *block.shape, block.tobytes(), time.time()),
            )
        return int(done.lastrowid or 0)

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

    def add_event(
        self, run: str, kind: str, data: dict[str, Any], *, contestant: str | None = None, step: int | None = None
    ) -> int:
        """Append an event; gives its number."""
        with self._write() as db:
            done = db.execute(
                "INSERT INTO events (run, kind, contestant, step, data, t) VALUES (?, ?, ?, ?, ?, ?)",
                (run, kind, contestant, step, json.dumps(data), time.time()),
            )
        return int(done.lastrowid or 0)

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
            done = db.execute(
                "INSERT INTO commands (run, kind, data, t) VALUES (?, ?, ?, ?)",
                (run, kind, json.dumps(data), time.time()),
            )
        return int(done.lastrowid or 0)

    def take_commands(self, run: str) -> list[Command]:
        """The commands that nobody has taken yet, in order; they count as taken afterwards."""
        rows = self._db.execute("SELECT * FROM commands WHERE run = ? AND taken IS NULL ORDER BY seq", (run,)).fetchall()
        if rows:
            with self._write() as db:
                db.execute(
                    "UPDATE commands SET taken = ? WHERE run = ? AND seq <= ?", (time.time(), run, rows[-1]["seq"])
                )
        return [Command(r["seq"], r["kind"], json.loads(r["data"])) for r in rows]

    # -- workers and estimates ----------------------------------------------------------------------------

    def worker_beat(self, pid: int, started: float) -> None:
        """Say that a worker process is alive (also while it has nothing to do)."""
        with self._write() as db:
            db.execute("INSERT OR REPLACE INTO workers VALUES (?, ?, ?)", (pid, started, time.time()))

    def worker_gone(self, pid: int, started: float) -> None:
        """A worker takes its leave."""
        with self._write() as db:
            db.execute("DELETE FROM workers WHERE pid = ? AND started = ?", (pid, started))

    def workers(self) -> list[tuple[int, float, float]]:
        """(process id, its start time, last heartbeat) of each worker that did not take its leave."""
        return [tuple(r) for r in self._db.execute("SELECT pid, started, heartbeat FROM workers")]

    def ask_estimate(self, key: str, experiment: Experiment) -> None:
        """Ask a worker what the experiment takes on this machine; a known answer stays."""
        with self._write() as db:
            db.execute(
                "INSERT OR IGNORE INTO estimates (key, experiment, asked) VALUES (?, ?, ?)",
                (key, experiment.model_dump_json(), time.time()),
            )

    def open_estimates(self) -> list[tuple[str, str]]:
        """(key, experiment JSON) of what was asked and not yet answered, newest first."""
        rows = self._db.execute("SELECT key, experiment FROM estimates WHERE result IS NULL ORDER BY asked DESC")
        return [tuple(r) for r in rows]

    def answer_estimate(self, key: str, result: dict[str, Any]) -> None:
        """Answer :meth:`ask_estimate`."""
        with self._write() as db:
            db.execute("UPDATE estimates SET result = ? WHERE key = ?", (json.dumps(result), key))

    def estimate(self, key: str) -> dict[str, Any] | None:
        """The answer, or None while there is none."""
        row = self._db.execute("SELECT result FROM estimates WHERE key = ?", (key,)).fetchone()
        return json.loads(row["result"]) if row and row["result"] else None


def _run_row(r: sqlite3.Row) -> RunRow:
    return RunRow(
        r["id"], r["name"], r["experiment"], json.loads(r["header"]), r["created"], r["state"], r["reason"],
        r["deleted"], r["worker_pid"], r["worker_started"], r["heartbeat"],
    )  # fmt: skip
