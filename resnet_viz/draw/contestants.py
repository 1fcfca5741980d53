"""The networks of a comparison as its pictures and its table take them: named apart, coloured, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from pydantic import ValidationError

from resnet_viz.inspect import Summary
from resnet_viz.runs.roles import role_names
from resnet_viz.spec import Network, SpecError, preset, presets, sentence

from .colours import Role
from .wording import NBSP, times

GLYPH: dict[Role, str] = {
    "plain": "●", "residual": "■", "third": "◆", "fourth": "▲", "fifth": "✚", "sixth": "✖",
}  # fmt: skip
"""Each role's marker as a character, so that no name depends on its colour."""


@dataclass(frozen=True)
class Contestant:
    """One network of the comparison. ``summary`` is None where it cannot be built; ``problem`` then says why."""

    label: str
    role: Role
    network: Network
    summary: Summary | None
    problem: str = ""

    @property
    def glyph(self) -> str:
        """The marker of its role."""
        return GLYPH[self.role]

    @property
    def preset(self) -> str:
        """The preset that this is, unchanged; "" for a network of somebody's own."""
        return self.network.name if is_preset(self.network) else ""


def is_preset(network: Network) -> bool:
    """True for a preset of that name with nothing changed: only then do its published figures hold."""
    return network.name in presets() and preset(network.name) == network


def labels(networks: Sequence[Network]) -> tuple[str, ...]:
    """The networks' names, told apart by a number where two have the same: "mine (1)", "mine (2)"."""
    counts = Counter(network.name for network in networks)
    taken = {name for name, count in counts.items() if count == 1}
    found: list[str] = []
    for network in networks:
        name, number = network.name, 1
        if counts[name] > 1:
            while (label := f"{name} ({number})") in taken:
                number += 1
            name = label
        taken.add(name)
        found.append(name)
    return tuple(found)


def contestants(networks: Sequence[Network], summarize: Callable[[Network], Summary]) -> tuple[Contestant, ...]:
    """The networks with label, role and counts; one that cannot be built has its sentence instead."""
    names = labels(networks)
    roles = role_names(dict(zip(names, networks, strict=True)))
    found = []
    for name, network in zip(names, networks, strict=True):
        summary, problem = None, ""
        try:
            summary = summarize(network)
        except (SpecError, ValidationError) as error:
            problem = sentence(error)
        found.append(Contestant(name, cast(Role, roles[name]), network, summary, problem))
    return tuple(found)


def change(value: float, first: float) -> str:
    """A value against the reference's: "+3.5 %", "−0.02 %", "12 ×" from tenfold on; "" where they are equal."""
    if value == first or not first:
        return ""
    ratio = value / first
    if ratio >= 10:
        return times(ratio)
    percent = abs(ratio - 1) * 100
    number = f"{percent:.0f}" if percent >= 9.95 else f"{percent:.1f}" if percent >= 0.95 else f"{percent:.1g}"
    return f"{'+' if ratio > 1 else '−'}{number}{NBSP}%"
