"""Who works for a store, and what they are asked to measure: the tables of workers and of estimates."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .database import Database
from .liveness import alive

if TYPE_CHECKING:
    from resnet_viz.spec import Experiment

BROKEN_ESTIMATE_SECONDS = 60.0
"""A question that was answered with an error may be asked again after that long: memory may be free by then."""
KEPT_ESTIMATE_SECONDS = 3600.0
FATAL = {"error": "Measuring ended the worker; use a smaller network or batch."}


class Workers(Database):
    """The part of the store that belongs to workers."""

    def worker_joins(self, pid: int, started: float, alive: Callable[[int, float], bool]) -> bool:
        """Become the store's only worker; False when there is one that is ``alive``. Dead ones are forgotten."""
        with self._write() as db:
            for row in db.execute("SELECT pid, started FROM workers").fetchall():
                if alive(row["pid"], row["started"]):
                    return False
                db.execute("DELETE FROM workers WHERE pid = ? AND started = ?", (row["pid"], row["started"]))
            db.execute("INSERT INTO workers VALUES (?, ?, ?)", (pid, started, time.time()))
        return True

    def worker_beat(self, pid: int, started: float) -> None:
        """Say that a worker process is alive (also while it has nothing to do)."""
        with self._write() as db:
            db.execute("UPDATE workers SET heartbeat = ? WHERE pid = ? AND started = ?", (time.time(), pid, started))

    def worker_leaves(self, pid: int, started: float) -> bool:
        """Take leave unless something waits for a worker; so nothing is ever left to one that has just gone."""
        with self._write() as db:
            waiting = self.work_waits()
            if not waiting:
                db.execute("DELETE FROM workers WHERE pid = ? AND started = ?", (pid, started))
        return not waiting

    def work_waits(self) -> bool:
        """True when a run is queued or a question is open: then the store needs a worker."""
        return bool(
            self._db.execute(
                "SELECT EXISTS (SELECT 1 FROM runs WHERE state = 'queued' AND deleted IS NULL)"
                " OR EXISTS (SELECT 1 FROM estimates WHERE result IS NULL)"
            ).fetchone()[0]
        )

    def worker_gone(self, pid: int, started: float) -> None:
        """A worker ends, whatever waits."""
        with self._write() as db:
            db.execute("DELETE FROM workers WHERE pid = ? AND started = ?", (pid, started))

    def workers(self) -> list[tuple[int, float, float]]:
        """(process id, its start time, last heartbeat) of each worker that did not take its leave."""
        return [tuple(r) for r in self._db.execute("SELECT pid, started, heartbeat FROM workers")]

    def ask_estimate(self, key: str, experiment: Experiment, *, kept: float = KEPT_ESTIMATE_SECONDS) -> None:
        """Ask a worker what the experiment takes on this machine; a known answer stays for ``kept`` seconds.

        That the question ended a worker stays known for an hour, another error for a minute.
        """
        now = time.time()
        with self._write() as db:
            found = db.execute("SELECT asked, result FROM estimates WHERE key = ?", (key,)).fetchone()
            if found is not None:
                age, answer = now - found["asked"], self.estimate(key)
                broken = answer is not None and answer != FATAL and not answer.get("contestants")
                measured = answer is not None and "contestants" in answer
                if age < (BROKEN_ESTIMATE_SECONDS if broken else kept if measured else KEPT_ESTIMATE_SECONDS):
                    return
            db.execute("DELETE FROM estimates WHERE asked < ?", (now - KEPT_ESTIMATE_SECONDS,))
            db.execute(
                "INSERT OR REPLACE INTO estimates (key, experiment, asked) VALUES (?, ?, ?)",
                (key, experiment.model_dump_json(), now),
            )

    def take_estimate(self, pid: int, started: float) -> tuple[str, str] | None:
        """(key, experiment JSON) of the newest question that nobody has begun to answer; this process has now.

        So a question that kills the worker (too little memory, say) does not kill the next one as well.
        """
        begun = json.dumps({"measuring": [pid, started]})
        with self._write() as db:
            row = db.execute(
                "SELECT key, experiment FROM estimates WHERE result IS NULL ORDER BY asked DESC LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            db.execute("UPDATE estimates SET result = ? WHERE key = ?", (begun, row["key"]))
        return row["key"], row["experiment"]

    def release_estimate(self, key: str) -> None:
        """Give a question back that was taken and will not be answered, through no fault of its own."""
        with self._write() as db:
            db.execute("UPDATE estimates SET result = NULL WHERE key = ?", (key,))

    def open_estimates(self) -> list[tuple[str, str]]:
        """(key, experiment JSON) of what was asked and not yet begun, newest first."""
        rows = self._db.execute("SELECT key, experiment FROM estimates WHERE result IS NULL ORDER BY asked DESC")
        return [tuple(r) for r in rows]

    def answer_estimate(self, key: str, result: dict[str, Any]) -> None:
        """Answer :meth:`ask_estimate`."""
        with self._write() as db:
            db.execute("UPDATE estimates SET result = ? WHERE key = ?", (json.dumps(result), key))

    def estimate(self, key: str) -> dict[str, Any] | None:
        """The answer, or None while there is none; an error when the process that measured it is gone."""
        row = self._db.execute("SELECT result FROM estimates WHERE key = ?", (key,)).fetchone()
        result: dict[str, Any] | None = json.loads(row["result"]) if row and row["result"] else None
        if result is None or "measuring" not in result:
            return result
        owner = result["measuring"]
        return None if isinstance(owner, list) and alive(*owner) else dict(FATAL)
