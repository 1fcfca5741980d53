"""``train``, ``resume`` and ``replay``: a run with a bar for each contestant, and what it came to."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from .arguments import Deterministic, Store, contest, find_run
from .terminal import err, out, refusals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..runs import Run, RunData
    from ..runs.executor import Progress as NewestRow
    from ..spec import Experiment


def train(
    networks: Annotated[list[str], typer.Argument(help="Presets, share texts or .json files; or one experiment file.")],
    epochs: Annotated[int | None, typer.Option(help="Passes over the data (default 8).")] = None,
    batch: Annotated[int | None, typer.Option(help="Images a step (default 128).")] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate (default 0.1).")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights and batch order (default 0).")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    dataset: Annotated[str | None, typer.Option(help="digits, or own:NAME (`data add`). Default: digits.")] = None,
    precision: Annotated[str | None, typer.Option(help="fp32, tf32 or bf16 (default fp32).")] = None,
    augment: Annotated[str | None, typer.Option(help="none or crop_flip (default none).")] = None,
    seeds: Annotated[int | None, typer.Option(help="Seeds at once, 1 to 5: median with least and greatest.")] = None,
    engine: Annotated[str, typer.Option(help="auto, eager, graph (a CUDA graph of each step) or compile.")] = "auto",
    name: Annotated[str | None, typer.Option(help="Name of the run.")] = None,
    deterministic: Deterministic = False,
    store: Store = None,
) -> None:
    """Train one network, or several against each other on the same batches; the app shows the run live."""
    given = {"epochs": epochs, "batch": batch, "learning_rate": lr, "seed": seed, "device": device,
             "precision": precision, "augment": augment, "seeds": seeds}  # fmt: skip
    with refusals():
        experiment = contest(networks, {k: v for k, v in given.items() if v is not None}, dataset)
        from ..runs import train as run_training

        out.print(f"{' against '.join(experiment.contestants)} on {experiment.data.name}, {experiment.steps} steps, "
                  f"seed {experiment.recipe.seed}", highlight=False, markup=False)  # fmt: skip
        with _bars(experiment) as progress:
            run = run_training(experiment, store, engine, name, progress, deterministic=deterministic)
    _finish(run)


def resume(
    run: Annotated[str, typer.Argument(help="The run's id, the start of it, or 'last'.")] = "last",
    deterministic: Deterministic = False,
    store: Store = None,
) -> None:
    """Let a run that was interrupted or stopped go on from its last checkpoint, to the same final weights
    (but for rounding where it was trained with compiled blocks).

    One that is still alive is waited for; with a finished one there is nothing to do.
    """
    with refusals():
        from ..runs import resume as resume_training

        found = find_run(run, store)
        with _bars(None if found.recorded else found.experiment) as progress:
            found = resume_training(
                found, progress=progress, deterministic=deterministic,
                waiting=lambda state: err.print(f"The run is {state}: waiting for its end."),
            )  # fmt: skip
    _finish(found)


@contextmanager
def _bars(experiment: Experiment | None) -> Iterator[Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f}"),
               TextColumn("{task.fields[note]}"), TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=err) as bars:
        contestants = experiment.contestants if experiment else ()
        tasks = {c: bars.add_task(c, total=experiment.steps if experiment else None, note="") for c in contestants}

        def show(now: NewestRow) -> None:
            bars.update(tasks[now.contestant], completed=now.step, note=f"loss {now.loss:.3f}")

        yield show


def _finish(run: Run) -> None:
    from ..runs import run_data

    _table(run_data(run.store, run.id))
    header = run.store.row(run.id).header
    if reason := header.get("engine_reason"):
        about = "Trained by the eager engine: " if header.get("engine") == "eager" else ""
        out.print(f"{about}{reason}", markup=False, highlight=False)
    out.print(f"run {run.id}: {run.state}" + (f", {run.reason}" if run.reason else ""), markup=False, highlight=False)
    if run.state != "finished":
        raise typer.Exit(1)


def _table(data: RunData) -> None:
    from ..draw.verdict import verdict

    table = Table("contestant", "train error", "test error", box=None, pad_edge=False)
    for contestant in data.contestants:
        rows = data.evals(contestant)
        if rows:
            table.add_row(contestant, f"{100 * rows[-1].train_error:.1f} %", f"{100 * rows[-1].test_error:.1f} %")
    out.print(table)
    said = verdict(data)
    out.print(f"{said.bold} {said.rest}", markup=False, highlight=False)


def replay(
    run: Annotated[str, typer.Argument(help="The run's id, the start of it, or 'last'.")] = "last",
    pace: Annotated[float, typer.Option(min=0, help="Steps a second; 0 shows the end at once.")] = 20,
    store: Store = None,
) -> None:
    """Play a stored run again in the terminal: loss and first-to-last gradient ratio, step by step."""
    with refusals():
        from ..draw.verdict import verdict

        data = find_run(run, store).data
    steps = max((len(data.signals(c)["loss"]) for c in data.contestants), default=0)
    count = TextColumn("step {task.completed:.0f}/{task.total:.0f}", table_column=Column(no_wrap=True, min_width=14))
    said = TextColumn("{task.fields[note]}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1))
    with Progress(count, BarColumn(20), said, console=out, expand=True) as bar:
        task = bar.add_task("replay", total=steps, note="")
        for step in range(steps):
            bar.update(task, completed=step + 1, note=verdict(data, step).bold)
            if pace:
                time.sleep(1 / pace)
    _table(data)
