"""Training with telemetry against what one would use instead, on the digits with 56 layers, on the CPU.

    pip install -r benchmarks/requirements.txt
    python -m benchmarks.training [--rounds 7] [--epochs 2]

Everything is timed in one process, in turns within each round, so that a change of the machine's speed meets all
alike; the medians of the rounds are compared. Building networks and starting a trainer is not timed, evaluation is
left out everywhere, and nothing is written outside a temporary directory. "ours" is a race as the app runs it: its
threads, probes, ring, and the frames written into a store. Batches, order, optimizer and weights are the same.
"""

from __future__ import annotations

import argparse
import contextlib
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from unittest import mock

import torch
from torch.nn import functional

from benchmarks import lightning_loop
from resnet_viz.data import load
from resnet_viz.inspect import layers
from resnet_viz.nn import build
from resnet_viz.runs import Store
from resnet_viz.spec import Experiment, Recipe, preset
from resnet_viz.train import Race
from resnet_viz.train.batches import Batches
from resnet_viz.train.devices import calculation, cores, device_name
from resnet_viz.train.engine import EagerEngine
from resnet_viz.train.race import Ended, Rows

CPU = torch.device("cpu")
PAIR = ("tiny_plain56", "tiny_resnet56")
ONE = ("tiny_resnet56",)


def bare(names: tuple[str, ...], epochs: int, threads: int) -> float:
    """A loop as anybody writes it, without telemetry, the networks taking turns; seconds a step of all of them."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    data = load("digits")
    batches = Batches(data.train_x, data.train_y, 128, 0)
    models = [build(preset(name), seed=0).train() for name in names]
    optimizers = [torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4) for m in models]
    steps = epochs * batches.per_epoch
    start = time.perf_counter()
    for step in range(steps):
        x, y = batches[step]
        for model, optimizer in zip(models, optimizers, strict=True):
            optimizer.zero_grad()
            functional.cross_entropy(model(x), y).backward()
            optimizer.step()
    took = time.perf_counter() - start
    torch.set_num_threads(before)
    return took / steps


def ours(names: tuple[str, ...], epochs: int) -> float:
    """A race with all its telemetry into a store, the networks side by side; seconds a step of all of them."""
    experiment = Experiment(
        contestants={name: preset(name) for name in names},
        recipe=Recipe(epochs=epochs, warmup_steps=0, device="cpu"),
    )
    paths = {name: [layer.path for layer in layers(network)] for name, network in experiment.contestants.items()}
    no_evaluation = mock.patch.object(EagerEngine, "evaluate", lambda self: (0.0, 0.0))
    with tempfile.TemporaryDirectory() as directory, calculation(CPU), no_evaluation:
        store = Store(directory)
        run = store.create(experiment)
        race = Race(experiment, paths)
        left = len(names)
        start = time.perf_counter()
        race.start()
        while left:
            message = race.messages.get()
            if isinstance(message, Rows):
                store.append(run, message.contestant, message.first, message.values)
            left -= isinstance(message, Ended)
        took = time.perf_counter() - start
        assert len(store.frames(run)) >= len(names)
        store.close()
    return took / experiment.steps


def with_lightning(epochs: int, norms: bool) -> float:
    """Lightning on one network with one thread, its own loader shuffling; seconds a step."""
    data = load("digits")
    images = torch.utils.data.TensorDataset(data.train_x, data.train_y)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    took = lightning_loop.seconds(
        build(preset(ONE[0]), seed=0),
        torch.utils.data.DataLoader(images, batch_size=128, shuffle=True),
        lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9, weight_decay=1e-4),
        CPU,
        norms=norms,
        epochs=epochs,
    )
    torch.set_num_threads(before)
    return took


def contenders(epochs: int) -> dict[str, Callable[[], float]]:
    """What is timed, by the name under which it is printed."""
    found: dict[str, Callable[[], float]] = {
        "one: bare loop, no telemetry": lambda: bare(ONE, epochs, 1),
        "one: ours, all telemetry": lambda: ours(ONE, epochs),
        "two: bare loop, taking turns, 1 thread": lambda: bare(PAIR, epochs, 1),
        f"two: bare loop, taking turns, {cores()} threads": lambda: bare(PAIR, epochs, cores()),
        "two: ours, side by side, all telemetry": lambda: ours(PAIR, epochs),
    }
    if not lightning_loop.loads():
        return found
    found["one: Lightning, TensorBoard logger"] = lambda: with_lightning(epochs, norms=False)
    found["one: Lightning, TensorBoard logger, gradient norms"] = lambda: with_lightning(epochs, norms=True)
    return found


RATIOS = (
    ("telemetry costs little: bare / ours, one", "one: bare loop, no telemetry", "one: ours, all telemetry", 0.93),
    (
        "side by side: turns / ours, two",
        "two: bare loop, taking turns, 1 thread", "two: ours, side by side, all telemetry", 1.5,
    ),
    (
        f"side by side: turns with {cores()} threads / ours, two",
        f"two: bare loop, taking turns, {cores()} threads", "two: ours, side by side, all telemetry", 1.5,
    ),
    (
        "Lightning with norms / ours, one",
        "one: Lightning, TensorBoard logger, gradient norms", "one: ours, all telemetry", 2.5,
    ),
)  # fmt: skip


def main() -> None:
    """Time all, print medians and ratios. Each ratio is the median of the rounds' own ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=2, help="epochs of 12 steps for each timing")
    options = parser.parse_args()
    print(f"{device_name(CPU)}, {cores()} cores; Python {platform.python_version()}, torch {torch.__version__}")
    timed = contenders(options.epochs)
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    with warnings.catch_warnings(), contextlib.suppress(KeyboardInterrupt):
        warnings.simplefilter("ignore")
        for run in timed.values():  # caches and libraries warm up
            run()
        for _ in range(options.rounds):
            for name, run in timed.items():
                seconds[name].append(run())
    for name, values in seconds.items():
        if values:
            print(f"{statistics.median(values) * 1000:8.1f} ms a step   {name}")
    for title, slow, fast, goal in RATIOS:
        pairs = list(zip(seconds.get(slow, ()), seconds[fast], strict=False))
        if pairs:
            ratio = statistics.median(a / b for a, b in pairs)
            spread = f"{min(a / b for a, b in pairs):.2f} to {max(a / b for a, b in pairs):.2f}"
            print(f"{ratio:8.2f}   {title} (goal {goal}; {len(pairs)} rounds: {spread})")


if __name__ == "__main__":
    main()
