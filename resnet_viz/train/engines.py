"""Which engine trains a run: the graph engine on a GPU where nothing speaks against it, else the eager one.

The eager one with compiled blocks is by choice only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from ..data import Dataset
from ..spec import Experiment, SpecError
from .checkpoints import Past
from .compiled_engine import UNTIL, CompiledEngine
from .engine import EagerEngine, on_device
from .graph_engine import CaptureError, GraphEngine
from .seeds import members
from .selection import selected

ENGINES = ("auto", "eager", "graph", "compile")
ONE_BY_ONE = "Quantities that are measured at periods of their own are not captured in a graph."
INSIDE = "Branch ratio and dead units are measured inside the blocks, which are not compiled then."
ROUNDS = (
    "Compiled blocks take over at a step that nobody can foretell, and round otherwise than eager ones: nothing would "
    "repeat itself bit for bit. Leave out --deterministic, or use another engine than compile."
)


@dataclass(frozen=True)
class Choice:
    """``kind`` is "eager", "graph" or "compile"; ``reason`` one sentence, where there is something to say of it."""

    kind: str
    reason: str | None = None


def choose_engine(wanted: str, experiment: Experiment, device: torch.device) -> Choice:
    """The engine for "auto", "eager", "graph" or "compile". Raises ``SpecError`` for any other word."""
    if wanted not in ENGINES:
        raise SpecError(f"there is no engine {wanted[:40]!r}: use one of {', '.join(ENGINES)}", field="engine")
    if wanted == "eager":
        return Choice("eager")
    if wanted == "compile":
        return _compiling(experiment, device)
    if device.type != "cuda":
        return Choice("eager", "CUDA graphs need an NVIDIA GPU." if wanted == "graph" else None)
    if experiment.recipe.probes.periods:
        return Choice("eager", ONE_BY_ONE)
    return Choice("graph")


def check_repeats(engine: str, *, deterministic: bool) -> None:
    """Raise ``SpecError`` where equal bits are asked for of an engine that cannot give them."""
    if deterministic and engine == "compile":
        raise SpecError(ROUNDS, field="engine")


def _compiling(experiment: Experiment, device: torch.device) -> Choice:
    if device.type not in ("cpu", "cuda"):
        return Choice("eager", "torch.compile is used on a CPU or an NVIDIA GPU.")
    if not {"branch_ratio", "dead_units"}.isdisjoint(experiment.recipe.probes.periods):
        return Choice("eager", INSIDE)
    return Choice("compile", UNTIL)


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
    kind = CompiledEngine if choice.kind == "compile" else EagerEngine
    return _built(kind, experiment, taken, layers, device, past), choice


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
