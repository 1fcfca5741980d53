"""The command line: ``python -m resnet_viz presets | summary | code | train | resume | replay | labs | app``.

The same library calls as the pages make, printed with Rich. A refusal is one sentence on standard error and
exit status 2; a run that failed or was interrupted exits with 1.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from resnet_viz.spec import (
    DATASETS,
    Comparison,
    Experiment,
    Network,
    OwnImages,
    Recipe,
    ShareError,
    SpecError,
    decode,
    fit_to_dataset,
    preset,
    preset_groups,
    preset_info,
    presets,
    read_spec,
    sentence,
)
from resnet_viz.spec.datasets import OWN
from resnet_viz.spec.files import MAX_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resnet_viz.labs import Lab, Observation
    from resnet_viz.labs.check import Checked
    from resnet_viz.runs import Run, RunData
    from resnet_viz.runs.executor import Progress as NewestRow

cli = typer.Typer(help="Assemble residual networks, count them, train them, watch every layer's gradient.",
                  no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)  # fmt: skip
out = Console(width=None if sys.stdout.isatty() else 120)  # a pipe has no width: keep the columns whole
err = Console(stderr=True)

Deterministic = Annotated[
    bool, typer.Option("--deterministic", help="Only algorithms that repeat themselves bit for bit (slower on a GPU).")
]
Store = Annotated[Path | None, typer.Option("--store", help="Directory of the runs (default: RESNET_VIZ_HOME).")]


def main() -> None:
    """Run the command line."""
    cli()


@contextmanager
def refusals() -> Iterator[None]:
    """Turn every refusal into one sentence and exit status 2."""
    try:
        yield
    except (SpecError, ShareError, ValidationError, KeyError, ValueError, OSError) as error:
        text = error.args[0] if isinstance(error, KeyError) and error.args else sentence(error)
        err.print(str(text), style="red", markup=False, highlight=False)
        raise typer.Exit(2) from error
    except sqlite3.Error as error:
        err.print(f"The runs cannot be read or written ({error}).", style="red", markup=False, highlight=False)
        raise typer.Exit(2) from error


def read(text: str) -> Network | Experiment:
    """A network or experiment from a preset's name, a share text, or a JSON file. Raises a refusal."""
    if text in presets():
        return preset(text)
    if not text.endswith(".json"):
        if re.match(r"[a-z]\d\.", text):
            return _no_comparison(decode(text), "link")
        raise SpecError(f"{text[:60]!r} is no preset, no share text and no .json file: `presets` lists the presets.")
    path = Path(text)
    if path.stat().st_size > MAX_FILE:
        raise SpecError(f"{path.name} is larger than {MAX_FILE:,} bytes: that is no spec file.")
    return _no_comparison(read_spec(path.read_bytes()), "file")


def _no_comparison(thing: Network | Experiment | Comparison, where: str) -> Network | Experiment:
    if isinstance(thing, Comparison):
        raise SpecError(f"this {where} holds a comparison: open it on the Compare page, or name one network.")
    return thing


@cli.command("presets")
def list_presets() -> None:
    """List the networks of the literature with their published figures."""
    out.print("preset              depth  parameters  published error", style="bold")
    for family, names in preset_groups().items():
        out.print(family, style="dim")
        for name in names:
            info = preset_info(name)
            count = f"{info.parameters:,}" if info.parameters else "-"
            error = f"{info.published_error:g} % {info.protocol}" if info.published_error else "-"
            line = f"  {name:18}{preset(name).depth:5}{count:>12}  {error}"
            out.print(line, highlight=False, markup=False, soft_wrap=True)


@cli.command()
def summary(
    network: Annotated[str, typer.Argument(help="A preset, a share text, or a .json file.")],
    batch: Annotated[int, typer.Option(min=1, help="Batch for the memory of a training step.")] = 1,
) -> None:
    """Count a network: layers, shapes, parameters, multiply-adds, receptive field."""
    with refusals():
        net = read(network)
        if isinstance(net, Experiment):
            raise SpecError("This file holds an experiment: `summary` takes one network.")
        from resnet_viz.inspect import summarize

        counted = summarize(net, batch=batch)
    table = Table(box=None, pad_edge=False)
    for column in ("layer", "operation"):
        table.add_column(column, no_wrap=True)
    for column in ("output", "parameters", "mult-adds", "field"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in counted.rows:
        shape = " x ".join(map(str, row.shape))
        table.add_row(row.path, row.operation, shape, f"{row.params:,}", f"{row.macs:,}", str(row.receptive_field))
    out.print(table)
    out.print(f"[bold]{counted.params:,}[/] parameters (torchinfo {counted.params_torchinfo:,}), "
              f"[bold]{counted.macs:,}[/] multiply-adds of convolutions and linear layers "
              f"(torchinfo's own total {counted.macs_torchinfo:,}), {counted.depth} layers deep, "
              f"receptive field {counted.receptive_field} with stride {counted.field_stride}, "
              f"{counted.memory / 2**20:.1f} MiB for a training step and {counted.forward_memory / 2**20:.1f} MiB for "
              f"a forward pass at batch {batch}, {counted.intensity(batch):.1f} operations a byte.")  # fmt: skip
    paths = counted.paths
    if paths.shares:
        out.print(f"Gradient paths: {paths.shortest} to {paths.longest} layers, "
                  f"through {paths.fewest} to {paths.most} blocks, mean {paths.mean:.1f}, "
                  f"standard deviation {paths.deviation:.1f}.")  # fmt: skip
    else:
        out.print("Gradient paths: none, a block multiplies both its ways by zero.")


@cli.command()
def code(
    network: Annotated[str, typer.Argument(help="A preset, a share text, or a .json file.")],
    style: Annotated[str, typer.Option(help="explicit, or lazy (LazyConv2d and its kin).")] = "explicit",
    output: Annotated[Path | None, typer.Option(help="File to write; without it the terminal.")] = None,
) -> None:
    """Write a network as PyTorch source that needs nothing but torch."""
    with refusals():
        net = read(network)
        if isinstance(net, Experiment):
            raise SpecError("This file holds an experiment: `code` takes one network.")
        from resnet_viz.codegen import to_source

        text = to_source(net, style)  # type: ignore[arg-type]  # an unknown style is refused there
        if output is not None:
            output.write_text(text, encoding="utf-8")
            err.print(f"{output}: {text.count(chr(10))} lines", markup=False, highlight=False)
    if output is None:
        typer.echo(text, nl=False)


def contest(networks: list[str], recipe: dict[str, Any], dataset: str | None = None) -> Experiment:
    """The experiment that the arguments name. Raises a refusal."""
    found = [read(text) for text in networks]
    if len(found) == 1 and isinstance(found[0], Experiment):
        if dataset is not None:
            raise SpecError("An experiment file says its data set itself: leave --dataset out.")
        merged = found[0].recipe.model_dump() | recipe
        return Experiment(contestants=found[0].contestants, dataset=found[0].dataset, recipe=Recipe(**merged))
    data = _data(dataset or "digits")
    contestants: dict[str, Network] = {}
    for net in found:
        if isinstance(net, Experiment):
            raise SpecError("An experiment file stands alone: name either one experiment or several networks.")
        fitted, changes = fit_to_dataset(net, data)
        if changes:
            err.print(f"{net.name}: " + "; ".join(changes), style="yellow", markup=False, highlight=False)
        name = net.name if net.name not in contestants else f"{net.name} ({len(contestants) + 1})"
        contestants[name] = fitted
    return Experiment(contestants=contestants, dataset=data, recipe=Recipe(**recipe))


def _data(name: str) -> str | OwnImages:
    """The data set of that name: the package's, or with "own:" before it somebody's own. Raises ``SpecError``."""
    if name in DATASETS:
        return name
    from resnet_viz.data.own_images import known, own_images

    if name.startswith(OWN):
        return own_images(name.removeprefix(OWN))
    names = ", ".join([*DATASETS, *(own.info.name for own in known())])
    raise SpecError(f"there is no data set {name[:40]!r}: use one of {names}.")


@cli.command()
def train(
    networks: Annotated[list[str], typer.Argument(help="Presets, share texts or .json files; or one experiment file.")],
    epochs: Annotated[int | None, typer.Option(help="Passes over the data (default 8).")] = None,
    batch: Annotated[int | None, typer.Option(help="Images a step (default 128).")] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate (default 0.1).")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights and batch order (default 0).")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda.")] = None,
    dataset: Annotated[str | None, typer.Option(help="digits, or own:NAME (`data add`). Default: digits.")] = None,
    precision: Annotated[str | None, typer.Option(help="fp32, tf32 or bf16 (default fp32).")] = None,
    augment: Annotated[str | None, typer.Option(help="none or crop_flip (default none).")] = None,
    engine: Annotated[str, typer.Option(help="auto, eager, or graph (a CUDA graph of each step).")] = "auto",
    name: Annotated[str | None, typer.Option(help="Name of the run.")] = None,
    deterministic: Deterministic = False,
    store: Store = None,
) -> None:
    """Train one network, or several against each other on the same batches; the app shows the run live."""
    given = {"epochs": epochs, "batch": batch, "learning_rate": lr, "seed": seed, "device": device,
             "precision": precision, "augment": augment}  # fmt: skip
    with refusals():
        experiment = contest(networks, {k: v for k, v in given.items() if v is not None}, dataset)
        from resnet_viz.runs import train as run_training

        out.print(f"{' against '.join(experiment.contestants)} on {experiment.data.name}, {experiment.steps} steps, "
                  f"seed {experiment.recipe.seed}", highlight=False, markup=False)  # fmt: skip
        with _bars(experiment) as progress:
            run = run_training(experiment, store, engine, name, progress, deterministic=deterministic)
    _finish(run)


@cli.command()
def resume(
    run: Annotated[str, typer.Argument(help="The run's id, the start of it, or 'last'.")] = "last",
    deterministic: Deterministic = False,
    store: Store = None,
) -> None:
    """Let a run that was interrupted or stopped go on from its last checkpoint, to the same final weights.

    One that is still alive is waited for; with a finished one there is nothing to do.
    """
    with refusals():
        from resnet_viz.runs import resume as resume_training

        found = _find(run, store)
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
    from resnet_viz.runs import run_data

    _table(run_data(run.store, run.id))
    if reason := run.store.row(run.id).header.get("engine_reason"):
        out.print(f"Trained by the eager engine: {reason}", markup=False, highlight=False)
    out.print(f"run {run.id}: {run.state}" + (f", {run.reason}" if run.reason else ""), markup=False, highlight=False)
    if run.state != "finished":
        raise typer.Exit(1)


def _table(data: RunData) -> None:
    from resnet_viz.draw.verdict import verdict

    table = Table("contestant", "train error", "test error", box=None, pad_edge=False)
    for contestant in data.contestants:
        rows = data.evals(contestant)
        if rows:
            table.add_row(contestant, f"{100 * rows[-1].train_error:.1f} %", f"{100 * rows[-1].test_error:.1f} %")
    out.print(table)
    said = verdict(data)
    out.print(f"{said.bold} {said.rest}", markup=False, highlight=False)


def _find(run: str, store: Path | None) -> Run:
    """The run that a word on the command line names. Raises ``SpecError`` with those that there are."""
    from resnet_viz.runs import open_runs

    runs = open_runs(store)
    ids = [one.id for one in runs.list() if one.row.task is None]
    found = ids[:1] if run == "last" else [i for i in ids if i.startswith(run)]
    if len(found) != 1:
        known = ", ".join(ids[:5]) or "none yet; `train` makes one"
        raise SpecError(f"{run[:40]!r} names {'no run' if not found else 'several runs'}; the newest are: {known}.")
    return runs.get(found[0])


data = typer.Typer(help="Your own images: take in an .npz, list what there is, forget it.", no_args_is_help=True)
cli.add_typer(data, name="data")


@data.command("add")
def add_images(
    file: Annotated[Path, typer.Argument(help="An .npz with train_x, train_y, test_x, test_y (uint8 images).")],
    name: Annotated[str, typer.Option(help="Name to call them by: `train --dataset own:NAME`.")],
) -> None:
    """Take in images of your own, to train on with `train --dataset own:NAME` or in the app."""
    with refusals():
        from resnet_viz.data.own_images import add

        _describe(add(file, name))


@data.command("list")
def list_images() -> None:
    """List your own images."""
    with refusals():
        from resnet_viz.data.own_images import directory, known

        found = known()
        if not found:
            out.print(
                f"No images yet in {directory()}: `data add FILE.npz --name NAME`.", markup=False, highlight=False
            )
        for own in found:
            _describe(own)


@data.command("remove")
def remove_images(name: Annotated[str, typer.Argument(help="Their name, as `data list` shows it.")]) -> None:
    """Forget images of your own; runs that were trained on them stay."""
    with refusals():
        from resnet_viz.data.own_images import remove

        remove(name.removeprefix(OWN))


def _describe(own: OwnImages) -> None:
    out.print(f"{own.info.name}  {own.channels} x {own.height} x {own.width}, {own.classes} classes, "
              f"{own.train:,} train and {own.test:,} test images, SHA-256 {own.sha256[:12]}",
              markup=False, highlight=False)  # fmt: skip


@cli.command()
def replay(
    run: Annotated[str, typer.Argument(help="The run's id, the start of it, or 'last'.")] = "last",
    pace: Annotated[float, typer.Option(min=0, help="Steps a second; 0 shows the end at once.")] = 20,
    store: Store = None,
) -> None:
    """Play a stored run again in the terminal: loss and first-to-last gradient ratio, step by step."""
    with refusals():
        from resnet_viz.draw.verdict import verdict

        data = _find(run, store).data
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


@cli.command()
def labs(
    check: Annotated[
        bool, typer.Option("--check", help="Run them and see whether they show what they promise.")
    ] = False,
    record: Annotated[bool, typer.Option("--record", help="Run them and write the recordings of the package.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="One lab by its name; may be repeated.")] = None,
    seeds: Annotated[str | None, typer.Option(help="One repeat each, such as 1,2,3.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """List the labs, run one (--only), or check all: exit 1 where one shows its effect in too few of the seeds."""
    with refusals():
        from resnet_viz.labs import find
        from resnet_viz.labs import labs as all_labs
        from resnet_viz.labs.check import check as run_all

        chosen = [find(name) for name in only] if only else list(all_labs())
        if not (check or record or only):
            return _list_labs(chosen)
        repeats = _seeds(seeds or ("0,1,2" if record else "1,2,3" if check else "0"))
        found = []
        with err.status("") as status:
            for one in run_all(chosen, repeats, device, status.update):
                found.append(one)
                _recorded(one.observation) if record else None
                if not check:
                    _observed(one.observation)
    _checked(found)
    if check and not all(one.good for one in found):
        raise typer.Exit(1)
    return None


def _seeds(text: str) -> tuple[int, ...]:
    """The seeds of "1,2,3". Raises ``SpecError``."""
    try:
        seeds = tuple(dict.fromkeys(int(word) for word in text.split(",")))
    except ValueError as error:
        raise SpecError(f"--seeds takes whole numbers such as 1,2,3, not {text[:40]!r}.") from error
    if not all(0 <= seed < 2**31 for seed in seeds) or len(seeds) > 100:
        raise SpecError("--seeds takes up to 100 whole numbers from 0 to 2147483647.")
    return seeds


def _list_labs(chosen: list[Lab]) -> None:
    table = Table("", "lab", "question", box=None, pad_edge=False)
    for lab in chosen:
        table.add_row(str(lab.number), lab.slug, lab.question)
    out.print(table)


def _observed(seen: Observation) -> None:
    from rich.markdown import Markdown

    rows = seen.table()
    table = Table(*(rows[0] if rows else ()), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row.values())
    out.print(table)
    out.print(Markdown(seen.explanation or "It did not come to its end, so there is nothing to explain."))


def _recorded(seen: Observation) -> None:
    from resnet_viz.labs.recorded import save

    err.print(f"{save(seen)}", markup=False, highlight=False)


def _checked(found: list[Checked]) -> None:
    table = Table("lab", "seconds a repeat", "processor", "shows", "", box=None, pad_edge=False)
    for one in found:
        table.add_row(
            one.lab.slug,
            f"{one.seconds:.1f}",
            f"{one.processor:.1f}",
            one.words,
            "" if one.good else f"expected: {one.lab.expected}",
        )
    out.print(table)
    out.print(f"All labs, one repeat each: {sum(one.seconds for one in found):.0f} s, "
              f"{sum(one.processor for one in found):.0f} s of processor time.", highlight=False)  # fmt: skip


@cli.command()
def app(
    port: Annotated[int | None, typer.Option(help="Port (default: the next free one from 8501).")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    model: Annotated[str | None, typer.Option(help="Your own model: package.module:factory.")] = None,
    input: Annotated[str, typer.Option(help="The size of one input of it, without the batch.")] = "3x224x224",
) -> None:
    """Start the app in the browser, with a model of your own if you like."""
    script = Path(__file__).resolve().parents[1] / "app.py"
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.address", host]
    environment = os.environ | (own_model(model, input) if model is not None else {})
    serve(command + (["--server.port", str(port)] if port else []), script.parent, environment)


def serve(command: list[str], directory: Path, environment: dict[str, str]) -> None:
    """Become the server, so that no process waits for it; where that is not possible, wait and exit with its status."""
    if os.name != "posix":
        raise typer.Exit(subprocess.call(command, cwd=directory, env=environment))  # noqa: S603
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(directory)
    os.execve(command[0], command, environment)  # noqa: S606


def own_model(model: str, size: str) -> dict[str, str]:
    """The variables that hand a model to the server process, once it has been made in a process of its own.

    Exits with the status of that process where it refuses: what the factory takes and does ends with it.
    """
    status = subprocess.call([sys.executable, "-m", "resnet_viz", "check-model", "--", model, size])  # noqa: S603
    if status:
        raise typer.Exit(status)
    return {"RESNET_VIZ_MODEL": model, "RESNET_VIZ_MODEL_INPUT": size, "RESNET_VIZ_MODEL_PATH": str(Path.cwd())}


@cli.command(hidden=True)
def check_model(model: str, size: str) -> None:
    """Make a model of one's own once, as the app will, or refuse in one sentence."""
    with refusals():
        from resnet_viz.inspect.loading import input_shape, load_model

        input_shape(size)
        load_model(model, Path.cwd())
