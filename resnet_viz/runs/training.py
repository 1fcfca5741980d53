"""Training in the calling process: for scripts, notebooks and the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .liveness import process_identity
from .places import locate
from .run_store import Run
from .store import Store

if TYPE_CHECKING:
    from ..spec import Experiment
    from .executor import Progress

ENGINES = ("auto", "eager")


def train(
    experiment: Experiment,
    store: Store | str | Path | None = None,
    engine: str = "auto",
    name: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Run:
    """Train all contestants and wait until they are done; gives the run, whose state says how it went.

    ``store`` is a directory (see :func:`~resnet_viz.runs.open_runs`). The app shows such a run live like its own,
    and steers it; when this process dies it is shown as interrupted. ``progress`` is called about ten times a second
    for each contestant. A run that fails is returned, with its reason. Raises ``ValueError`` for an unknown engine,
    ``SpecError`` for what is no valid experiment and for a device that is not there, ``StoreError`` (a ``ValueError``
    too) for a directory that cannot hold the runs, and ``KeyboardInterrupt`` after it has stopped the run.
    """
    if engine not in ENGINES:
        raise ValueError(f"there is no engine {engine!r}: use one of {', '.join(ENGINES)}")
    from ..train.devices import choose
    from .executor import execute

    experiment = _checked(experiment)
    choose(experiment.recipe.device)
    if not isinstance(store, Store):
        store = Store(locate(store).directory)
    run = store.create(experiment, name=name, owner=process_identity())
    execute(store, run, progress=progress)
    return Run(store, run)


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
