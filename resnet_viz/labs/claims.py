"""The claim beside the evidence: each number of this run, what a prototype saw, what a paper printed."""

from __future__ import annotations

from .lab import Effect
from .numbers import written
from .observation import Observation

PROTOTYPE = "Prototype, 3 seeds"
ELSEWHERE = "Prototype on other data: digits, 3 seeds"
"""The same where the run was larger than the prototype."""


def claims(observation: Observation) -> list[dict[str, str]]:
    """One row for each of the lab's pieces of evidence; "not measured" where this run has no such number."""
    rows = []
    published = any(one.published for one in observation.lab.evidence)
    prototype = any(one.prototype for one in observation.lab.evidence)
    for one in observation.lab.evidence:
        number = observation.numbers.get(one.number)
        row = {"What": one.words, observation.name: "not measured" if number is None else f"{number:{one.style}}"}
        row |= {ELSEWHERE if observation.lab.enlarged else PROTOTYPE: one.prototype or "-"} if prototype else {}
        row |= {"Published": one.published or "-"} if published else {}
        rows.append(row)
    return rows


def thresholds(observation: Observation) -> list[dict[str, str]]:
    """The numbers that decide, with where the verdict draws its lines."""
    return [_threshold(observation, effect) for effect in observation.lab.effects]


def _threshold(observation: Observation, effect: Effect) -> dict[str, str]:
    number = observation.numbers.get(effect.number)
    return {
        "What decides": effect.words,
        observation.name: "not measured" if number is None else f"{number:{effect.style}}",
        "Clear effect from": written(effect.present, effect.style),
        "Other way round from": written(effect.reversed, effect.style),
    }
