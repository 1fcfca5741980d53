"""Training and resuming in the calling process: for scripts, notebooks and the command line."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .liveness import process_identity, status
from .places import locate
from .run_store import Run
from .store import Store

if TYPE_CHECKING:
    from ..spec import Experiment
    from .executor import Progress

WAIT_SECONDS = 0.2


def train(
    experiment: Experiment,
    store: Store | str | Path | None = None,
    engine: str = "auto",
    name: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    *,
    deterministic: bool = False,
) -> Run:
    """Train all contestants and wait until they are done; gives the run, whose state says how it went.

    ``store`` is a directory (see :func:`~resnet_viz.runs.open_runs`). The app shows such a run live like its own, and
    steers it; when this process dies it is shown as interrupted, and :func:`resume` lets it go on. ``deterministic``
    asks torch for algorithms that repeat themselves bit for bit (on a CPU they all do); an operation that has none ends
    the run with torch's own sentence. ``progress`` is called about ten times a second for each contestant. A run that
    fails is returned, with its reason. ``engine``: "graph" replays each step as CUDA graphs, "eager" does not, "auto"
    takes the former where it can, "compile" is eager until ``torch.compile`` has compiled its blocks in the background
    (``deterministic`` is refused with it); the run's header says which it was, and why. Raises ``ValueError`` for an
    unknown engine, ``SpecError`` for what is no valid experiment and for a device that is not there, ``StoreError`` (a
    ``ValueError`` too) for a directory that cannot hold the runs, and ``KeyboardInterrupt`` after it has stopped the
    run.
    """
    from ..train.devices import choose
    from ..train.engines import check_repeats, choose_engine
    from .executor import execute

    experiment = _checked(experiment)
    check_images(experiment)
    check_repeats(engine, deterministic=deterministic)
    choose_engine(engine, experiment, choose(experiment.recipe.device, experiment.recipe.precision))
    if not isinstance(store, Store):
        store = Store(locate(store).directory)
    run = store.create(experiment, name=name, owner=process_identity())
    wanted = ({"deterministic": True} if deterministic else {}) | ({"engine": engine} if engine != "auto" else {})
    if wanted:
        store.set_header(run, wanted)
    execute(store, run, progress=progress)
    return Run(store, run)


def resume(
    run: Run | str,
    store: Store | str | Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    *,
    deterministic: bool = False,
    waiting: Callable[[str], None] | None = None,
) -> Run:
    """Let a run go on from its last checkpoints in this process, and wait until it is done; gives the run.

    It ends with the same weights, telemetry and evaluations as if it had never been interrupted: bit for bit on a
    CPU. A run that is still alive is waited for (``waiting`` is told its state each time that it changes); a finished
    one is given back as it is, and so is one that somebody stops meanwhile. ``run`` is a run or its id, in ``store``.
    ``deterministic`` as for :func:`train`; a run that was begun with it keeps it. Raises ``KeyError`` when there is no
    such run, ``SpecError`` when it cannot go on here: it lies in the bin, was recorded from a training loop of
    somebody's own, or was begun on a device that is not there.
    """
    if isinstance(run, Run):
        store, run = run.store, run.id
    if not isinstance(store, Store):
        store = Store(locate(store).directory)
    state = status(store.row(run))[0]
    if state in ("running", "paused"):
        state = _wait(store, run, waiting)
        if state in ("stopped", "failed"):
            return Run(store, run)
    if state != "finished":
        _resume(store, run, progress, deterministic)
    return Run(store, run)


def _wait(store: Store, run: str, waiting: Callable[[str], None] | None) -> str:
    """The state of a run that nothing trains any more."""
    told = None
    while (state := status(store.row(run))[0]) in ("running", "paused"):
        if waiting is not None and state != told:
            waiting(state)
        told = state
        time.sleep(WAIT_SECONDS)
    return state


def _resume(store: Store, run: str, progress: Callable[[Progress], None] | None, deterministic: bool) -> None:
    from pydantic import ValidationError

    from ..spec import Experiment, SpecError
    from ..train.devices import choose
    from ..train.engines import check_repeats
    from .executor import execute
    from .headers import on_its_device

    row = store.row(run)
    check_repeats(str(row.header.get("engine")), deterministic=deterministic)
    if row.deleted is not None:
        raise SpecError(f"The run {run} lies in the bin: restore it first.")
    try:
        experiment = Experiment.model_validate_json(row.experiment_json)
    except ValidationError as error:
        raise SpecError(f"The run {run} comes from a training loop of somebody's own: only that can go on.") from error
    check_images(experiment)
    choose(on_its_device(row, experiment).recipe.device)
    mine = process_identity()
    if not (store.claim(run, *mine) if row.state == "queued" else store.again(run, mine)):
        raise SpecError(f"Another process has just taken the run {run}.")
    if deterministic:
        store.set_header(run, store.row(run).header | {"deterministic": True})
    execute(store, run, progress=progress)


def check_images(experiment: Experiment) -> None:
    """Raise ``SpecError`` when the experiment is about somebody's own images and this machine has not those."""
    from ..data import own_images
    from ..spec import OwnImages

    if isinstance(experiment.dataset, OwnImages):
        own_images.check(experiment.dataset)


def _checked(experiment: Experiment) -> Experiment:
    """The same experiment, validated again, since ``model_copy(update=...)`` skips validation."""
    from pydantic import ValidationError

    from ..spec import Experiment, SpecError, sentence

    if not isinstance(experiment, Experiment):
        raise SpecError(
            f"an Experiment is needed here, not {type(experiment).__name__}: "
            "rv.Experiment(contestants={name: network}) makes one"
        )
    try:
        return Experiment.model_validate(experiment.model_dump(warnings=False))
    except ValidationError as error:
        raise SpecError(sentence(error)) from error
