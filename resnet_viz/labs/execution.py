"""Executing a lab's run in the worker: from the queue to findings in the store, one event each."""

from __future__ import annotations

import contextlib
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from ..runs import Store
from ..runs.executor import ENDED, GONE, ROOM, heartbeat
from ..runs.rest import BEFORE_IT
from ..runs.versions import versions
from ..spec import sentence
from ..train.devices import Calculation, calculation, use
from .bench import Bench, Cancelled
from .lab import Finding, Lab
from .running import measured
from .stored import FINDING, PROGRESS, lab_of

if TYPE_CHECKING:
    from ..train.slots import Slots

POLL_SECONDS = 0.1
TELL_SECONDS = 0.5
"""Between two notes of what is computed now."""

log = logging.getLogger(__name__)


def execute(
    store: Store,
    run: str,
    *,
    slots: Slots | None = None,
    ending: threading.Event | None = None,
    active: Callable[[bool], None] | None = None,
    device: str | None = None,
) -> str:
    """Run a lab that this process has claimed until it is over; gives its last state. A pause is not obeyed.

    As :func:`resnet_viz.runs.executor.execute`: what goes wrong in the lab becomes the run's state and reason.
    """
    with heartbeat(store, run) as vanished:
        try:
            return _Execution(store, run, slots, ending or threading.Event(), vanished, device).go()
        except Exception as error:
            if isinstance(error, (sqlite3.Error, OSError)) and not store.path.exists():
                return "interrupted"
            log.exception("run %s failed", run)
            store.set_state(run, "failed", (sentence(error).strip() or type(error).__name__).splitlines()[0])
            return "failed"


class _Execution:
    """The loop of one run: findings of a thread that measures into the store, commands of the store to that thread."""

    def __init__(
        self,
        store: Store,
        run: str,
        slots: Slots | None,
        ending: threading.Event,
        vanished: threading.Event,
        device: str | None,
    ) -> None:
        self.store, self.run, self.ending, self.vanished = store, run, ending, vanished
        self.lab, self.seeds = lab_of(store.row(run))
        self.cancelled = threading.Event()
        self.bench = Bench(device or "auto", slots=slots, cancelled=self.cancelled.is_set, told=self._tell)
        self.found: queue.SimpleQueue[Finding | Exception | None] = queue.SimpleQueue()
        self.words, self.written, self.noted = "", "", 0.0
        self.reason = ""
        self.state = "finished"

    def go(self) -> str:
        """Measure until all repeats are done or somebody stops it, then write the last state."""
        self.store.set_header(self.run, header(self.lab, self.seeds, self.bench))
        settings = calculation(self.bench.device)
        try:
            count = self._measured(settings) if self._waited_for(settings) else 0
        finally:
            settings.rest()
        if self.vanished.is_set():
            return "interrupted"
        if self.state == "stopped":
            self.reason = self.reason or f"Stopped by hand after {count} findings."
        self.store.set_state(self.run, self.state, self.reason or None)
        return self.state

    def _waited_for(self, settings: Calculation) -> bool:
        """Wait until nobody computes in another precision; False where somebody ends the lab before that."""
        if not settings.again():
            self.store.set_state(self.run, "running", BEFORE_IT)
            while not settings.again():
                time.sleep(POLL_SECONDS)
                self._obey()
                if self.cancelled.is_set():
                    return False
            self.store.set_state(self.run, "running")
        return True

    def _measured(self, settings: Calculation) -> int:
        """Measure with these settings and write it down; gives the number of findings."""
        thread = threading.Thread(target=self._measure, name=f"lab {self.run}", daemon=True)
        with settings:
            thread.start()
            try:
                return self._write_all()
            finally:
                self.cancelled.set()
                thread.join()

    def _measure(self) -> None:
        use(self.bench.device)
        if self.bench.device.type == "cpu":
            torch.set_num_threads(1)  # the number belongs to each thread
        try:
            for finding in measured(self.lab, self.bench, self.seeds):
                self.found.put(finding)
            self.found.put(None)
        except Cancelled:
            self.found.put(None)
        except Exception as error:
            self.found.put(error)

    def _write_all(self) -> int:
        count = 0
        while True:
            self._obey()
            with contextlib.suppress(queue.Empty):
                finding = self.found.get(timeout=POLL_SECONDS)
                if finding is None:
                    return count
                if isinstance(finding, Exception):
                    raise finding
                if not self.store.add_event(self.run, FINDING, finding, step=count):
                    self.vanished.set()
                count += 1
            self._note()

    def _obey(self) -> None:
        for command in self.store.take_commands(self.run):
            if command.kind == "stop":
                self._end("stopped", ROOM if command.data.get("room") is True else "")
        if self.ending.is_set() or self.vanished.is_set():
            self._end("interrupted", GONE if self.vanished.is_set() else ENDED)

    def _end(self, state: str, reason: str) -> None:
        if not self.cancelled.is_set():
            self.state, self.reason = state, reason
            self.cancelled.set()

    def _tell(self, words: str) -> None:
        self.words = words

    def _note(self) -> None:
        if self.words != self.written and time.monotonic() - self.noted >= TELL_SECONDS:
            self.written, self.noted = self.words, time.monotonic()
            self.store.add_event(self.run, PROGRESS, {"words": self.written})


def header(lab: Lab, seeds: tuple[int, ...], bench: Bench) -> dict[str, object]:
    """A lab run's header: lab, repeats, whether it is the larger one, device, versions, start."""
    large = lab.large is not None and bench.large
    return {
        "lab": lab.slug, "seeds": list(seeds), "large": large, "device": bench.about(), "versions": versions(),
        "started": time.time(),
    }  # fmt: skip
