"""Which additions of a traced module have a shortcut, found in the graph alone.

An addition is residual where two ways, apart from each other, lead to it from the step that both come from (its
immediate dominator). The way with fewer steps is the shortcut, the other the branch.
"""

from __future__ import annotations

from collections.abc import Sequence

from .foreign import INPUT, Shortcut, Step
from .graph import ShortcutKind

_QUIET = frozenset({"drop", "norm", "activation"})


def shortcuts(steps: Sequence[Step]) -> tuple[Shortcut, ...]:
    """One for each residual addition, in forward order."""
    by_id = {step.id: step for step in steps}
    order = {INPUT: 0, **{step.id: i for i, step in enumerate(steps, 1)}}
    parents = _dominators(steps, order)
    found = (_shortcut(step, by_id, order, parents) for step in steps if step.kind == "add" and len(step.inputs) == 2)
    return tuple(shortcut for shortcut in found if shortcut is not None)


def _dominators(steps: Sequence[Step], order: dict[str, int]) -> dict[str, str]:
    """The immediate dominator of each step: the last one that every way from the input to it passes.

    Cooper, Harvey and Kennedy 2001; one pass is enough, because steps are in topological order.
    """
    parents: dict[str, str] = {INPUT: INPUT}
    for step in steps:
        here = step.inputs[0]
        for other in step.inputs[1:]:
            while here != other:
                if order[here] > order[other]:
                    here = parents[here]
                else:
                    other = parents[other]
        parents[step.id] = here
    return parents


def _shortcut(add: Step, by_id: dict[str, Step], order: dict[str, int], parents: dict[str, str]) -> Shortcut | None:
    fork = parents[add.id]
    first, second = (_way(source, fork, by_id) for source in add.inputs)
    if first & second:
        return None
    short, long = sorted((first, second), key=len)
    if len(short) == len(long):
        return None  # two branches of one length: neither is a shortcut
    side = tuple(sorted(short, key=order.__getitem__))
    return Shortcut(add.id, fork, side, _kind([by_id[name] for name in side]))


def _way(source: str, fork: str, by_id: dict[str, Step]) -> set[str]:
    """Steps between the fork and the addition on the ways through one of its inputs."""
    seen: set[str] = set()
    waiting = [source]
    while waiting:
        name = waiting.pop()
        if name != fork and name not in seen:
            seen.add(name)
            waiting += by_id[name].inputs
    return seen


def _kind(side: Sequence[Step]) -> ShortcutKind:
    kinds = {step.kind for step in side}
    if kinds & {"conv", "linear"}:
        return "projection"
    if not kinds - {"drop"}:
        return "identity"
    if "multiply" in kinds:
        return "scaled"
    return "padded" if not kinds - {"pad", "pool", "concat", "other", "drop"} else "scaled"
