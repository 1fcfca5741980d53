"""What was observed in one run of a lab, wherever it lies: measured just now, in the store, or in a recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..draw.wording import listed
from .lab import Finding, Lab, Verdict, seeds_of
from .numbers import Number

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..draw.colours import Theme


SPREAD = "In brackets: their range."


@dataclass(frozen=True)
class Observation:
    """A lab with findings, all of them or those so far; everything shown of it is computed from these.

    ``lab`` is that of :meth:`Lab.at`: one that ran larger has other texts.
    ``seeds`` are the repeats that were asked for; ``device`` and ``versions`` as in a run's header, empty before the
    start; ``started`` in Unix seconds; ``seconds`` taken so far by repeat; ``state`` and ``reason`` as a run's.
    ``run`` is its id in the store, None elsewhere; ``words`` say what is computed at this moment.
    """

    lab: Lab
    seeds: tuple[int, ...]
    findings: tuple[Finding, ...]
    device: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    started: float = 0.0
    seconds: Mapping[int, float] = field(default_factory=dict)
    state: str = "finished"
    reason: str | None = None
    recorded: bool = False
    run: str | None = None
    words: str = ""

    @cached_property
    def numbers(self) -> dict[str, Number]:
        """See :meth:`Lab.numbers`."""
        return self.lab.numbers(self.findings)

    @property
    def verdict(self) -> Verdict | None:
        """See :meth:`Lab.verdict`; None until the run is over."""
        return self.lab.verdict(self.numbers) if self.over else None

    @property
    def over(self) -> bool:
        """True when nothing more will come."""
        return self.state not in ("queued", "running", "paused")

    @property
    def explanation(self) -> str | None:
        """The text for what was seen, filled with its numbers; None while there is no verdict."""
        return self.lab.explanation(self.numbers) if self.verdict is not None else None

    @property
    def agreement(self) -> str:
        """How many repeats show what the text says; "" for a single one."""
        said = self.lab.verdicts(self.findings)
        if self.verdict is None or len(said) < 2:
            return ""
        alike = sum(verdict == self.verdict for verdict in said.values())
        if alike == len(said):
            return f"Each of {alike} repeats shows this by itself. {SPREAD}"
        shows = "shows" if alike == 1 else "show"
        return f"{alike} of {len(said)} repeats {shows} this alone; the text follows the medians. {SPREAD}"

    def figure(self, theme: Theme = "light") -> go.Figure:
        """The lab's picture of these findings."""
        return self.lab.figure(self.findings, theme)

    def table(self) -> list[dict[str, str]]:
        """The same as rows of text."""
        return self.lab.table(self.findings)

    @property
    def name(self) -> str:
        """What it is: "Recording" or "This run"."""
        return "Recording" if self.recorded else "This run"

    @property
    def origin(self) -> str:
        """Where the numbers are from: "Recording: 2 CPU cores, 26 November 2026, seeds 0, 1 and 2"."""
        words = ["CIFAR-10" if self.lab.enlarged else "", device_words(self.device), day(self.started)]
        seeds = seeds_of(self.findings) or self.seeds
        if self.lab.repeats:
            words.append(f"seed{'s' if len(seeds) > 1 else ''} {listed([str(seed) for seed in seeds])}")
        return f"{self.name}: {', '.join(word for word in words if word)}"


def device_words(device: Mapping[str, Any]) -> str:
    """A device in a few words: "2 CPU cores", "NVIDIA H100"."""
    if not device:
        return ""
    cores = int(device.get("cores", 1))
    return f"{cores} CPU core{'s' if cores > 1 else ''}" if device.get("kind") == "cpu" else str(device.get("name", ""))


def day(moment: float) -> str:
    """A Unix time as a date in UTC; "" for none."""
    if not moment:
        return ""
    date = datetime.fromtimestamp(moment, UTC)
    return f"{date.day} {date:%B %Y}"
