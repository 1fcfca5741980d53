"""On one NVIDIA GPU: training with all telemetry as CUDA graphs against what one would use instead.

    pip install -r benchmarks/requirements.txt
    python -m resnet_viz data add cifar10.npz --name cifar10
    python -m benchmarks.gpu --images cifar10 [--rounds 5] [--epochs 2] [--networks cifar_resnet20 cifar_resnet56]

Everything is timed in one process, in turns within each round; the medians of the rounds' own ratios are compared.
Building, capturing and starting a trainer are not timed, evaluation is left out everywhere. All have the same
images on the device, the same augmentation there, the same batches, order, optimizer, weights and precision; so
Lightning is spared its data loader. "race" is what the app runs: threads, probes, ring, frames into a store.
``--smoke`` runs all of it in seconds on a CPU with made-up images, to show that it works; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from benchmarks import lightning_loop
from benchmarks.lightning_loop import wait
from benchmarks.made_up import made_up
from resnet_viz.data import load, own_images
from resnet_viz.inspect import layers
from resnet_viz.nn import build
from resnet_viz.runs import Store
from resnet_viz.spec import Experiment, Network, OwnImages, Recipe, fit_to_dataset, plain_twin, preset
from resnet_viz.train import Race
from resnet_viz.train.batches import Batches
from resnet_viz.train.devices import calculation, choose, cores, device_name
from resnet_viz.train.engine import EagerEngine, on_device
from resnet_viz.train.graph_engine import GraphEngine
from resnet_viz.train.race import Ended, Rows

GOALS = {"cifar_resnet20": 25.0, "cifar_resnet56": 22.0}
"""Images a second over those of Lightning with its TensorBoard logger and every layer's norm at every step."""
DEAREST = 1.01
"""Time with telemetry over time without."""


@dataclass(frozen=True)
class Setting:
    """What all contenders have in common."""

    network: Network
    images: OwnImages
    recipe: Recipe
    device: torch.device

    @property
    def steps(self) -> int:
        """Steps of one timing."""
        return Experiment(contestants={"a": self.network}, dataset=self.images, recipe=self.recipe).steps


def engine_seconds(setting: Setting, kind: type[EagerEngine], *, telemetry: bool) -> Callable[[], float]:
    """A bare loop over an engine, the ring read ten times a second; seconds a step."""
    paths = [layer.path for layer in layers(setting.network)] if telemetry else []
    data = on_device(load(setting.images), setting.device)
    blocks = mock.patch("resnet_viz.train.engine.block_paths", lambda network: ())
    with contextlib.nullcontext() if telemetry else blocks:
        engine = kind(setting.network, setting.recipe, data, paths, setting.device)
    if not telemetry:
        engine.probe.measure = lambda loss, error: torch.stack((loss, error))  # type: ignore[method-assign]
    if isinstance(engine, GraphEngine):
        engine.prepare()

    def loop() -> float:
        with engine.on_stream():
            wait(setting.device)
            start = flushed = time.perf_counter()
            for step in range(setting.steps):
                engine.compute(step, setting.recipe.learning_rate)
                engine.update(setting.recipe.learning_rate)
                now = time.perf_counter()
                if now - flushed > 0.1 or engine.probe.waiting == engine.probe.capacity:
                    engine.probe.take()
                    flushed = now
            wait(setting.device)
            took = time.perf_counter() - start
            if engine.probe.waiting:
                engine.probe.take()
        return took / setting.steps

    return loop


def race_seconds(setting: Setting, engine: str, *, pair: bool = False) -> float:
    """A race as the app runs it, alone or plain against residual; seconds a step of all of them."""
    contestants = {"residual": setting.network} | ({"plain": plain_twin(setting.network)} if pair else {})
    experiment = Experiment(contestants=contestants, dataset=setting.images, recipe=setting.recipe)
    paths = {name: [layer.path for layer in layers(network)] for name, network in contestants.items()}
    no_evaluation = mock.patch.object(EagerEngine, "evaluate", lambda self: (0.0, 0.0))
    with tempfile.TemporaryDirectory() as directory, no_evaluation:
        store = Store(directory)
        run = store.create(experiment)
        race = Race(experiment, paths, engine=engine)
        assert race.choice.kind == engine or setting.device.type == "cpu", race.choice
        left = len(paths)
        wait(setting.device)
        start = time.perf_counter()
        race.start()
        while left:
            message = race.messages.get()
            if isinstance(message, Rows):
                store.append(run, message.contestant, message.first, message.values)
            left -= isinstance(message, Ended)
        wait(setting.device)
        took = time.perf_counter() - start
        store.close()
    return took / experiment.steps


class _OnDevice(torch.utils.data.IterableDataset):  # type: ignore[type-arg]
    """The same batches, made on the device: a loader has nothing left to do."""

    def __init__(self, setting: Setting) -> None:
        data, recipe = on_device(load(setting.images), setting.device), setting.recipe
        augment = recipe.augment == "crop_flip"
        self._batches = Batches(data.train_x, data.train_y, recipe.batch, recipe.seed, augment=augment)
        self._steps = setting.steps

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return (self._batches[step] for step in range(self._steps))


def lightning_seconds(setting: Setting, *, norms: bool) -> float:
    """Lightning on the same batches; seconds a step."""
    recipe = setting.recipe
    return lightning_loop.seconds(
        build(setting.network, seed=recipe.seed),
        torch.utils.data.DataLoader(_OnDevice(setting), batch_size=None),
        lambda weights: torch.optim.SGD(
            weights, lr=recipe.learning_rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay
        ),
        setting.device,
        norms=norms,
        precision="bf16-mixed" if recipe.precision == "bf16" else "32-true",
    )


def contenders(setting: Setting) -> dict[str, Callable[[], float]]:
    """What is timed, by the name under which it is printed."""
    found: dict[str, Callable[[], float]] = {
        "graph, all telemetry": engine_seconds(setting, GraphEngine, telemetry=True),
        "graph, no telemetry": engine_seconds(setting, GraphEngine, telemetry=False),
        "race, graph": lambda: race_seconds(setting, "graph"),
        "race, graph, plain and residual": lambda: race_seconds(setting, "graph", pair=True),
        "race, eager": lambda: race_seconds(setting, "eager"),
    }
    if not lightning_loop.loads():
        return found
    found["Lightning"] = lambda: lightning_seconds(setting, norms=False)
    found["Lightning, norms"] = lambda: lightning_seconds(setting, norms=True)
    return found


RATIOS = (
    ("telemetry costs: with / without", "graph, all telemetry", "graph, no telemetry"),
    ("graph over eager", "race, eager", "race, graph"),
    ("a pair at once over one after the other", "race, graph", "race, graph, plain and residual"),
    ("over Lightning", "Lightning", "race, graph"),
    ("over Lightning with norms", "Lightning, norms", "race, graph"),
)


def compared(setting: Setting, rounds: int) -> dict[str, Any]:
    """Images a second of each contender and the ratios, medians with least and most; printed as they come."""
    timed = contenders(setting)
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for run in timed.values():  # caches and libraries warm up
            run()
        for _ in range(rounds):
            for name, run in timed.items():
                seconds[name].append(run())
    batch = setting.recipe.batch
    speed = {name: batch / statistics.median(values) for name, values in seconds.items()}
    for name, value in speed.items():
        print(f"{value:10,.0f} images a second   {name}")
    ratios: dict[str, list[float]] = {}
    for title, slow, fast in RATIOS:
        if slow in seconds:
            factor = 2 if fast.endswith("plain and residual") else 1
            each = sorted(factor * a / b for a, b in zip(seconds[slow], seconds[fast], strict=True))
            ratios[title] = [statistics.median(each), each[0], each[-1]]
            print(f"{ratios[title][0]:10.3f}   {title} ({each[0]:.3f} to {each[-1]:.3f})")
    for title, goal, met in (
        (RATIOS[0][0], DEAREST, lambda value: value <= DEAREST),
        (RATIOS[4][0], GOALS.get(setting.network.name), lambda value: value >= GOALS[setting.network.name]),
    ):
        if goal is not None and title in ratios and setting.device.type == "cuda":
            print(f"           {title}: goal {goal:g}, {'met' if met(ratios[title][0]) else 'NOT met'}")
    return {"images_per_second": speed, "ratios": ratios}


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Compare all, print, write the figures as JSON if asked to; gives them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", default="cifar10", help="name of images of your own")
    parser.add_argument("--networks", nargs="+", default=["cifar_resnet20", "cifar_resnet56"])
    parser.add_argument("--precision", default="bf16", choices=["fp32", "tf32", "bf16"])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=2, help="epochs of each timing")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--channels-last", action="store_true", help="feature maps in channels-last order")
    parser.add_argument("--tuned", action="store_true", help="let cuDNN time its algorithms (repeats no bits)")
    parser.add_argument("--output", type=Path, help="file for the figures, as JSON")
    parser.add_argument("--smoke", action="store_true", help="tiny, on the CPU: shows only that it works")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as home:
        if options.smoke:
            os.environ["RESNET_VIZ_HOME"] = home
            own_images.add(made_up(), "made-up")
            options.images, options.precision, options.batch = "made-up", "fp32", 8
            options.networks, options.rounds, options.epochs = ["tiny_resnet8"], 1, 1
        return _compare_all(options)


def _compare_all(options: argparse.Namespace) -> dict[str, Any]:
    images = own_images.own_images(options.images)
    device = choose("cpu" if options.smoke else "cuda", options.precision)
    print(f"{device_name(device)}, {cores()} cores; Python {platform.python_version()}, torch {torch.__version__}")
    found: dict[str, Any] = {"device": device_name(device), "torch": torch.__version__, "options": vars(options)}
    recipe = Recipe(
        epochs=options.epochs, batch=options.batch, precision=options.precision, augment="crop_flip",
        device="cpu" if options.smoke else "cuda", warmup_steps=0, learning_rate=0.01,
    )  # fmt: skip
    layout = torch.channels_last if options.channels_last or device.type == "cpu" else torch.contiguous_format
    with (
        calculation(device, options.precision),
        mock.patch("resnet_viz.train.engine.memory_format", lambda device: layout),
    ):
        if options.tuned:
            torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = True, False
        for name in options.networks:
            print(f"\n{name}, batch {options.batch}, {options.precision}, {images.info.name}")
            network = fit_to_dataset(preset(name), images)[0]
            found[name] = compared(Setting(network, images, recipe, device), options.rounds)
    if options.output:
        options.output.write_text(json.dumps(found, indent=1, default=str) + "\n")
    return found


if __name__ == "__main__":
    main()
