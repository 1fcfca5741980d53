"""Numbers and names as the pages write them: short, with their unit, the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Sequence

NBSP = "\u00a0"
"""Between a number and its unit, so that no line breaks there."""
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def percent(fraction: float) -> str:
    """A fraction as per cent: whole from 10 up, one decimal below ("66 %", "0.2 %", "0 %")."""
    value = fraction * 100
    if not math.isfinite(value):
        return f"no finite{NBSP}%"
    text = f"{value:.0f}" if abs(value) >= 9.95 or value == 0 else f"{value:.1f}"
    return f"{text}{NBSP}%"


def scientific(value: float) -> str:
    """A positive number with two digits that matter: "864", "4.9", "0.04", "8.6 × 10⁶", "2.0 × 10⁻⁴"."""
    if not math.isfinite(value):
        return "no finite number"
    if value == 0:
        return "0"
    if value >= 99_999.5 or value < 0.001:
        mantissa, _, exponent = f"{value:.1e}".partition("e")
        return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}"
    if value >= 9.95:
        return f"{value:,.0f}"
    return f"{float(f'{value:.2g}'):g}" if value < 1 else f"{value:.1f}"


def power_of_ten(value: float) -> str:
    """A threshold that is a power of ten: "10⁻⁶"; another number as :func:`scientific` writes it."""
    exponent = round(math.log10(value))
    return f"10{str(exponent).translate(_SUPERSCRIPT)}" if math.isclose(value, 10.0**exponent) else scientific(value)


def superscript(number: int) -> str:
    """A whole number set high: "2" + superscript(54) is "2⁵⁴"."""
    return str(number).translate(_SUPERSCRIPT)


def times(ratio: float) -> str:
    """A ratio: "864 ×"."""
    return f"{scientific(ratio)}{NBSP}×"


def seconds(value: float) -> str:
    """A duration: "40 ms", "0.4 s", "12 s", "3 min", "2 h"."""
    if value < 0.095:
        return f"{value * 1000:.0f} ms"
    if value < 9.95:
        return f"{value:.1f} s"
    if value < 90:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.0f} h"


def size(count: float) -> str:
    """Bytes in decimal units: "512 B", "48 kB", "1.3 MB", "2.1 GB"."""
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if unit in ("B", "kB") or count >= 9.95 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def cut_middle(name: str, most: int = 28) -> str:
    """A name of at most ``most`` characters, its middle replaced by an ellipsis; ends tell names apart."""
    if len(name) <= most:
        return name
    head = most // 2
    return f"{name[:head].rstrip()}…{name[len(name) - (most - 1 - head) :].lstrip()}"


def listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence: "a", "a and b", "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
