"""The numbers that a lab prints, read back from its words: which number, in which style, and the text of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import Formatter

from resnet_viz.labs import Observation
from resnet_viz.labs.claims import claims, thresholds

_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_NUMBER = r"[−-]?\d[\d,]*(?:\.\d+)?(?: × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?(?:\u00a0(?:[%×]|(?:points|[kMGT]|ms|min|[sh])\b))?"
_WRITTEN = rf"({_NUMBER}(?: \({_NUMBER} to {_NUMBER}\))?)"
_UNITS = {"%": 0.01, "points": 0.01, "×": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "": 1.0,
          "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}  # fmt: skip


@dataclass(frozen=True)
class Printed:
    """One number where it stands: ``where`` it was found, ``name`` and ``style`` as the lab has them, ``text``."""

    where: str
    name: str
    style: str
    text: str

    @property
    def values(self) -> list[tuple[float, float]]:
        """The printed numbers, one or the median with least and largest, each with half of its last place."""
        return values(self.text)


def read(text: str) -> tuple[float, float]:
    """A number from its text, and half of its last printed place: "2.4 %" is (0.024, 0.0005)."""
    digits, _, unit = text.partition("\u00a0")
    mantissa, _, power = digits.replace("−", "-").replace(",", "").partition(" × 10")
    scale = _UNITS[unit] * 10.0 ** int(power.translate(_RAISED) or 0)
    return float(mantissa) * scale, 0.5 * scale / 10 ** len(mantissa.partition(".")[2])


def values(text: str) -> list[tuple[float, float]]:
    """All numbers of a text, each with half of its last place; one before "3×3" or "GiB" is as it stands."""
    joined = re.sub(r"(?<=\d) (?=(?:[kMGTsh]|ms|min)\b)", "\u00a0", text)
    whole = re.sub(rf"({_NUMBER}) \(({_NUMBER}) to ({_NUMBER})\)", with_units, joined)
    return [read(one) for one in re.findall(_NUMBER, whole)]


def with_units(spread: re.Match[str]) -> str:
    """A number with its spread, the unit said three times: it stands before the bracket only, "71 % (64 to 83)"."""
    middle, low, high = spread.groups()
    unit = re.search("\u00a0(?:%|×|points)$", middle)
    if unit is None:
        return spread[0]
    assert not low.endswith(unit[0]) and not high.endswith(unit[0]), spread[0]
    return f"{middle} ({low}{unit[0]} to {high}{unit[0]})"


def slots(template: str) -> list[tuple[str, str]]:
    """The (name, style) of each slot, in order."""
    return [(name, style or "") for _, name, style, _ in Formatter().parse(template) if name is not None]


def of_text(where: str, template: str, text: str) -> list[Printed]:
    """The numbers in the slots of a filled template."""
    pattern = "".join(
        re.escape(words) + (_WRITTEN if name else "") for words, name, _, _ in Formatter().parse(template)
    )
    found = re.fullmatch(pattern, text)
    assert found is not None, f"{where} is not what its template says: {text}"
    names = slots(template)
    return [Printed(where, name, style, part) for (name, style), part in zip(names, found.groups(), strict=True)]


def of(seen: Observation) -> Iterator[Printed]:
    """Every number that is printed of an observation: explanation, answer, claims, what decides."""
    assert seen.verdict is not None
    lab = seen.lab
    yield from of_text("explanation", lab.explain[seen.verdict], str(seen.explanation))
    yield from of_text("answer", lab.answer, lab.answer.format_map(seen.numbers))
    for number, row in zip(lab.evidence, claims(seen), strict=True):
        yield Printed("claims", number.number, number.style, row[seen.name])
    for effect, row in zip(lab.effects, thresholds(seen), strict=True):
        yield Printed("what decides", effect.number, effect.style, row[seen.name])
