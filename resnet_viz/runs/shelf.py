"""Which checkpoints of which run lie beside the database: the table of checkpoints."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .database import KNOWN, number
from .workers import Workers

CHECKPOINTS = "checkpoints"
"""Directory beside the database, with one directory for each run."""


@dataclass(frozen=True)
class Kept:
    """A checkpoint of one contestant after ``step`` updates; ``file`` lies in the store's directory."""

    seq: int
    contestant: str
    step: int
    file: str
    bytes: int
    t: float


class Shelf(Workers):
    """The part of the store that belongs to checkpoints."""

    def keep(self, run: str, contestant: str, step: int, file: str, size: int, *, last: int) -> list[str]:
        """Enter a checkpoint that lies on the disk, and forget all but the ``last`` ones of that contestant.

        Gives the files that are no longer needed: the new one itself when the run was removed in the meantime.
        """
        with self._write() as db:
            done = db.execute(
                f"INSERT INTO checkpoints (run, contestant, step, file, bytes, t) SELECT ?, ?, ?, ?, ?, ? {KNOWN}",
                (run, contestant, step, file, size, time.time(), run),
            )
            if not number(done):
                return [file]
            known = self.kept(run, contestant)
            good, old = {kept.file for kept in known[:last]}, known[last:]
            db.executemany("DELETE FROM checkpoints WHERE seq = ?", [(kept.seq,) for kept in old])
        return [kept.file for kept in old if kept.file not in good]

    def kept(self, run: str, contestant: str) -> list[Kept]:
        """The checkpoints of a contestant, newest first."""
        sql = "SELECT * FROM checkpoints WHERE run = ? AND contestant = ? ORDER BY seq DESC"
        return [
            Kept(r["seq"], r["contestant"], r["step"], r["file"], r["bytes"], r["t"])
            for r in self._db.execute(sql, (run, contestant))
        ]

    def forget(self, kept: Kept) -> None:
        """Forget a checkpoint that cannot be used."""
        with self._write() as db:
            db.execute("DELETE FROM checkpoints WHERE seq = ?", (kept.seq,))
