"""Several seeds of one contest: every contestant trains once for each seed, side by side, and is shown as a band.

On a CPU threads side by side are faster than one batched step of all seeds (``torch.func.stack_module_state`` with
``vmap``): benchmarks/seeds.py measures it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..spec import Experiment, Network, Recipe

LEAST, MOST = "min/", "max/"
"""What stands before a signal's name for the least and the greatest of all seeds; its own name is the median's."""
SHARED = "lr"
"""The one signal that all seeds have alike."""


@dataclass(frozen=True)
class Member:
    """One seed of one contestant; ``key`` names it where single ones are meant: threads, checkpoints, refusals."""

    key: str
    contestant: str
    network: Network
    recipe: Recipe


def members(experiment: Experiment) -> tuple[Member, ...]:
    """All that train: the contestants in order, each with its seeds in order."""
    recipe = experiment.recipe
    if recipe.seeds == 1:
        return tuple(Member(name, name, network, recipe) for name, network in experiment.contestants.items())
    return tuple(
        Member(
            f"{name}/seed {seed}", name, network, recipe.model_copy(update={"seed": seed, "seeds": 1})
        )
        for name, network in experiment.contestants.items()
        for seed in range(recipe.seed, recipe.seed + recipe.seeds)
    )  # fmt: skip


def band_names(signals: Sequence[str], seeds: int) -> tuple[str, ...]:
    """The columns of a contestant's telemetry: its signals, and with several seeds the least and greatest of each."""
    if seeds == 1:
        return tuple(signals)
    each = [name for name in signals if name != SHARED]
    return (*signals, *(LEAST + name for name in each), *(MOST + name for name in each))


def band(rows: Sequence[NDArray[np.float32]], signals: Sequence[str]) -> NDArray[np.float32]:
    """Rows of all seeds, each float32 [steps, signals], as one [steps, band]: median, then least, then greatest.

    Where one of them is NaN so is the band.
    """
    stacked = np.stack(rows)
    each = [column for column, name in enumerate(signals) if name != SHARED]
    parts = (np.median(stacked, axis=0), stacked.min(axis=0)[:, each], stacked.max(axis=0)[:, each])
    return np.concatenate(parts, axis=1, dtype=np.float32)
