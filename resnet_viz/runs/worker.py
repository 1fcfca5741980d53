"""The worker process: ``python -m resnet_viz.runs.worker --store DIRECTORY``.

It takes queued runs in their turn and answers estimates. The runs of up to four visitors go at a time and share the
device in slices of about a second; of each visitor one run goes. A run that is paused gives its place to the next one,
and when it goes on beside others it takes turns with them. The process ends when it
has had nothing to do for ten minutes, when the store's directory vanishes, or when it is asked to (SIGTERM): then
the runs that it has in hand are marked as interrupted, at the latest after a few seconds.

Runs that are no experiment have executors of their own. They live in layers above this one; so ``--tasks`` names the
module that has them, as ``EXECUTORS`` by kind.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from .database import why
from .liveness import LIVE_STATES, alive, process_identity
from .rota import Rota
from .store import Store

if TYPE_CHECKING:
    from ..train.slots import Slots

IDLE_SECONDS = 600.0
POLL_SECONDS = 0.05
BEAT_SECONDS = 1.0
MAX_IN_HAND = 8
"""Paused runs keep their networks in memory; with so many, the oldest is stopped when another one is queued."""
BUSY_PATIENCE = 5.0
"""Seconds after which an estimate is measured although a run is going."""
GRACE_SECONDS = 3.0
"""What is in hand when the worker is to end has that long to come to its end by itself."""
TROUBLE_SECONDS = 1.0
"""Pause after the store could not be read or written."""

log = logging.getLogger(__name__)


class Worker:
    """The only worker of a store; :meth:`serve` is its whole life."""

    def __init__(self, store: Store, *, idle: float = IDLE_SECONDS, tasks: str | None = None) -> None:
        self.store = store
        self.idle = idle
        self.tasks = tasks
        self.identity = process_identity()
        self.ending = threading.Event()
        self._in_hand: dict[str, threading.Thread] = {}
        self._going = Rota()
        self._making_room: set[str] = set()
        self._over: dict[str, tuple[str, str]] = {}
        self._measuring: threading.Thread | None = None
        self._measured: str | None = None
        self._slots: Slots | None = None

    def serve(self) -> None:
        """Work until there is nothing more to do; returns at once when the store has a worker already.

        Threads may still compute afterwards what cannot be interrupted: a process of its own is left with ``os._exit``.
        """
        if not self.store.worker_joins(*self.identity, alive):
            return
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        try:
            self._warm_up()
            self._work()
        finally:
            self._leave()

    def _leave(self) -> None:
        self.ending.set()
        end = time.monotonic() + GRACE_SECONDS
        threads = [*self._in_hand.values(), *filter(None, [self._measuring])]
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        with contextlib.suppress(sqlite3.Error, OSError):
            if not self.store.path.exists():
                return
            from .executor import ENDED

            for run, thread in self._in_hand.items():
                if thread.is_alive():
                    self.store.set_state(run, "interrupted", ENDED)
            self._settle()
            if self._measured is not None:
                self.store.release_estimate(self._measured)
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
            try:
                self._settle()
                self._in_hand = {run: thread for run, thread in self._in_hand.items() if thread.is_alive()}
                if self._start_next() or self._in_hand or self._is_measuring():
                    last = time.monotonic()
                if not self.store.open_estimates():
                    waiting_since = None
                elif not self._is_measuring():
                    waiting_since = waiting_since or time.monotonic()
                    if not self._going or time.monotonic() - waiting_since > BUSY_PATIENCE:
                        self._measure_next()
                        waiting_since = None
                if time.monotonic() - last > self.idle and self.store.worker_leaves(*self.identity):
                    return
            except sqlite3.Error:
                log.exception("the store could not be used")
                self.ending.wait(TROUBLE_SECONDS)

    def _settle(self) -> None:
        """Give each run whose thread is over a last state, if its thread could not write one."""
        for run, (state, reason) in list(self._over.items()):
            with contextlib.suppress(KeyError):
                if self.store.row(run).state in LIVE_STATES:
                    self.store.set_state(run, state, reason)
            del self._over[run]

    def _start_next(self) -> bool:
        ready = list(self._going.may_begin(self.store.waiting()))
        if ready and len(self._in_hand) - len(self._going) >= MAX_IN_HAND:
            self._make_room()
            return False
        for run in ready:
            if self.store.claim(run, *self.identity):
                self._over.pop(run, None)  # it was here before, and was resumed
                self._going.begin(run)
                thread = threading.Thread(target=self._execute, args=(run,), name=f"run {run}", daemon=True)
                self._in_hand[run] = thread
                thread.start()
                return True
        return False

    def _make_room(self) -> None:
        """Stop the oldest paused run; the next one only when that has ended."""
        self._making_room &= set(self._in_hand)
        if not self._making_room:
            oldest = next(run for run in self._in_hand if run not in self._going)  # in the order in which they came
            self.store.command(oldest, "stop", room=True)
            self._making_room.add(oldest)

    def _executor(self, run: str) -> Callable[..., Any] | None:
        """Who does that run, or None for a task that nobody here can do."""
        task = self.store.row(run).task
        if task is None:
            from .executor import execute

            return execute
        known: dict[str, Callable[..., Any]] = import_module(self.tasks).EXECUTORS if self.tasks else {}
        return known.get(str(task.get("kind")))

    def _execute(self, run: str) -> None:
        from .executor import unwritten

        def active(going: bool) -> None:
            if going:
                self._going.begin(run)
            else:
                self._going.rest(run)

        end = ("failed", "It ended without a word.")
        try:
            slots = self._going.turn(run, self._slots) if self._slots and run in self._going else None
            execute = self._executor(run)
            if execute is None:
                end = ("failed", "This version of ResNet Viz cannot do what was asked for.")
            else:
                execute(self.store, run, slots=slots, ending=self.ending, active=active, device=self._going.device(run))
        except Exception as error:
            log.exception("run %s", run)
            end = ("interrupted", unwritten(error))
        finally:
            self._over[run] = end
            self._going.over(run)
            self.store.close()

    def _is_measuring(self) -> bool:
        return self._measuring is not None and self._measuring.is_alive()

    def _measure_next(self) -> None:
        """Answer one question in a thread of its own, so that runs are started and stopped meanwhile."""
        asked = self.store.take_estimate(*self.identity)
        if asked is not None:
            self._measured = asked[0]
            self._measuring = threading.Thread(target=self._measure, args=asked, name="measuring", daemon=True)
            self._measuring.start()

    def _measure(self, key: str, text: str) -> None:
        from ..spec import Experiment, sentence
        from ..train.estimates import estimate

        try:
            result = estimate(Experiment.model_validate_json(text), slots=self._slots)
        except Exception as error:
            log.exception("estimate %s", key)
            result = {"error": (sentence(error).strip() or type(error).__name__).splitlines()[0]}
        while not self.ending.is_set():
            try:
                self.store.answer_estimate(key, result)
                self._measured = None
                break
            except sqlite3.Error:
                log.exception("estimate %s could not be answered", key)
                self.ending.wait(TROUBLE_SECONDS)
        self.store.close()

    def _beat(self) -> None:
        while not self.ending.wait(BEAT_SECONDS):
            if not self.store.path.exists():
                return
            with contextlib.suppress(sqlite3.Error, OSError):
                self.store.worker_beat(*self.identity)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Parse the command line, take SIGTERM and SIGINT as the wish to end, serve, and end the process."""
    parser = argparse.ArgumentParser(
        prog="python -m resnet_viz.runs.worker", description="Train what waits in a store."
    )
    parser.add_argument("--store", type=Path, required=True, help="directory of the runs")
    parser.add_argument("--idle", type=float, default=IDLE_SECONDS, help="seconds without work after which it ends")
    parser.add_argument("--tasks", help="module with the executors of runs that are no experiment")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    try:
        worker = Worker(Store(options.store), idle=options.idle, tasks=options.tasks)
        for wish in (signal.SIGTERM, signal.SIGINT):
            signal.signal(wish, lambda number, frame: worker.ending.set())
        worker.serve()
    except (sqlite3.Error, OSError) as error:
        sys.exit(f"The runs in {options.store} cannot be read or written ({why(error)}).")
    # Nothing is left to write, and a thread inside an operation of torch makes an orderly exit abort.
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    main()
