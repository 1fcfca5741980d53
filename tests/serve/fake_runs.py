"""Runs that nobody trained: telemetry of a plausible shape, written through the store as the worker writes it."""

from __future__ import annotations

import math
import threading
import time
from typing import Any

import numpy as np

from resnet_viz.runs.store import Store
from resnet_viz.spec import Experiment, Recipe, preset

STEPS_PER_EPOCH = 12


def experiment(depth: int = 20, epochs: int = 8) -> Experiment:
    nets = {f"plain-{depth}": preset(f"tiny_plain{depth}"), f"residual-{depth}": preset(f"tiny_resnet{depth}")}
    return Experiment(contestants=nets, recipe=Recipe(epochs=epochs))


def card(name: str, network: Any) -> dict[str, Any]:
    layers = [_layer("conv1", "conv", 0, 0, 8, 8)]
    for s, stage in enumerate(network.stages, 1):
        for b in range(stage.blocks):
            for conv in ("conv1", "conv2"):
                layers.append(_layer(f"layer{s}.{b}.{conv}", "conv", s, b + 1, 8 * 2 ** (s - 1), 8 // 2 ** (s - 1)))
    layers.append(_layer("fc", "linear", 0, 0, 10, 1))
    paths = [layer["path"] for layer in layers]
    shortcut = "no shortcut" if network.is_plain else "shortcut A"
    return {
        "name": name, "role": "plain" if network.is_plain else "residual", "network_name": network.name,
        "parameters": 214_402, "layers": layers,
        "description": f"3 × {network.stages[0].blocks} basic blocks, {shortcut}",
        "signals": ["loss", "train_error", "lr", *(f"grad_norm/{path}" for path in paths)],
    }  # fmt: skip


def _layer(path: str, kind: str, stage: int, block: int, channels: int, size: int) -> dict[str, Any]:
    return {
        "path": path, "kind": kind, "stage": stage, "block": block, "projection": False, "channels": channels,
        "height": size, "width": size,
    }  # fmt: skip


def header(made: Experiment) -> dict[str, Any]:
    return {
        "versions": {"python": "3", "torch": "2", "resnet_viz": "0"},
        "device": {"kind": "cpu", "name": "CPU", "cores": 2, "threads": 2},
        "dataset": "digits", "seed": 0, "steps": made.steps, "steps_per_epoch": made.steps_per_epoch,
        "started": time.time(), "contestants": [card(name, net) for name, net in made.contestants.items()],
    }  # fmt: skip


def rows(plain: bool, layers: int, first: int, count: int) -> np.ndarray:
    """Telemetry of steps [first, first + count): loss, error, learning rate, one gradient norm a layer."""
    rng = np.random.default_rng((first, layers, plain))
    steps = np.arange(first, first + count)[:, None]
    depth = np.linspace(0, 1, layers)[None, :]
    start = 2.6 * (1 - depth) - 0.6 if plain else 0.5 * (1 - depth) + 0.2
    later = -1.6 + 0.8 * depth if plain else -0.9 - 0.3 * depth
    fade = np.exp(-steps / 6)
    norms = 10 ** (start * fade + later * (1 - fade) + rng.normal(0, 0.12, (count, layers)))
    progress = 0.02 if plain else 1 - np.exp(-steps[:, 0] / 30)
    loss = 2.35 * (1 - 0.97 * progress) + rng.normal(0, 0.06, count)
    error = 0.9 * (1 - progress) + rng.normal(0, 0.01, count)
    lr = np.full(count, 0.1)
    return np.column_stack([loss, error, lr, norms]).astype(np.float32)


def begin(store: Store, made: Experiment, name: str | None = None) -> str:
    """A run that has its header and runs, without any frame."""
    run = store.create(made, name=name)
    store.set_header(run, header(made))
    store.set_state(run, "running")
    evaluate(store, run, made, 0)
    return run


def evaluate(store: Store, run: str, made: Experiment, step: int) -> None:
    for name, network in made.contestants.items():
        error = 0.89 if network.is_plain else 0.9 * math.exp(-step / 28)
        data = {"epoch": step // STEPS_PER_EPOCH, "train_error": error, "test_error": error + 0.01}
        store.add_event(run, "eval", data, contestant=name, step=step)


def append(store: Store, run: str, made: Experiment, first: int, count: int) -> None:
    """The steps [first, first + count) of every contestant, and the evaluations that fall into them."""
    for name, network in made.contestants.items():
        store.append(run, name, first, rows(network.is_plain, network.depth, first, count))
    for step in range(first + 1, first + count + 1):
        if step % STEPS_PER_EPOCH == 0:
            evaluate(store, run, made, step)


def finished(store: Store, made: Experiment, name: str | None = None) -> str:
    run = begin(store, made, name)
    append(store, run, made, 0, made.steps)
    store.set_state(run, "finished")
    return run


class Race(threading.Thread):
    """Writes a run at a steady pace, as a worker does, until it is over or :meth:`end` is called."""

    def __init__(self, store: Store, run: str, made: Experiment, *, a_second: float = 10, chunk: int = 1) -> None:
        super().__init__(daemon=True)
        self.store, self.run_id, self.made, self.every, self.chunk = store, run, made, 1 / a_second, chunk
        self.ended = threading.Event()

    def run(self) -> None:
        for first in range(0, self.made.steps, self.chunk):
            append(self.store, self.run_id, self.made, first, min(self.chunk, self.made.steps - first))
            if self.ended.wait(self.every):
                return
        self.store.set_state(self.run_id, "finished")

    def end(self) -> None:
        self.ended.set()
        self.join()
