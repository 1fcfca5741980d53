"""What an experiment asks of the machine, by arithmetic: memory for a run, time for measuring it. Nothing is built."""

from __future__ import annotations

from math import prod
from pathlib import Path

import psutil
import torch

from ..inspect import Summary, summarize
from ..spec import Experiment, Network, OwnImages, SpecError
from ..spec.datasets import info_of
from .engine import widest_map
from .evaluation import chunk_size

FLOAT = 4
EVALUATION_MAPS = 3
"""Maps of a whole chunk that live at once while a network is evaluated: a layer's input and output, and the
shortcut's input."""
MEASURING_SECONDS = 15.0
"""What takes longer, building and one step and one evaluation together, is not measured."""
MULTIPLY_ADDS = {"cpu": 20e9, "cuda": 1e12, "mps": 200e9}
"""Multiply-adds a second of one contestant; one core of a server did 11e9 with 16 to 64 channels and 30e9 to 40e9
with 64 to 512. For a GPU a cautious value: any does more."""
ORTHOGONAL = 5e9
"""Multiply-adds a second of the QR decomposition behind orthogonal weights, rows squared times columns, always on
the CPU; one core of a server did 6e9 to 12e9."""
CGROUPS = (
    # (directory, limit, use, what is said in memory.stat of file pages that can be dropped)
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current", "inactive_file"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Linux control groups, version 2 and version 1, as a container sees its own."""


def memory_needed(experiment: Experiment, at_once: int = 6) -> int:
    """Bytes of all contestants together, of which ``at_once`` compute at the same time (there are at most six).

    Each keeps weights, gradients, momentum, the evaluation's copy of the weights, what the optimizer needs to add the
    weight decay to the gradients, and what probes keep from one step to the next. Those that compute also hold the
    stored activations of a step or the maps of an evaluation's chunk, whichever is more. Images of somebody's own are
    there once for all. A lower bound: the libraries' work space comes on top (processes were seen to grow by 1.1 to 1.5
    times as much, by 2 times where the whole is a few MB).
    """
    kept, passing = 0, []
    spans = sum(key in experiment.recipe.probes.periods for key in ("grad_cosine", "grad_snr"))
    for network in experiment.contestants.values():
        counted = summarize(network, experiment.recipe.batch)
        kept += (5 + spans) * FLOAT * counted.params
        activations = counted.memory - 3 * FLOAT * counted.params
        passing.append(max(activations, _evaluation_maps(network, counted, experiment.data.train)))
    seeds = experiment.recipe.seeds
    return _own_images(experiment) + seeds * kept + sum(sorted(seeds * passing, reverse=True)[:at_once])


def _own_images(experiment: Experiment) -> int:
    """Bytes of somebody's own images; those of the package are a few hundred kB."""
    if not isinstance(experiment.dataset, OwnImages):
        return 0
    whole, recipe = info_of(experiment.dataset), experiment.recipe
    copies = recipe.seeds * recipe.train_images if recipe.train_images is not None else 0  # each seed takes its own
    return FLOAT * (whole.train + whole.test + copies) * whole.channels * whole.height * whole.width


def _evaluation_maps(network: Network, counted: Summary, train: int) -> int:
    images = min(train, chunk_size(widest_map(network)))
    return EVALUATION_MAPS * FLOAT * images * max(prod(row.shape) for row in counted.rows)


def free_memory(device: torch.device) -> int:
    """Bytes that the device has free; on a CPU no more than the container's limit leaves."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    free = int(psutil.virtual_memory().available)
    return min([free, *_container_memory()])


def _container_memory() -> list[int]:
    found = []
    for directory, limit, use, reclaimable in CGROUPS:
        try:
            most, used = int((directory / limit).read_text()), int((directory / use).read_text())
        except (OSError, ValueError):  # no such control group, or "max": no limit
            continue
        try:
            stat = dict(line.split() for line in (directory / "memory.stat").read_text().splitlines())
            used -= int(stat[reclaimable])
        except (OSError, ValueError, KeyError):
            pass
        found.append(max(0, most - used))
    return found


def check_memory(experiment: Experiment, device: torch.device, at_once: int = 6) -> int:
    """:func:`memory_needed`, or ``SpecError`` when it is more than the device has free."""
    needed, free = memory_needed(experiment, at_once), free_memory(device)
    if needed > free:
        raise SpecError(
            f"This takes {needed / 1e9:.2f} GB of memory and the device has {free / 1e9:.2f} GB free: "
            "use a smaller batch or smaller networks."
        )
    return needed


def measuring_seconds(experiment: Experiment, device: torch.device, at_once: int) -> float:
    """About how long it takes to build the contestants, train one step and evaluate once, by multiply-adds alone.

    A step is three forward passes (one forward, two backward); an evaluation one for each image, two where the
    training set has to be taken in several chunks.
    """
    data = experiment.data
    batch = min(experiment.recipe.batch, data.train)
    building = passing = 0.0
    for network in experiment.contestants.values():
        counted = summarize(network)
        passes = 1 if data.train <= chunk_size(widest_map(network)) else 2
        images = 3 * batch + passes * data.train + data.test
        passing = max(passing, counted.macs * images / MULTIPLY_ADDS[device.type])
        if network.init.scheme == "orthogonal":
            building += sum(_orthogonal(row.params, row.shape[0]) for row in counted.rows if row.kind != "norm")
    count = experiment.recipe.seeds * len(experiment.contestants)
    return experiment.recipe.seeds * building / ORTHOGONAL + passing * max(1.0, count / at_once)


def _orthogonal(params: int, rows: int) -> float:
    """Multiply-adds of one weight's QR decomposition: the shorter side squared times the longer."""
    return float(params) * min(rows, params / rows)


def check_measuring(experiment: Experiment, device: torch.device, at_once: int) -> None:
    """``SpecError`` when measuring would hold up everything else; such an experiment can still be run."""
    seconds = measuring_seconds(experiment, device, at_once)
    if seconds > MEASURING_SECONDS:
        raise SpecError(
            f"Too large to measure here: building and one step may take {seconds:,.0f} s. "
            "It can be started all the same; a smaller network or batch is faster."
        )
