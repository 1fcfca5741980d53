"""The database under the store: its tables, its connections, its transactions."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 3
"""1: runs, frames, events, commands, workers, estimates. 2: checkpoints as well. 3: who asked for a run, and its place
in the line."""
BUSY_SECONDS = 30.0
"""How long a writer waits for another one before it gives up."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, experiment TEXT NOT NULL, header TEXT NOT NULL DEFAULT '{}',
    created REAL NOT NULL, state TEXT NOT NULL, reason TEXT, deleted REAL,
    worker_pid INTEGER, worker_started REAL, heartbeat REAL, visitor TEXT NOT NULL DEFAULT '',
    place INTEGER NOT NULL DEFAULT 0);
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
CREATE INDEX IF NOT EXISTS commands_of_run ON commands (run, seq);
CREATE TABLE IF NOT EXISTS checkpoints (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, contestant TEXT NOT NULL, step INTEGER NOT NULL,
    file TEXT NOT NULL, bytes INTEGER NOT NULL, t REAL NOT NULL);
CREATE INDEX IF NOT EXISTS checkpoints_of_run ON checkpoints (run, contestant, seq);
CREATE TABLE IF NOT EXISTS workers (
    pid INTEGER NOT NULL, started REAL NOT NULL, heartbeat REAL NOT NULL, PRIMARY KEY (pid, started));
CREATE TABLE IF NOT EXISTS estimates (
    key TEXT PRIMARY KEY, experiment TEXT NOT NULL, asked REAL NOT NULL, result TEXT);
"""
LATER_COLUMNS = {"visitor": "TEXT NOT NULL DEFAULT ''", "place": "INTEGER NOT NULL DEFAULT 0"}
"""Columns of ``runs`` that a database of version 1 or 2 lacks."""
KNOWN = "WHERE EXISTS (SELECT 1 FROM runs WHERE id = ?)"
"""Ends an INSERT ... SELECT that belongs to a run: for one that was removed in the meantime nothing is written."""


class StoreError(ValueError, OSError):
    """The directory cannot hold a store; the text is one sentence for a person."""


def why(error: Exception) -> str:
    """What the system says of a failed read or write, as a part of a sentence."""
    text = getattr(error, "strerror", None) or str(error)
    return str(text).strip().rstrip(".") or type(error).__name__


def number(done: sqlite3.Cursor) -> int:
    """The number of the row that was inserted, 0 when none was."""
    return int(done.lastrowid or 0) if done.rowcount == 1 else 0


def connect(path: Path) -> sqlite3.Connection:
    """A connection in WAL mode for the calling thread. Raises :class:`StoreError` where WAL does not work."""
    try:
        db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        db.row_factory = sqlite3.Row
        mode = _patiently(lambda: db.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        db.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error as error:
        raise StoreError(f"{path.parent} cannot hold the runs ({error}): choose another directory.") from error
    if mode != "wal":
        db.close()
        raise StoreError(f"{path.parent} cannot hold a database in WAL mode: choose a directory on a local disk.")
    return db


def _patiently(switch: Callable[[], Any]) -> Any:
    """SQLite does not wait for the lock while it changes the journal mode; so this does."""
    for attempt in range(50):
        try:
            return switch()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == 49:
                raise
            time.sleep(0.02)
    return None


class Database:
    """The database in one directory, created when missing. Safe to use from several threads and processes.

    Raises :class:`StoreError` when the directory cannot hold it or a newer version of this package wrote it.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory).expanduser().resolve()
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{self.directory} cannot be made ({error.strerror}): choose another directory."
            ) from error
        self.path = self.directory / "runs.sqlite3"
        self._local = threading.local()
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"A newer version of ResNet Viz wrote {self.path}: update this one, or choose another directory."
            )
        if version < SCHEMA_VERSION:
            with self._write() as db:
                for statement in SCHEMA.split(";"):
                    db.execute(statement)
                known = {column["name"] for column in db.execute("PRAGMA table_info(runs)")}
                for name, kind in LATER_COLUMNS.items():
                    if name not in known:
                        db.execute(f"ALTER TABLE runs ADD COLUMN {name} {kind}")
                db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @property
    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = connect(self.path)
        return db

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.execute("COMMIT")  # fails on a full disk, and then the transaction is still open
        except BaseException:
            if db.in_transaction:  # some errors have ended it already
                db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the calling thread's connection; the next use opens it again."""
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is not None:
            self._local.db = None
            db.close()
