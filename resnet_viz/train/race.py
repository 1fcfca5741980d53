"""A race: every contestant in a thread of its own, side by side, on the same batches from the same start."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..spec import Experiment, sentence
from .checkpoints import EvalRow, Past
from .control import Control
from .devices import choose, slots_for
from .engine import on_device
from .engines import build_engines, choose_engine
from .selection import data_of
from .slots import Slots

FLUSH = 0.1
"""Seconds between two copies of a ring to the host: ten frames a second are what a live picture shows."""
KEEP_SECONDS = 5.0
"""Seconds between two checkpoints of a contestant: what a kill costs at most, besides what one costs to write."""
KEEP_SECONDS_EVALUATED = 1.0
"""The same where the contestant has just been evaluated."""
KEEP_SHARE = 0.01
"""Checkpoints take at most this share of the time: a large network has them more seldom."""


@dataclass(frozen=True, eq=False)
class Rows:
    """New telemetry: float32 [steps, signals] from step ``first``."""

    contestant: str
    first: int
    values: NDArray[np.float32]


@dataclass(frozen=True)
class Evaluated:
    """Errors on the whole sets after ``step`` updates, as fractions."""

    contestant: str
    step: int
    epoch: int
    train_error: float
    test_error: float


@dataclass(frozen=True)
class Failed:
    """The contestant cannot go on; ``reason`` is one sentence."""

    contestant: str
    reason: str


@dataclass(frozen=True)
class Ended:
    """The contestant's thread is over."""

    contestant: str


@dataclass(eq=False)
class Snapshot:
    """The contestant's whole state after ``step`` updates, and with ``computed`` the row of ``step``.

    All rows and evaluations up to there were sent before. ``tensors`` as :mod:`~resnet_viz.train.state` names them.
    Who writes it down says so with :meth:`done`; until then the contestant takes no other.
    """

    contestant: str
    step: int
    computed: bool
    tensors: dict[str, torch.Tensor]
    changes: tuple[tuple[int, float], ...]
    evals: tuple[EvalRow, ...]
    seconds: float = 0.0
    waiting: bool = True

    def done(self, seconds: float) -> None:
        """It is written, or cannot be, after so many seconds of work."""
        self.seconds += seconds
        self.tensors = {}
        self.waiting = False


Message = Rows | Evaluated | Snapshot | Failed | Ended


class Race:
    """All contestants of an experiment. ``layers`` gives each one's measured paths in forward order.

    :meth:`start` returns at once; telemetry comes through :attr:`messages` until each contestant has sent
    :class:`Ended`; :attr:`control` steers. A row or gradient that is not finite ends the whole race, since
    nothing is compared any more. The caller holds :func:`~resnet_viz.train.devices.calculation` meanwhile. With
    ``past`` each contestant goes on from its checkpoint, to the same bits as without the interruption on a CPU.
    ``engine`` as :func:`~resnet_viz.train.engines.choose_engine` takes it; :attr:`choice` says what it became.
    Raises ``SpecError`` when a network cannot be built or the device is not there, ``CheckpointError`` when a
    checkpoint belongs to another network.
    """

    def __init__(
        self,
        experiment: Experiment,
        layers: Mapping[str, Sequence[str]],
        *,
        slots: Slots | None = None,
        past: Past | None = None,
        engine: str = "auto",
    ) -> None:
        recipe = experiment.recipe
        self.device = choose(recipe.device, recipe.precision)
        self.past = past or Past()
        self.control = Control(experiment.contestants, recipe, experiment.steps, self.past)
        self.messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._slots = slots or slots_for(self.device)
        self._epoch, self._every = experiment.steps_per_epoch, recipe.evaluate_every
        data = on_device(data_of(experiment), self.device)
        choice = choose_engine(engine, experiment, self.device)
        self.engines, self.choice = build_engines(choice, experiment, data, layers, self.device, self.past)
        self._threads = [
            threading.Thread(target=self._run, args=(name,), name=f"contestant {name}", daemon=True)
            for name in experiment.contestants
        ]

    def start(self) -> None:
        """Let the contestants go."""
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait until all contestants have ended."""
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _run(self, name: str) -> None:
        try:
            with self.engines[name].on_stream():
                if self.device.type == "cpu":
                    torch.set_num_threads(1)  # the number belongs to each thread
                _Contestant(name, self).run()
        except Exception as error:
            logging.getLogger(__name__).exception("%s failed", name)
            self.messages.put(Failed(name, f"{name} stopped: {_first_line(error)}"))
            self.control.stop()
        finally:
            self.control.end(name)
            self.messages.put(Ended(name))


class _Contestant:
    """The loop of one thread."""

    def __init__(self, name: str, race: Race) -> None:
        self.name = name
        self.engine = race.engines[name]
        self.control = race.control
        self.slots = race._slots
        self.epoch = race._epoch
        self.period = race._epoch * race._every
        self.put = race.messages.put
        self.flushed = -FLUSH
        self.begin = race.past.begin(name)
        self.evals = list(race.past.evals(name))
        self.rate = 0.0
        self.failed = False
        self.snapshot: Snapshot | None = None
        self.kept = time.monotonic()
        self.place = self.begin

    def run(self) -> None:
        first, computed = self.begin
        steps = self.control.steps
        for step in range(first, steps):
            if computed and step == first:
                self.rate = self.control.begin(self.name, step)
            elif not self._compute(step):
                return
            if not self._turn(step):
                self._keep(step, computed=True)
                return
            with self.slots:
                self.engine.update(self.rate)
            ends = (step + 1) % self.period == 0 or (step + 1 == steps and steps % self.epoch == 0)
            if ends and not self._evaluate(step + 1):
                return
            if self._keep_is_due(KEEP_SECONDS_EVALUATED if ends else KEEP_SECONDS):
                self._keep(step + 1, computed=False)
        self._keep(steps, computed=False)

    def _compute(self, step: int) -> bool:
        with self.slots:
            self.rate = self.control.begin(self.name, step)
            self.engine.compute(step, self.rate)
        return self._flush_if_due() and (step > 0 or self._evaluate(0))

    def _turn(self, step: int) -> bool:
        """Wait for the turn; False when the race is over for this contestant. What a pause holds is kept, once."""
        kept = self.place == (step, True)
        while True:
            due = self.flushed + FLUSH - time.monotonic() if self.engine.probe.waiting else np.inf
            writing = self.snapshot is not None and self.snapshot.waiting
            if writing and not kept:
                due = min(due, FLUSH)
            go = self.control.turn(self.name, step, due, tell_pause=not kept and not writing)
            if go is not None:
                return go
            if not self._flush():
                return False
            if not kept and not writing and self.control.holds(step):
                self._keep(step, computed=True)
                kept = True

    def _keep_is_due(self, seconds: float) -> bool:
        last = self.snapshot
        if last is None:
            return time.monotonic() - self.kept >= seconds
        return not last.waiting and time.monotonic() - self.kept >= max(seconds, last.seconds / KEEP_SHARE)

    def _keep(self, step: int, *, computed: bool) -> None:
        """Send the whole state, unless it was sent from here or the contestant has failed."""
        if self.failed or self.place == (step, computed) or not self._flush():
            return
        begin = time.monotonic()
        with self.slots:
            tensors = self.engine.state(computed=computed)
        self.kept, self.place = time.monotonic(), (step, computed)
        self.snapshot = Snapshot(
            self.name, step, computed, tensors, self.control.changes, tuple(self.evals), seconds=self.kept - begin
        )
        self.put(self.snapshot)

    def _evaluate(self, step: int) -> bool:
        """False when the telemetry up to here shows that the contestant has failed."""
        if not self._flush():
            return False
        with self.slots:
            train, test = self.engine.evaluate()
        self.evals.append((step, step // self.epoch, train, test))
        self.put(Evaluated(self.name, step, step // self.epoch, train, test))
        return True

    def _flush_if_due(self) -> bool:
        probe = self.engine.probe
        due = time.monotonic() - self.flushed >= FLUSH or probe.waiting == probe.capacity
        return self._flush() if due else True

    def _flush(self) -> bool:
        """Send the rows that wait; False when one of them is not finite, and then no row after it."""
        if not self.engine.probe.waiting:
            return True
        first, values = self.engine.probe.take()
        self.flushed = time.monotonic()
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if not len(bad):
            self.put(Rows(self.name, first, values))
            return True
        row = int(bad[0])
        self.put(Rows(self.name, first, values[: row + 1]))
        self.failed = True
        self.put(Failed(self.name, not_finite(self.name, first + row, self.engine.probe.signals, values[row])))
        self.control.stop()
        return False


def not_finite(contestant: str, step: int, signals: Sequence[str], row: NDArray[np.float32]) -> str:
    """The sentence for a row with a value that is not finite: contestant, step, first layer in forward order, rate."""
    bad = [name for name, value in zip(signals, row, strict=True) if not np.isfinite(value)]
    layers = [name.partition("/")[2] for name in bad if name.startswith("grad_norm/")]
    loss, rate = row[signals.index("loss")], row[signals.index("lr")]
    what = f"the loss is {loss}" if "loss" in bad else "the loss is still finite"
    if layers:
        count = f", the first of {len(layers)} such layers" if len(layers) > 1 else ""
        what += f" and the gradient of {layers[0]} is not{' finite' if 'loss' in bad else ''}{count}"
    elif bad != ["loss"]:
        what += f" and {bad[-1]} is not"
    return f"{contestant} failed at step {step}: {what}; try a learning rate below {rate:g}."


def _first_line(error: Exception) -> str:
    if isinstance(error, torch.OutOfMemoryError):
        return "the device has not enough memory; use a smaller batch or a smaller network."
    return (sentence(error).strip() or type(error).__name__).splitlines()[0]
