"""What a person can do to a run from a page: start, start again, rewind, resume. Each goes through the store alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from resnet_viz.runs import RunRow, Store, ensure_worker, status
from resnet_viz.spec import Experiment

ALIVE = frozenset({"queued", "running", "paused"})
TRAINED = ALIVE - {"queued"}
"""A process has these in hand."""


def find_run(store: Store, run: str) -> RunRow | None:
    """The run, also from the bin, or None when the store has none of that id."""
    try:
        return store.row(run)
    except KeyError:
        return None


def experiment_of(row: RunRow) -> Experiment | None:
    """The run's experiment, or None when it was not made from one of ours (a recorded training loop)."""
    try:
        return Experiment.model_validate_json(row.experiment_json)
    except ValidationError:
        return None


def is_alive(row: RunRow) -> bool:
    """True while a process trains the run, or will take it."""
    return status(row)[0] in ALIVE


def start(store: Store, experiment: Experiment, *, name: str | None = None, paused: bool = False) -> str:
    """Put a new run into the queue and see that a worker lives; gives its id.

    A paused one gets its command before any worker can take it, so that it stands at step 0.
    """
    run = store.create(experiment, name=name, state="new" if paused else "queued")
    if paused:
        store.command(run, "pause")
        store.set_state(run, "queued")
    ensure_worker(store)
    return run


def again(store: Store, row: RunRow, *, paused: bool = False) -> str | None:
    """Stop the run if it still lives, and start its experiment anew under its name; gives the new id.

    The same experiment has the same seed and so the same initial weights: paused, this is the rewind. None when
    the run was not made from an experiment of ours.
    """
    experiment = experiment_of(row)
    if experiment is None:
        return None
    if is_alive(row):
        store.command(row.id, "stop")
    return start(store, experiment, name=row.name, paused=paused)


def can_resume(row: RunRow) -> bool:
    """True for a run that was interrupted or stopped, and can go on from its last checkpoints."""
    return (
        not row.recorded and row.task is None and row.deleted is None and status(row)[0] in ("interrupted", "stopped")
    )


def resume(store: Store, run: str) -> bool:
    """Queue it to go on from its last checkpoints; False when it is gone, or somebody else has done so already."""
    try:
        queued = store.again(run)
    except KeyError:
        return False
    ensure_worker(store)
    return queued


def wished(experiment: Experiment, command: Mapping[str, Any]) -> Experiment:
    """The experiment with the pace and the learning rate that the control bar had when Start was pressed."""
    changes = {"pace": command.get("pace"), "learning_rate": command.get("lr")}
    recipe = experiment.recipe.model_dump() | {key: value for key, value in changes.items() if value is not None}
    return Experiment.model_validate({**experiment.model_dump(), "recipe": recipe})
