"""Which steps make up one box: the module's own hierarchy, cut at the level where it is a row of stages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby

from .foreign import Part, Step

MOSTLY = 0.6
"""A container with more than this share of all steps is opened, unless it is a row of equal blocks."""
EQUAL = 0.7
"""Share of one class among a container's children from which it is a row of equal blocks."""


def grouped(steps: Sequence[Step], class_of: Callable[[str], str]) -> tuple[tuple[Step, ...], tuple[Part, ...]]:
    """The steps with stage and block filled in, and the stages; ``class_of`` gives the class name at a path.

    A stage is a run of steps inside one container at the level of the cut; a block is a run inside one child of it
    that is a container too. Steps of the cut's own level are in no stage.
    """
    root = _cut(steps, class_of)
    found: list[Step] = []
    parts: list[Part] = []
    for name, run in groupby(steps, key=lambda step: _child(root, step)):
        inside = list(run)
        if not name or _is_single(inside, name):
            found += inside
            continue
        numbered, blocks = _blocks(inside, name, len(parts) + 1)
        parts.append(Part(name, class_of(name), len(blocks), len(set(map(class_of, blocks))) <= 1))
        found += numbered
    return tuple(found), tuple(parts)


def _blocks(inside: list[Step], stage: str, number: int) -> tuple[list[Step], list[str]]:
    found: list[Step] = []
    blocks: list[str] = []
    for name, run in groupby(inside, key=lambda step: _child(stage, step)):
        steps = list(run)
        single = not name or _is_single(steps, name)
        blocks += [] if single else [name]
        found += [replace(step, stage=number, block=0 if single else len(blocks)) for step in steps]
    return found, blocks


def _place(step: Step) -> str:
    return step.path or step.owner


def _child(root: str, step: Step) -> str:
    """The path of the root's child that the step lies in; empty for the root's own functions and outside."""
    place = _place(step)
    if root and place != root and not place.startswith(f"{root}."):
        return ""
    rest = place[len(root) :].lstrip(".")
    return f"{root}.{rest.partition('.')[0]}".lstrip(".") if rest else ""


def _is_single(steps: list[Step], name: str) -> bool:
    """One module, drawn as itself."""
    return all(step.path == name for step in steps)


def _cut(steps: Sequence[Step], class_of: Callable[[str], str]) -> str:
    """The deepest container that holds nearly everything and is not itself a row of equal blocks."""
    root = ""
    while True:
        counts = Counter(_child(root, step) for step in steps)
        name, most = max(((n, c) for n, c in counts.items() if n), key=lambda pair: pair[1], default=("", 0))
        containers = _containers(name, steps)
        if not name or most <= MOSTLY * len(steps) or not containers:
            return root
        # A Sequential says nothing of what is in it, so a row of them is no row of equal blocks.
        classes = Counter(kind for kind in map(class_of, containers) if kind != "Sequential")
        if len(containers) > 1 and max(classes.values(), default=0) >= EQUAL * len(containers):
            return root
        root = name


def _containers(root: str, steps: Sequence[Step]) -> list[str]:
    names: dict[str, bool] = {}
    for step in steps:
        child = _child(root, step)
        if child and (_place(step) == root or _place(step).startswith(f"{root}.")):
            names[child] = names.get(child, False) or step.path != child
    return [name for name, container in names.items() if container]
