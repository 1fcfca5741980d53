"""The worker process: ``python -m resnet_viz.runs.worker --store DIRECTORY``.

It takes queued runs in their order and answers estimates. One run goes at a time; a run that is paused gives its
place to the next one, and when it goes on beside another both share the cores step by step. The process ends when it
has had nothing to do for ten minutes, when the store's directory vanishes, or when it is asked to (SIGTERM): then
the runs that it has in hand are marked as interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .liveness import alive, process_identity
from .store import Store

if TYPE_CHECKING:
    from ..train.slots import Slots

IDLE_SECONDS = 600.0
POLL_SECONDS = 0.05
BEAT_SECONDS = 1.0
MAX_IN_HAND = 8
"""Paused runs keep their networks in memory; with so many, the next one waits in the queue."""
BUSY_PATIENCE = 5.0
"""Seconds after which an estimate is measured although a run is going."""

log = logging.getLogger(__name__)


class Worker:
    """The only worker of a store; :meth:`serve` is its whole life."""

    def __init__(self, store: Store, *, idle: float = IDLE_SECONDS) -> None:
        self.store = store
        self.idle = idle
        self.identity = process_identity()
        self.ending = threading.Event()
        self._in_hand: dict[str, threading.Thread] = {}
        self._going: set[str] = set()
        self._slots: Slots | None = None

    def serve(self) -> None:
        """Work until there is nothing more to do; returns at once when the store has a worker already."""
        if not self.store.worker_joins(*self.identity, alive):
            return
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        try:
            self._warm_up()
            self._work()
        finally:
            self.ending.set()
            for thread in list(self._in_hand.values()):
                thread.join()
            with contextlib.suppress(sqlite3.Error, OSError):
                self.store.worker_gone(*self.identity)

    def _warm_up(self) -> None:
        """Import torch and take one small step, so that the first run starts at once."""
        from ..spec import Experiment, preset
        from ..train.devices import choose, slots_for
        from ..train.estimates import estimate

        self._slots = slots_for(choose("auto"))
        estimate(Experiment(contestants={"warm-up": preset("tiny_resnet8")}), slots=self._slots)

    def _work(self) -> None:
        last = time.monotonic()
        waiting_since: float | None = None
        while not self.ending.wait(POLL_SECONDS):
            if not self.store.path.exists():
                log.warning("the store has vanished")
                return
            self._in_hand = {run: thread for run, thread in self._in_hand.items() if thread.is_alive()}
            if self._start_next() or self._in_hand:
                last = time.monotonic()
            if self.store.open_estimates():
                waiting_since = waiting_since or time.monotonic()
                if not self._going or time.monotonic() - waiting_since > BUSY_PATIENCE:
                    self._estimate()
                    last, waiting_since = time.monotonic(), None
            if time.monotonic() - last > self.idle and self.store.worker_leaves(*self.identity):
                return

    def _start_next(self) -> bool:
        if self._going or len(self._in_hand) >= MAX_IN_HAND:
            return False
        for run in self.store.queued():
            if self.store.claim(run, *self.identity):
                self._going.add(run)
                thread = threading.Thread(target=self._execute, args=(run,), name=f"run {run}")
                self._in_hand[run] = thread
                thread.start()
                return True
        return False

    def _execute(self, run: str) -> None:
        from .executor import execute

        def active(going: bool) -> None:
            if going:
                self._going.add(run)
            else:
                self._going.discard(run)

        try:
            execute(self.store, run, slots=self._slots, ending=self.ending, active=active)
        except Exception:
            log.exception("run %s", run)
        finally:
            self._going.discard(run)
            self.store.close()

    def _estimate(self) -> None:
        from ..spec import Experiment, sentence
        from ..train.estimates import estimate

        asked = self.store.take_estimate()
        if asked is None:
            return
        key, text = asked
        try:
            result = estimate(Experiment.model_validate_json(text), slots=self._slots)
        except Exception as error:
            log.exception("estimate %s", key)
            result = {"error": (sentence(error).strip() or type(error).__name__).splitlines()[0]}
        self.store.answer_estimate(key, result)

    def _beat(self) -> None:
        while not self.ending.wait(BEAT_SECONDS):
            if not self.store.path.exists():
                return
            with contextlib.suppress(sqlite3.Error, OSError):
                self.store.worker_beat(*self.identity)


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, take SIGTERM and SIGINT as the wish to end, and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m resnet_viz.runs.worker", description="Train what waits in a store."
    )
    parser.add_argument("--store", type=Path, required=True, help="directory of the runs")
    parser.add_argument("--idle", type=float, default=IDLE_SECONDS, help="seconds without work after which it ends")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    worker = Worker(Store(options.store), idle=options.idle)
    for wish in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wish, lambda number, frame: worker.ending.set())
    worker.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
