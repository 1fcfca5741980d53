"""Which engine trains a run: the graph engine on a GPU where nothing speaks against it, else the eager one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from ..data import Dataset
from ..spec import Experiment, SpecError
from .checkpoints import Past
from .engine import EagerEngine, on_device
from .graph_engine import CaptureError, GraphEngine
from .seeds import members
from .selection import selected

ENGINES = ("auto", "eager", "graph")


@dataclass(frozen=True)
class Choice:
    """``kind`` is "eager" or "graph"; ``reason`` one sentence when it is not the one that was wanted, or hoped for."""

    kind: str
    reason: str | None = None


def choose_engine(wanted: str, experiment: Experiment, device: torch.device) -> Choice:
    """The engine for "auto", "eager" or "graph". Raises ``SpecError`` for any other word."""
    if wanted not in ENGINES:
        raise SpecError(f"there is no engine {wanted[:40]!r}: use one of {', '.join(ENGINES)}", field="engine")
    if wanted == "eager":
        return Choice("eager")
    if device.type != "cuda":
        return Choice("eager", "CUDA graphs need an NVIDIA GPU." if wanted == "graph" else None)
    if experiment.recipe.probes.periods:
        return Choice("eager", "Quantities that are measured at periods of their own are not captured in a graph.")
    return Choice("graph")


def build_engines(
    choice: Choice,
    experiment: Experiment,
    data: Dataset,
    layers: Mapping[str, Sequence[str]],
    device: torch.device,
    past: Past | None = None,
) -> tuple[dict[str, EagerEngine], Choice]:
    """One engine for each seed of each contestant, at its checkpoint if it has one; all of one kind, and which.

    ``data`` is the whole data set, on the CPU; each seed takes of it what its recipe says.
    Raises ``SpecError`` when a network cannot be built, ``CheckpointError`` for a checkpoint of another network.
    """
    taken = _taken(experiment, data, device)
    if choice.kind == "graph":
        try:
            return _built(GraphEngine, experiment, taken, layers, device, past), choice
        except (CaptureError, torch.OutOfMemoryError) as error:
            lines = str(error).splitlines() or ["The step could not be captured."]
            choice = Choice("eager", lines[0])
    return _built(EagerEngine, experiment, taken, layers, device, past), choice


def _taken(experiment: Experiment, data: Dataset, device: torch.device) -> dict[int, Dataset]:
    """By seed, on the device; there once where all take the same."""
    taken = {member.recipe.seed: selected(data, member.recipe) for member in members(experiment)}
    placed = {id(found): on_device(found, device) for found in taken.values()}
    return {seed: placed[id(found)] for seed, found in taken.items()}


def _built(
    kind: type[EagerEngine],
    experiment: Experiment,
    data: Mapping[int, Dataset],
    layers: Mapping[str, Sequence[str]],
    device: torch.device,
    past: Past | None,
) -> dict[str, EagerEngine]:
    engines = {
        member.key: kind(member.network, member.recipe, data[member.recipe.seed], layers[member.contestant], device)
        for member in members(experiment)
    }
    past = past or Past()
    for name, found in past.checkpoints.items():
        for change in past.settled(name):  # first: it may add layers, whose state is then restored
            engines[name].steer(change)
        engines[name].restore(found.tensors, found.place.step, computed=found.place.computed)
    for engine in engines.values():
        if isinstance(engine, GraphEngine):
            engine.prepare()
    return engines
