"""The learning rate of each step: warm-up, schedule, and what a person changed while the run went on."""

from __future__ import annotations

import math

from ..spec import Recipe

STEP_DROPS = (0.5, 0.75)
"""Fractions of all steps at which the "step" schedule divides by ten (He 2016a, Sect. 4.2)."""


class Schedule:
    """Learning rates by step (0 is the first update).

    A change by hand holds from its step on: the new value is the learning rate at once, the warm-up is over,
    and what the schedule lowers later it lowers in the same proportion.
    """

    def __init__(self, recipe: Recipe, steps: int) -> None:
        self._recipe = recipe
        self._steps = steps
        self._changes: list[tuple[int, float]] = []

    def change(self, step: int, value: float) -> None:
        """From ``step`` on the learning rate is ``value``, until the next change; of one step the last one holds."""
        self._changes.append((step, value))
        self._changes.sort(key=lambda change: change[0])

    @property
    def changes(self) -> tuple[tuple[int, float], ...]:
        """What was changed by hand, as (first step, value) in order."""
        return tuple(self._changes)

    def __getitem__(self, step: int) -> float:
        """The learning rate of that step."""
        for since, value in reversed(self._changes):
            if since <= step:
                return value * self._decay(step) / self._decay(since)
        recipe = self._recipe
        warm = min(1.0, (step + 1) / recipe.warmup_steps) if recipe.warmup_steps else 1.0
        return recipe.learning_rate * warm * self._decay(step)

    def _decay(self, step: int) -> float:
        done = step / self._steps
        if self._recipe.schedule == "step":
            return 0.1 ** sum(done >= drop for drop in STEP_DROPS)
        if self._recipe.schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * done))
        return 1.0
