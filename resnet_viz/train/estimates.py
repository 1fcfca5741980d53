"""What an experiment takes on this machine, from a few timed steps side by side."""

from __future__ import annotations

import math
import statistics
import threading
import time
from typing import Any

import torch

from ..spec import Experiment
from .cards import cards, measured_paths
from .devices import calculation, choose, device_name, slots_for
from .engine import EagerEngine, on_device
from .engines import build_engines, choose_engine
from .limits import check_measuring, check_memory
from .selection import data_of
from .slots import Slots

STEPS = 4
PATIENCE = 2.0
"""Seconds after which no further step is timed; one is timed always."""


def estimate(experiment: Experiment, *, slots: Slots | None = None) -> dict[str, Any]:
    """Seconds, milliseconds a step of the whole race, bytes and device, with the contestants' cards.

    Every contestant trains at most four steps beside the others and evaluates once; nothing is kept. ``seconds`` is
    the time of all steps and evaluations, stretched to the recipe's pace. Raises ``SpecError`` for networks that
    cannot be built, a device that is not there, more memory than there is, or more work than can be timed in a while.
    """
    recipe = experiment.recipe
    device = choose(recipe.device, recipe.precision)
    slots = slots or slots_for(device)
    found = cards(experiment)
    needed = check_memory(experiment, device, slots.count)
    check_measuring(experiment, device, slots.count)
    paths = measured_paths(found)
    with calculation(device, recipe.precision):
        data = on_device(data_of(experiment), device)
        engines, _ = build_engines(choose_engine("auto", experiment, device), experiment, data, paths, device)
        timed = [_Timed(engine, slots) for engine in engines.values()]
        for contestant in timed:
            contestant.start()
        for contestant in timed:
            contestant.join()
    for contestant in timed:
        if contestant.error is not None:
            raise contestant.error
    turns = max(1.0, len(timed) / slots.count)
    step = max(contestant.step_seconds for contestant in timed) * turns
    evaluation = max(contestant.evaluation_seconds for contestant in timed) * turns
    paced = max(step, 1 / recipe.pace) if recipe.pace else step
    return {
        "seconds": paced * experiment.steps + evaluation * (math.ceil(recipe.epochs / recipe.evaluate_every) + 1),
        "step_ms": step * 1000,
        "memory_bytes": needed,
        "device": f"{device.type}: {device_name(device)}",
        "contestants": found,
    }


class _Timed(threading.Thread):
    """One contestant's few steps; the first one warms up and counts only when there is no other."""

    def __init__(self, engine: EagerEngine, slots: Slots) -> None:
        super().__init__(daemon=True)
        self.engine, self.slots = engine, slots
        self.step_seconds = self.evaluation_seconds = 0.0
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            with self.engine.on_stream():
                if self.engine.device.type == "cpu":
                    torch.set_num_threads(1)
                self._measure()
        except Exception as error:
            self.error = error

    def _measure(self) -> None:
        times: list[float] = []
        begin = time.monotonic()
        while not times or (len(times) < STEPS + 1 and time.monotonic() - begin < PATIENCE):
            with self.slots:
                start = time.perf_counter()
                self.engine.compute(len(times), 0.0)
                self.engine.update(0.0)
                self.engine.probe.take()
                times.append(time.perf_counter() - start)
        self.step_seconds = statistics.median(times[1:] or times)
        with self.slots:
            start = time.perf_counter()
            self.engine.evaluate()
            self.evaluation_seconds = time.perf_counter() - start
