"""What the header of a run says: versions, device, data set, seed, steps, start, and the contestants' cards."""

from __future__ import annotations

import time
from typing import Any

import torch

from ..spec import Experiment, OwnImages
from ..train.devices import describe
from .store import RunRow
from .versions import versions


def on_its_device(row: RunRow, experiment: Experiment) -> Experiment:
    """The experiment on the kind of device that the run was begun on: another one gives other numbers."""
    kind = row.header.get("device", {}).get("kind")
    if kind not in ("cpu", "cuda", "mps"):
        return experiment
    return experiment.model_copy(update={"recipe": experiment.recipe.model_copy(update={"device": kind})})


def header(experiment: Experiment, found: list[dict[str, Any]], device: torch.device) -> dict[str, Any]:
    """A run's header: versions, device, data set, seed, steps, start, and the contestants' cards."""
    own = experiment.dataset
    return ({"images_sha256": own.sha256} if isinstance(own, OwnImages) else {}) | {
        "versions": dict(versions()),
        "device": describe(device, len(found)),
        "dataset": experiment.data.name,
        "classes": experiment.data.classes,
        "seed": experiment.recipe.seed,
        "seeds": experiment.recipe.seeds,
        "steps": experiment.steps,
        "steps_per_epoch": experiment.steps_per_epoch,
        "started": time.time(),
        "contestants": found,
    }
