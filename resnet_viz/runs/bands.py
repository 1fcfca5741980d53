"""The messages of a race with several seeds, gathered until a step has come from all of them, as one contestant's.

What is written into the store is the band: its median, least and greatest. A checkpoint of one seed is handed on only
when the band has reached it, so that after a resume no row is missing of which somebody holds the state.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..train.checkpoints import Past
from ..train.race import Asked, Evaluated, Failed, Rows, Snapshot, Switched
from ..train.seeds import Member, band

Message = Rows | Evaluated | Asked | Switched | Snapshot | Failed


class Bands:
    """Turns the messages of members into those of contestants; with one seed it hands on what it gets.

    ``signals`` are those of one seed by contestant. ``past``: rows that come again after a resume, from seeds whose
    checkpoint is older, are dropped.
    """

    def __init__(self, members: Sequence[Member], signals: Mapping[str, Sequence[str]], past: Past) -> None:
        by_name: dict[str, list[str]] = {}
        for member in members:
            by_name.setdefault(member.contestant, []).append(member.key)
        self._bands = {name: _Band(name, keys, signals[name], past) for name, keys in by_name.items() if keys != [name]}
        self._of = {key: self._bands[name] for name, keys in by_name.items() if name in self._bands for key in keys}

    def take(self, message: Message) -> Iterator[Message]:
        """What can be written now."""
        found = self._of.get(message.contestant)
        if found is None:
            yield message
        elif isinstance(message, Rows):
            yield from found.rows(message)
        elif isinstance(message, Evaluated):
            yield from found.evaluated(message)
        elif isinstance(message, Snapshot):
            yield from found.snapshot(message)
        elif isinstance(message, Asked):
            yield replace(message, contestant=found.name)  # the race asks one seed alone
        elif isinstance(message, Switched):
            yield replace(message, contestant=found.name)  # its sentence names the seed
        else:
            yield message


class _Band:
    def __init__(self, name: str, keys: Sequence[str], signals: Sequence[str], past: Past) -> None:
        self.name, self.keys, self.signals = name, keys, signals
        # The band was written up to the furthest checkpoint before it was handed on.
        self.done = max(step + computed for step, computed in map(past.begin, keys))
        self.told = max((row[0] for key in keys for row in past.evals(key)), default=-1)
        self.waiting: dict[str, NDArray[np.float32]] = {}
        self.evals: dict[int, dict[str, Evaluated]] = {}
        self.snapshots: list[Snapshot] = []

    def rows(self, message: Rows) -> Iterator[Message]:
        late = max(0, self.done - message.first)
        values = message.values[late:]
        before = self.waiting.get(message.contestant)
        self.waiting[message.contestant] = values if before is None else np.concatenate((before, values))
        count = min(len(self.waiting.get(key, ())) for key in self.keys)
        if count:
            ready = [self.waiting[key][:count] for key in self.keys]
            self.waiting = {key: rows[count:] for key, rows in self.waiting.items()}
            yield Rows(self.name, self.done, band(ready, self.signals))
            self.done += count
        yield from self._due()

    def evaluated(self, message: Evaluated) -> Iterator[Message]:
        if message.step <= self.told:
            return
        found = self.evals.setdefault(message.step, {})
        found[message.contestant] = message
        if len(found) == len(self.keys):
            del self.evals[message.step]
            train = [one.train_error for one in found.values()]
            test = [one.test_error for one in found.values()]
            yield Evaluated(
                self.name, message.step, message.epoch, statistics.median(train), statistics.median(test),
                (min(train), max(train), min(test), max(test)),
            )  # fmt: skip
            self.told = message.step
        yield from self._due()

    def snapshot(self, message: Snapshot) -> Iterator[Message]:
        self.snapshots.append(message)
        yield from self._due()

    def _due(self) -> Iterator[Message]:
        """The checkpoints that the band has reached."""
        early, self.snapshots = self.snapshots, []
        for one in early:
            told = max((row[0] for row in one.evals), default=-1)
            if one.step + one.computed <= self.done and told <= self.told:
                yield one
            else:
                self.snapshots.append(one)
