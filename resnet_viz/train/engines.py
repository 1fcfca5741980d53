"""Which engine trains a run: the graph engine on a GPU where nothing speaks against it, else the eager one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from ..data import Dataset
from ..spec import Experiment, SpecError
from .checkpoints import Past
from .engine import EagerEngine
from .graph_engine import CaptureError, GraphEngine

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
    plan = getattr(experiment.recipe, "probes", None)
    if plan is not None and plan.periods:
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
    """One engine for each contestant, all of one kind, at its checkpoint if it has one; and the kind that it became.

    Raises ``SpecError`` when a network cannot be built, ``CheckpointError`` for a checkpoint of another network.
    """
    if choice.kind == "graph":
        try:
            return _built(GraphEngine, experiment, data, layers, device, past), choice
        except (CaptureError, torch.OutOfMemoryError) as error:
            lines = str(error).splitlines() or ["The step could not be captured."]
            choice = Choice("eager", lines[0])
    return _built(EagerEngine, experiment, data, layers, device, past), choice


def _built(
    kind: type[EagerEngine],
    experiment: Experiment,
    data: Dataset,
    layers: Mapping[str, Sequence[str]],
    device: torch.device,
    past: Past | None,
) -> dict[str, EagerEngine]:
    engines = {
        name: kind(network, experiment.recipe, data, layers[name], device)
        for name, network in experiment.contestants.items()
    }
    for name, found in (past.checkpoints if past else {}).items():
        engines[name].restore(found.tensors, found.place.step, computed=found.place.computed)
    for engine in engines.values():
        if isinstance(engine, GraphEngine):
            engine.prepare()
    return engines
