"""A number that a lab has measured: one value for each repeat, written with its spread wherever it is read."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from ..draw.titles import amount
from ..draw.wording import NBSP, percent, scientific, seconds, times


def _points(fraction: float) -> str:
    return f"{fraction * 100:+.0f} points".replace("-", "−").replace("+", "").replace(" ", NBSP)


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _decimal(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def _amount(value: float) -> str:
    return amount(round(value)).replace(" ", NBSP)


STYLES: dict[str, Callable[[float], str]] = {
    "percent": percent,
    "points": _points,
    "times": times,
    "scientific": scientific,
    "count": _count,
    "amount": _amount,
    "decimal": _decimal,
    "seconds": seconds,
}
"""How a number may be written: a fraction as per cent or as points of difference, a ratio, two digits that matter, a
whole number, three digits with their unit, two decimals, a duration."""


def written(value: float, style: str) -> str:
    """The value in one of :data:`STYLES`. Raises ``ValueError`` for a style that is not there."""
    if style not in STYLES:
        raise ValueError(f"a number can be written as {', '.join(STYLES)}, not as {style!r}")
    return STYLES[style](value)


def bare(text: str) -> str:
    """A written number without the unit that stands before it already: "66 (61 to 74)" reads faster."""
    return re.sub(f"{NBSP}(%|×|points)$", "", text)


@dataclass(frozen=True)
class Number:
    """One value for each repeat, in the order of the repeats; at least one.

    Its format is one of :data:`STYLES`: ``f"{number:percent}"`` is "66 %", and with several repeats the median with
    the least and the largest, "66 % (61 to 74)". A trailing "!" leaves the spread out.
    """

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """What verdicts are taken from."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The least of all repeats."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The largest of all repeats."""
        return max(self.values)

    def __format__(self, style: str) -> str:
        alone = style.endswith("!")
        style = style.removesuffix("!")
        middle = written(self.median, style)
        low, high = written(self.low, style), written(self.high, style)
        return middle if alone or low == high else f"{middle} ({bare(low)} to {bare(high)})"
