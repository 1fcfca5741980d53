"""A race: every contestant in a thread of its own, side by side, on the same batches from the same start."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..data import load
from ..spec import Experiment, SpecError, sentence
from .changes import Change
from .changes import Kind as Changed
from .checkpoints import EvalRow, Past
from .control import Control
from .devices import choose, slots_for
from .engines import build_engines, choose_engine
from .requests import Kind, answer
from .seeds import members
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
    spread: tuple[float, float, float, float] | None = None
    """Of several seeds: least and greatest train error, least and greatest test error; the errors are medians."""


@dataclass(frozen=True)
class Asked:
    """What somebody asked to be measured, at the row of ``step``: the data of one event of that kind."""

    contestant: str
    step: int
    kind: Kind
    data: dict[str, Any]


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
    changes: tuple[Change, ...]
    evals: tuple[EvalRow, ...]
    seconds: float = 0.0
    waiting: bool = True

    def done(self, seconds: float) -> None:
        """It is written, or cannot be, after so many seconds of work."""
        self.seconds += seconds
        self.tensors = {}
        self.waiting = False


Message = Rows | Evaluated | Asked | Snapshot | Failed | Ended


class Race:
    """All contestants of an experiment, each with all its seeds (:func:`~resnet_viz.train.seeds.members`).

    ``layers`` gives each contestant's measured paths in forward order.

    :meth:`start` returns at once; telemetry comes through :attr:`messages` until each contestant has sent
    :class:`Ended`; :attr:`control` steers all seeds alike, and what is asked for the first of each contestant answers.
    A row or gradient that is not finite ends the whole race, since nothing is compared any more. The caller holds
    :func:`~resnet_viz.train.devices.calculation` meanwhile. With ``past`` each contestant goes on from its checkpoint,
    to the same bits as without the interruption on a CPU. ``device``: which one, where the recipe's kind has several.
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
        device: torch.device | None = None,
    ) -> None:
        recipe = experiment.recipe
        self.device = choose(str(device or recipe.device), recipe.precision)
        self.past = past or Past()
        keys = [member.key for member in members(experiment)]
        first = {member.contestant: member.key for member in reversed(members(experiment))}
        self.control = Control(keys, recipe, experiment.steps, self.past, answering=first.values())
        self.messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._slots = slots or slots_for(self.device)
        self._epoch, self._every = experiment.steps_per_epoch, recipe.evaluate_every
        data = load(experiment.dataset)
        choice = choose_engine(engine, experiment, self.device)
        self.engines, self.choice = build_engines(choice, experiment, data, layers, self.device, self.past)
        self._threads = [
            threading.Thread(target=self._run, args=(name,), name=f"contestant {name}", daemon=True) for name in keys
        ]

    def start(self) -> None:
        """Let the contestants go."""
        for thread in self._threads:
            thread.start()

    def change(
        self, kind: Changed, value: float, contestant: str | None = None, block: str | None = None
    ) -> Change | None:
        """Change something by hand: see :meth:`~resnet_viz.train.control.Control.change`.

        Raises ``ValueError`` for a value out of bounds, and ``SpecError`` for a shortcut that there is not.
        """
        if kind in ("alpha", "drop_path") and not any(len(engine.shortcuts) for engine in self.engines.values()):
            raise SpecError("No contestant has a shortcut.")
        if kind == "shortcut":
            # One of several seeds stands for all: "plain/seed 4".
            found = [engine for key, engine in self.engines.items() if key.partition("/")[0] == contestant]
            if not found:
                raise SpecError(f"No contestant is called {str(contestant)[:80]!r}.")
            if block not in found[0].shortcuts:
                raise SpecError(f"{contestant} has no shortcut at {str(block)[:80]!r}.")
        return self.control.change(kind, value, contestant, block)

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
        self.changed = len(race.past.settled(name))
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
            changes = self.control.changes_until(self.name, step)
            for change in changes[self.changed :]:
                self.engine.steer(change)
            self.changed = len(changes)
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
            self._answer(step)
            if not kept and not writing and self.control.holds(step):
                self._keep(step, computed=True)
                kept = True

    def _answer(self, step: int) -> None:
        """Measure what was asked for. What cannot be measured costs its answer, never the contestant."""
        while (request := self.control.asked(self.name, step)) is not None:
            try:
                found = answer(request, self.engine, step, self.slots, lambda: not self.control.stopped)
            except RuntimeError as error:  # not enough memory, above all
                logging.getLogger(__name__).warning("%s: %s", self.name, error)
                found = [{"problem": _first_line(error)}]
            for data in found:
                self.put(Asked(self.name, step, request.kind, data))

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
        # What a plan adds has gaps, and says nothing that the gradients do not.
        always = self.engine.probe.always
        bad = np.flatnonzero(~np.isfinite(values[:, :always]).all(axis=1))
        if not len(bad):
            self.put(Rows(self.name, first, values))
            return True
        row = int(bad[0])
        self.put(Rows(self.name, first, values[: row + 1]))
        self.failed = True
        self.put(Failed(self.name, self._not_finite(first + row, values[row, :always])))
        self.control.stop()
        return False

    def _not_finite(self, step: int, row: NDArray[np.float32]) -> str:
        return not_finite(self.name, step, self.engine.probe.signals[: len(row)], row)


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
