"""What a person can do to a run from a page: start, start again, rewind, resume. Each goes through the store alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from resnet_viz.runs import Event, RunRow, Store, ensure_worker, status
from resnet_viz.spec import Experiment
from resnet_viz.train.changes import KINDS

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


def start(
    store: Store,
    experiment: Experiment,
    *,
    name: str | None = None,
    paused: bool = False,
    changes: Sequence[Event] = (),
) -> str:
    """Put a new run into the queue and see that a worker lives; gives its id.

    A paused one gets its command before any worker can take it, so that it stands at step 0. ``changes`` are another
    run's (:func:`changes_made`): they are made at the same steps.
    """
    waits = paused or bool(changes)
    run = store.create(experiment, name=name, state="new" if waits else "queued")
    for event in changes:
        store.add_event(run, event.kind, event.data | {"planned": 1}, contestant=event.contestant, step=event.step)
    if paused:
        store.command(run, "pause")
    if waits:
        store.set_state(run, "queued")
    ensure_worker(store)
    return run


def changes_made(store: Store, run: str) -> list[Event]:
    """What was changed by hand while the run went on and bears on its numbers: learning rates, shortcuts and so on."""
    return [event for event in store.events(run) if event.kind in KINDS and event.step is not None]


def again(store: Store, row: RunRow, *, paused: bool = False, changes: bool = False) -> str | None:
    """Stop the run if it still lives, and start its experiment anew under its name; gives the new id.

    The same experiment has the same seed and so the same initial weights: paused, this is the rewind. With ``changes``
    what was changed by hand is changed again, at the same steps, and the numbers are the same; without, the run goes as
    its recipe says. None when the run was not made from an experiment of ours.
    """
    experiment = experiment_of(row)
    if experiment is None:
        return None
    if is_alive(row):
        store.command(row.id, "stop")
    made = changes_made(store, row.id) if changes else ()
    return start(store, experiment, name=row.name, paused=paused, changes=made)


def can_resume(row: RunRow) -> bool:
    """True for a run that was interrupted or stopped, and can go on from its last checkpoints."""
    return not row.recorded and row.deleted is None and status(row)[0] in ("interrupted", "stopped")


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
