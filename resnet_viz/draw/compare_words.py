"""The sentence above a comparison: what its numbers say, computed from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from resnet_viz.inspect import Summary

from .compare_table import Line, what_differs
from .contestants import Contestant, change
from .titles import amount
from .wording import NBSP, cut_middle, listed

NAMED = 5
"""Most axes that the sentence names."""


def headline(compared: Sequence[Contestant]) -> str:
    """Who costs what: two networks against each other, or the range of more; "" while fewer than two are counted."""
    counted = [one for one in compared if one.summary]
    if len(counted) < 2:
        return ""

    def params(summary: Summary) -> int:
        return summary.params

    def macs(summary: Summary) -> int:
        return summary.macs

    if len(counted) == 2:
        first, second = counted
        return (f"Against {_name(first)}, {_name(second)} has {_against(first, second, params, 'parameters')} and "
                f"{_against(first, second, macs, 'multiply-adds')}.")  # fmt: skip
    return f"{_range(counted, params, 'parameters')}; {_range(counted, macs, 'multiply-adds')}."


def differing(rows: Sequence[Line]) -> str:
    """The axes in which they differ, in a sentence."""
    names = what_differs(rows)
    if not names:
        return "No axis differs: they are the same network."
    more = len(names) - NAMED
    shown = names[:NAMED] if more > 1 else names
    told = listed(shown) if len(shown) == len(names) else f"{', '.join(shown)} and {more} more"
    return f"They differ in {told}."


Count = Callable[[Summary], int]


def _values(counted: Sequence[Contestant], count: Count) -> list[int]:
    return [count(one.summary) for one in counted if one.summary]


def _against(first: Contestant, second: Contestant, count: Count, what: str) -> str:
    base, value = _values([first, second], count)
    if base == value:
        return f"as many {what}"
    told = change(value, base)
    if told.endswith("×"):
        return f"{told} the {what}"
    return f"{told[1:]} {'more' if value > base else 'fewer'} {what}"


def _range(counted: Sequence[Contestant], count: Count, what: str) -> str:
    values = _values(counted, count)
    low, high = min(values), max(values)
    if low == high:
        return f"{_amount(low)} {what} each"
    least, most = counted[values.index(low)], counted[values.index(high)]
    return f"{_amount(low)} ({_name(least)}) to {_amount(high)} ({_name(most)}) {what}"


def _amount(value: int) -> str:
    return amount(value).replace(" ", NBSP)


def _name(one: Contestant) -> str:
    return cut_middle(one.label, 32)
