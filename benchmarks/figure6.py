"""He 2016a, Fig. 6 and Table 6, on images of your own (CIFAR-10) and one GPU.

    python -m resnet_viz data add cifar10.npz --name cifar10
    python -m benchmarks.figure6 --images cifar10
    python -m benchmarks.figure6 --images cifar10 --table6 --precision fp32 --store DIR --minutes 9

The first: plain and residual networks of 20, 32, 44, 56 and 110 layers, ten epochs each, in two races of networks that
train at once; figure and table are written to docs/. The second: the residual ones for 64,000 iterations with the
paper's schedule (a tenth at one half and three quarters of all steps; 110 layers warm up for 400), as long as
``--minutes`` allows; called again with the same store it goes on from the last checkpoints, and writes the table when
all are done. ``--smoke`` does the first in seconds on a CPU with made-up images, to show that it works.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

import resnet_viz as rv
from benchmarks.curves import Curve, drawn
from benchmarks.made_up import made_up
from resnet_viz.data import own_images
from resnet_viz.runs import Run, open_runs
from resnet_viz.spec import Experiment, OwnImages, Recipe, fit_to_dataset, preset
from resnet_viz.train.devices import choose, device_name

DEPTHS = (20, 32, 44, 56, 110)
DEEPEST = 110
PUBLISHED = {20: 8.75, 32: 7.51, 44: 7.17, 56: 6.97, 110: 6.43}
"""Test error in percent, He 2016a, Table 6; of 110 layers the best of five (mean 6.61)."""
ITERATIONS = 64_000
WARM_UP = 400
ROOM = 6
"""Networks of one race."""
DOCS = Path(__file__).resolve().parents[1] / "docs"


def races(
    depths: Sequence[int], kinds: Sequence[str], images: OwnImages, family: str, **recipe: Any
) -> list[Experiment]:
    """Experiments of at most six networks, about equally many; those of 110 layers, which warm up, by themselves."""
    shallow = [depth for depth in depths if depth < DEEPEST]
    size = max(1, math.ceil(len(shallow) / max(1, math.ceil(len(shallow) * len(kinds) / ROOM))))
    groups = [(shallow[i : i + size], 0) for i in range(0, len(shallow), size)]
    groups += [([depth for depth in depths if depth >= DEEPEST], WARM_UP)]
    return [
        Experiment(
            contestants={f"{kind}-{depth}": fit_to_dataset(preset(f"{family}_{kind}{depth}"), images)[0]
                         for depth in group for kind in kinds},
            dataset=images, recipe=Recipe(warmup_steps=warm, **recipe),
        )
        for group, warm in groups if group
    ]  # fmt: skip


# -- training -------------------------------------------------------------------------------------------------


@contextmanager
def stopped_after(store: Path, name: str, seconds: float) -> Iterator[None]:
    """Stop the run of that name when its time is over; it keeps a checkpoint."""

    over = threading.Event()

    def stop() -> None:
        wait = max(0.0, seconds)
        while not over.wait(wait):
            found, wait = named(store, name), 0.05
            if found is not None and found.state in ("queued", "running"):
                found.store.command(found.id, "stop")
                return

    watch = threading.Thread(target=stop, daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def named(store: Path, name: str) -> Run | None:
    """The newest run of that name."""
    runs = open_runs(store)
    return next((runs.get(row.id) for row in runs.list() if row.name == name), None)


def train_or_resume(experiment: Experiment, store: Path, name: str, engine: str, seconds: float | None) -> Run:
    """The finished run, or as far as it has come when the time is over."""
    found = named(store, name)
    if found is not None and found.state == "finished" and found.experiment == experiment:
        return found
    with stopped_after(store, name, 1e7 if seconds is None else seconds):
        if found is None or found.experiment != experiment:
            run = rv.train(experiment, store=store, engine=engine, name=name)
        else:
            run = rv.resume(found)
    print(f"{name}: {run.state}" + (f", {run.reason}" if run.reason else ""))
    return run


# -- what is written ------------------------------------------------------------------------------------------


def minibatch_errors(run: Run, contestant: str) -> list[float]:
    """Training error of each epoch in percent: the mean of its minibatches', as the paper's dashed lines."""
    errors = run.signals(contestant)["train_error"]
    size = run.experiment.steps_per_epoch
    return [100 * float(np.mean(errors[i : i + size])) for i in range(0, len(errors) - size + 1, size)]


def curves(runs: Sequence[Run]) -> list[Curve]:
    """Dashed: training error by epoch; bold: test error where it was evaluated."""
    found = []
    for run in runs:
        for name in run.experiment.contestants:
            kind, _, depth = name.rpartition("-")
            train = [(i + 1.0, value) for i, value in enumerate(minibatch_errors(run, name))]
            test = [(float(row.epoch), 100 * row.test_error) for row in run.evals(name)]
            found += [Curve(kind, int(depth), True, train), Curve(kind, int(depth), False, test)]
    return found


def table(runs: Sequence[Run], published: dict[int, float] | None = None) -> list[str]:
    """Rows of Markdown: the last errors of each network."""
    head = ["| network | epochs | train error % | test error % |", "|---|---|---|---|"]
    if published:
        head = [head[0] + " published test error % |", head[1] + "---|"]
    rows = []
    for run in runs:
        for name in run.experiment.contestants:
            last = run.evals(name)[-1]
            row = f"| {name} | {last.epoch} | {100 * last.train_error:.1f} | {100 * last.test_error:.2f} |"
            depth = int(name.rpartition("-")[2])
            rows.append((depth, row + (f" {published.get(depth, '-')} |" if published else "")))
    return head + [row for _, row in sorted(rows)]


def provenance(runs: Sequence[Run], seconds: float | None) -> str:
    """How it was obtained, in one paragraph."""
    header, recipe = runs[0].store.row(runs[0].id).header, runs[0].experiment.recipe
    took = f"; {seconds:.0f} s from the first build to the last evaluation" if seconds is not None else ""
    return (
        f"{header['device']['name']}, {datetime.now(UTC):%Y-%m-%d}; Python {platform.python_version()}, torch "
        f"{torch.__version__}; engine {header['engine']}, {recipe.precision}, batch {recipe.batch}, learning rate "
        f"{recipe.learning_rate:g} ({recipe.schedule}), seed {recipe.seed}, one run of each network{took}. Images: "
        f"{header['dataset']}, SHA-256 {header['images_sha256'][:12]}. Errors of whole sets, batch-norm statistics "
        "estimated again on the training set."
    )


def figure6(options: argparse.Namespace, images: OwnImages, store: Path) -> None:
    """Train, then write figure and table."""
    start = time.perf_counter()
    experiments = races(
        options.depths, ("plain", "resnet"), images, options.family, epochs=options.epochs, batch=options.batch,
        precision=options.precision, augment="crop_flip", device=options.device,
        evaluate_every=options.evaluate_every, seed=options.seed,
    )  # fmt: skip
    runs = [
        train_or_resume(one, store, f"figure 6, {i + 1} of {len(experiments)}", options.engine, None)
        for i, one in enumerate(experiments)
    ]
    seconds = time.perf_counter() - start
    failed = [run.reason for run in runs if run.state != "finished"]
    if failed:
        raise SystemExit(f"A race did not finish: {failed[0]}")
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "figure6.svg").write_text(drawn(curves(runs), "plain", "resnet"), encoding="utf-8")
    text = [
        "# He 2016a, Fig. 6, begun", "", "    python -m benchmarks.figure6", "", provenance(runs, seconds), "",
        "![Error by epoch: plain and residual networks](figure6.svg)", "",
        "Dashed: training error (mean of the epoch's minibatches); bold: test error.", "", *table(runs), "",
    ]  # fmt: skip
    (options.output / "figure6.md").write_text("\n".join(text), encoding="utf-8")
    print("\n".join(table(runs)))
    print(f"{seconds:.1f} s in all; {options.output / 'figure6.md'} and figure6.svg written")


def table6(options: argparse.Namespace, images: OwnImages, store: Path) -> None:
    """Train for as long as there is time; write the table when all are done."""
    epochs = -(-options.iterations // -(-images.train // options.batch))
    experiments = races(
        options.depths, ("resnet",), images, options.family, epochs=epochs, batch=options.batch, schedule="step",
        precision=options.precision, augment="crop_flip", device=options.device,
        evaluate_every=max(1, epochs // 8), seed=options.seed,
        pace=5 if options.smoke else 0,  # six tiny steps would be over before anybody could stop them
    )  # fmt: skip
    end = time.monotonic() + 60 * options.minutes
    runs = []
    for i, one in enumerate(experiments):
        name = f"table 6, {options.precision}, {i + 1} of {len(experiments)}"
        runs.append(train_or_resume(one, store, name, options.engine, end - time.monotonic()))
        if runs[-1].state != "finished":
            raise SystemExit(f"{runs[-1].reason} Call the same command again to go on.")
    options.output.mkdir(parents=True, exist_ok=True)
    text = [
        "# He 2016a, Table 6", "", f"    python -m benchmarks.figure6 --table6 --precision {options.precision}", "",
        provenance(runs, None), "", *table(runs, PUBLISHED), "",
    ]  # fmt: skip
    (options.output / "table6.md").write_text("\n".join(text), encoding="utf-8")
    print("\n".join(table(runs, PUBLISHED)))


def main(arguments: list[str] | None = None) -> None:
    """Run the figure or the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", default="cifar10", help="name of images of your own")
    parser.add_argument("--depths", nargs="+", type=int, default=list(DEPTHS))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", default="bf16", choices=["fp32", "tf32", "bf16"])
    parser.add_argument("--engine", default="auto", choices=["auto", "eager", "graph"])
    parser.add_argument("--evaluate-every", type=int, default=2, help="epochs from one evaluation to the next")
    parser.add_argument("--store", type=Path, help="directory of the runs (default: one that is thrown away)")
    parser.add_argument("--output", type=Path, default=DOCS, help="directory of figure and table")
    parser.add_argument("--table6", action="store_true")
    parser.add_argument("--iterations", type=int, default=ITERATIONS)
    parser.add_argument("--minutes", type=float, default=9, help="time of one call for the table")
    parser.add_argument("--smoke", action="store_true", help="tiny, on the CPU: shows only that it works")
    options = parser.parse_args(arguments)
    options.device, options.family = "cuda", "cifar"
    with tempfile.TemporaryDirectory() as scratch:
        if options.smoke:
            os.environ["RESNET_VIZ_HOME"] = scratch
            own_images.add(made_up(), "made-up")
            options.images, options.precision, options.batch, options.device = "made-up", "fp32", 8, "cpu"
            options.depths, options.epochs, options.family, options.iterations = [8], 2, "tiny", 6
            options.evaluate_every = 1
            options.output = Path(scratch) if options.output == DOCS else options.output
        images = own_images.own_images(options.images)
        device = choose(options.device, options.precision)
        print(f"{device_name(device)}, torch {torch.__version__}, {images.info.name}")
        (table6 if options.table6 else figure6)(options, images, options.store or Path(scratch) / "runs")


if __name__ == "__main__":
    main()
