"""The checkpoints of one run in a store: written in a thread of their own while the race goes on, read on resuming.

A checkpoint's row is written after its file is whole on the disk, and after all telemetry that came before it: at
whatever moment the process is killed, a row never points to half a file nor beyond what the store knows.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import sqlite3
import threading
import time
from pathlib import Path

from ..spec import Experiment
from ..train.checkpoints import Checkpoint, CheckpointError, Past, Place, digest_of, read, write
from ..train.race import Snapshot
from .store import CHECKPOINTS, Store

LAST = 2
"""Checkpoints kept for each contestant: should the newest be damaged, the one before is there."""

log = logging.getLogger(__name__)


class Keeper:
    """Writes the snapshots of one run; a full disk costs the checkpoint, never the run.

    ``trouble`` is the sentence about the last one that could not be written, None when it could.
    """

    def __init__(self, store: Store, run: str, experiment: Experiment, device: str) -> None:
        self.trouble: str | None = None
        self.engine = "eager"
        self._store, self._run, self._device = store, run, device
        self._digest = digest_of(store.row(run).experiment_json)
        self._folder = store.directory / CHECKPOINTS / run
        self._number = {name: str(i) for i, name in enumerate(experiment.contestants)}
        self._snapshots: queue.SimpleQueue[Snapshot | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"checkpoints {run}", daemon=True)
        self._thread.start()

    def keep(self, snapshot: Snapshot) -> None:
        """Write it soon; returns at once."""
        self._snapshots.put(snapshot)

    def close(self) -> None:
        """Wait until everything is written."""
        self._snapshots.put(None)
        self._thread.join()

    def _work(self) -> None:
        try:
            while (snapshot := self._snapshots.get()) is not None:
                begin = time.monotonic()
                try:
                    self._write(snapshot)
                    self.trouble = None
                except (OSError, sqlite3.Error) as error:
                    self.trouble = f"The newest checkpoint could not be written ({_why(error)})."
                    log.warning("run %s: %s", self._run, self.trouble)
                finally:
                    snapshot.done(time.monotonic() - begin)
        finally:
            self._store.close()

    def _write(self, snapshot: Snapshot) -> None:
        place = Place(
            run=self._run,
            contestant=snapshot.contestant,
            experiment=self._digest,
            engine=self.engine,
            device=self._device,
            step=snapshot.step,
            computed=snapshot.computed,
            changes=snapshot.changes,
            evals=snapshot.evals,
        )
        for folder in (self._folder.parent, self._folder):
            folder.mkdir(exist_ok=True)  # never the store's own directory: somebody has removed that
        number = self._number[snapshot.contestant]
        name = f"{number}-{snapshot.step}{'c' if snapshot.computed else ''}.safetensors"
        size = write(Checkpoint(place, snapshot.tensors), self._folder / name)
        file = f"{CHECKPOINTS}/{self._run}/{name}"
        for old in self._store.keep(self._run, snapshot.contestant, snapshot.step, file, size, last=LAST):
            with contextlib.suppress(OSError):
                (self._store.directory / old).unlink(missing_ok=True)


def _why(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return str(text).strip().rstrip(".") or type(error).__name__


def past_of(store: Store, run: str, experiment: Experiment) -> tuple[Past, list[str]]:
    """Where the run goes on, and a sentence for each checkpoint that could not be used.

    A contestant whose checkpoints are all unusable begins anew: the seed gives the same weights and batches.
    """
    digest = digest_of(store.row(run).experiment_json)
    found: dict[str, Checkpoint] = {}
    notes = []
    for name in experiment.contestants:
        for kept in store.kept(run, name):
            try:
                found[name] = _usable(store.directory / kept.file, run, name, digest)
                break
            except CheckpointError as error:
                notes.append(f"The checkpoint of {name} after step {kept.step} {error}.")
                if error.lasting:
                    store.forget(kept)
    _tidy(store, run, experiment)
    changes = tuple((event.step, float(event.data["value"])) for event in store.events(run, kind="lr")
                    if event.step is not None)  # fmt: skip
    changes = max(changes, *(c.place.changes for c in found.values()), key=len) if found else changes
    paces = store.events(run, kind="pace")
    pace = float(paces[-1].data["value"]) if paces else None
    return Past(found, changes, pace, max(store.rows_written(run).values(), default=0)), notes


def _usable(path: Path, run: str, contestant: str, digest: str) -> Checkpoint:
    found = read(path)
    place = found.place
    if (place.run, place.contestant, place.experiment) != (run, contestant, digest):
        raise CheckpointError("belongs to another run")
    return found


def catch_up(store: Store, run: str, past: Past) -> None:
    """Write events that a checkpoint knows and the store does not: the process was killed between the two."""
    for step, value in past.changes[len(store.events(run, kind="lr")) :]:
        store.add_event(run, "lr", {"value": value}, step=step)
    told = {(event.contestant, event.step) for event in store.events(run, kind="eval")}
    for name in past.checkpoints:
        for step, epoch, train, test in past.evals(name):
            if (name, step) not in told:
                data = {"epoch": epoch, "train_error": train, "test_error": test}
                store.add_event(run, "eval", data, contestant=name, step=step)


def _tidy(store: Store, run: str, experiment: Experiment) -> None:
    """Remove what a killed process left: half-written files, and whole ones that it had no time to enter."""
    known = {kept.file for name in experiment.contestants for kept in store.kept(run, name)}
    folder = store.directory / CHECKPOINTS / run
    with contextlib.suppress(OSError):
        for path in folder.glob("*.safetensors*"):
            if f"{CHECKPOINTS}/{run}/{path.name}" not in known:
                path.unlink(missing_ok=True)
