"""Looking at the findings of several repeats, as a lab's own code does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Rows = list[dict[str, Any]]


def last(rows: Rows, value: str, **fields: Any) -> list[float]:
    """The last ``value`` that is not None of each repeat, among the rows with those fields; repeats as they came."""
    found: dict[int, float] = {}
    for one in rows:
        if one.get(value) is not None and all(one.get(name, ...) == wanted for name, wanted in fields.items()):
            found[one["seed"]] = one[value]
    return list(found.values())


def each(rows: Rows, taken: Callable[[Rows], float]) -> list[float]:
    """What ``taken`` makes of each repeat's rows."""
    return [taken([one for one in rows if one["seed"] == seed]) for seed in dict.fromkeys(one["seed"] for one in rows)]
