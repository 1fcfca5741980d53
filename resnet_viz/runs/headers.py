"""What the header of a run says: versions, device, data set, seed, steps, start, and the contestants' cards."""

from __future__ import annotations

import platform
import time
from typing import Any

import torch

from .. import __version__
from ..spec import Experiment, OwnImages
from ..train.devices import describe
from .store import RunRow


def on_its_device(row: RunRow, experiment: Experiment) -> Experiment:
    """The experiment on the kind of device that the run was begun on: another one gives other numbers."""
    kind = row.header.get("device", {}).get("kind")
    if kind not in ("cpu", "cuda"):
        return experiment
    return experiment.model_copy(update={"recipe": experiment.recipe.model_copy(update={"device": kind})})


def header(experiment: Experiment, found: list[dict[str, Any]], device: torch.device) -> dict[str, Any]:
    """A run's header: versions, device, data set, seed, steps, start, and the contestants' cards."""
    own = experiment.dataset
    return ({"images_sha256": own.sha256} if isinstance(own, OwnImages) else {}) | {
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "resnet_viz": __version__},
        "device": describe(device, len(found)),
        "dataset": experiment.data.name,
        "classes": experiment.data.classes,
        "seed": experiment.recipe.seed,
        "steps": experiment.steps,
        "steps_per_epoch": experiment.steps_per_epoch,
        "started": time.time(),
        "contestants": found,
    }
