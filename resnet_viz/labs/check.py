"""Whether the labs keep what they promise: each run for several seeds, and how many of them show it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .lab import Lab, Verdict
from .observation import Observation
from .running import run_lab


@dataclass(frozen=True)
class Checked:
    """One lab, run for some seeds. ``verdicts`` by seed; None for one that did not come to its end."""

    observation: Observation

    @property
    def lab(self) -> Lab:
        """The lab."""
        return self.observation.lab

    @property
    def verdicts(self) -> dict[int, Verdict | None]:
        """What each repeat shows by itself."""
        found = self.lab.verdicts(self.observation.findings)
        return {seed: found.get(seed) for seed in self.observation.seeds}

    @property
    def shown(self) -> int:
        """Repeats that show what the lab promises."""
        return sum(verdict == self.lab.expected for verdict in self.verdicts.values())

    @property
    def good(self) -> bool:
        """True where enough of them do: see :func:`needed`."""
        return self.shown >= needed(len(self.observation.seeds))

    @property
    def seconds(self) -> float:
        """The longest repeat."""
        return max(self.observation.seconds.values(), default=0.0)

    @property
    def processor(self) -> float:
        """Processor time of the longest repeat in seconds: twice what it takes on two free cores, at best."""
        return max((float(one.get("cpu", 0.0)) for one in self.observation.findings), default=0.0)

    @property
    def words(self) -> str:
        """What was shown how often: "present in 3 of 3"."""
        said = [verdict or "not finished" for verdict in self.verdicts.values()]
        counts = {word: said.count(word) for word in dict.fromkeys(said)}
        return ", ".join(f"{word} in {count} of {len(said)}" for word, count in counts.items())


def needed(repeats: int) -> int:
    """How many repeats have to show it: 9 of 10, 2 of 3."""
    return math.ceil(0.9 * repeats) if repeats >= 10 else math.ceil(2 * repeats / 3)


def check(
    labs: Sequence[Lab], seeds: Sequence[int], device: str = "auto", told: Callable[[str], None] = lambda words: None
) -> Iterator[Checked]:
    """Run each lab for each seed, one after the other; ``told`` hears what is done."""
    for lab in labs:

        def tell(words: str, lab: Lab = lab) -> None:
            told(f"{lab.slug}: {words}")

        yield Checked(run_lab(lab, seeds, device, told=tell))
