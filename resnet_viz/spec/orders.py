"""Where norm and activation stand in a block, as names of layers (He 2016b, Fig. 4): one small function an order."""

from __future__ import annotations

from collections.abc import Callable

from .block import Order

Steps = tuple[str, ...]


def original(count: int) -> tuple[Steps, Steps, Steps]:
    """He 2016b, Fig. 4a: norm after each convolution, activation between them and after the addition."""
    branch: list[str] = []
    for i in range(1, count + 1):
        branch += [f"conv{i}", f"bn{i}", "relu"]
    return (), tuple(branch[:-1]), ("relu",)


def bn_after_addition(count: int) -> tuple[Steps, Steps, Steps]:
    """He 2016b, Fig. 4b: the last norm stands behind the addition."""
    _, branch, _ = original(count)
    return (), branch[:-1], (f"bn{count}", "relu")


def relu_before_addition(count: int) -> tuple[Steps, Steps, Steps]:
    """He 2016b, Fig. 4c: the last activation stands in the branch, nothing after the addition."""
    _, branch, _ = original(count)
    return (), (*branch, "relu"), ()


def relu_only_preactivation(count: int) -> tuple[Steps, Steps, Steps]:
    """He 2016b, Fig. 4d: activation before each convolution, norm after it, nothing after the addition."""
    _, branch, _ = original(count)
    return ("relu",), branch, ()


def preactivation(count: int) -> tuple[Steps, Steps, Steps]:
    """He 2016b, Fig. 4e: norm and activation before each convolution, nothing after the addition."""
    branch: list[str] = []
    for i in range(1, count + 1):
        branch += [f"bn{i}", "relu", f"conv{i}"]
    return tuple(branch[:2]), tuple(branch[2:]), ()


ORDERS: dict[Order, Callable[[int], tuple[Steps, Steps, Steps]]] = {
    "original": original,
    "bn_after_addition": bn_after_addition,
    "relu_before_addition": relu_before_addition,
    "relu_only_preactivation": relu_only_preactivation,
    "preactivation": preactivation,
}
"""From the number of convolutions to the names of layers at the entry, in the branch, and after the addition.

A projection starts behind the entry, every other shortcut at the block's own input.
"""


def behind(branch: Steps, level: int, join: str) -> Steps:
    """What of a branch stands behind the join when paths hold the convolutions up to ``level``.

    Concatenated paths keep their last norm and activation; added ones are normed as a whole (Xie 2017, Sect. 4).
    """
    if join == "sum":
        return branch[branch.index(f"conv{level}") + 1 :]
    following = f"conv{level + 1}"
    return branch[branch.index(following) :] if following in branch else ()
