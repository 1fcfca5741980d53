"""What the verdict needs of a run, gathered while the run is read: five numbers a step instead of every signal."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnet_viz.draw.verdict import Telemetry, chance_error, judge, ratio_layers
from resnet_viz.runs.store import Event

from .thinning import MIN_COLUMNS, Segment, Signals

MAX_HISTORY = 240
"""Verdicts that a viewer gets with the past of a run; the view says of which step it shows one."""

VerdictRow = list[Any]
"""[row, bold, rest] as it stands in a delta message: what can be said where that row is the one shown.

A row is what was measured before its update, so an evaluation after k updates belongs to row k. The newest row is
the exception: an evaluation after its update has no row yet, and counts there until the next row comes.
"""


class _Track:
    """One contestant: loss, minibatch error, and first, largest and last gradient norm of the layers of the ratio.

    The largest stands between first and last, so that the verdict reads the same ratio, the same largest norm
    and the same "not finite" from three columns as from all of them. 20 bytes a step.
    """

    def __init__(self, contestant: dict[str, Any]) -> None:
        self.name = str(contestant.get("name"))
        layers = contestant.get("layers", ())
        wanted, self.blocks = ratio_layers(layers)
        signals = Signals.of(contestant)
        place = {str(layer.get("path")): at for layer, at in zip(layers, signals.gradients, strict=True)}
        pairs = [(path, place[path]) for path in wanted if place.get(path, -1) >= 0]
        self.paths = tuple(path for path, _ in pairs)
        self.columns = [at for _, at in pairs]
        self.signals = signals
        self.gaps = contestant.get("gaps") is True
        self.rows = np.empty((256, 5), np.float32)
        self.count = 0
        self.evals: dict[int, float] = {}

    def add(self, segment: Segment) -> None:
        end = segment.first + len(segment.values)
        if end > len(self.rows):
            grown = np.full((max(end, 2 * len(self.rows)), 5), np.nan, np.float32)
            grown[: self.count] = self.rows[: self.count]
            self.rows = grown
        if segment.first > self.count:
            self.rows[self.count : segment.first] = np.nan
        rows = self.rows[segment.first : end]
        for at, column in enumerate((self.signals.loss, self.signals.train_error)):
            rows[:, at] = segment.values[:, column] if column >= 0 else np.nan
        if self.columns:
            norms = segment.values[:, self.columns]
            most = np.fmax.reduce(norms, axis=1) if self.gaps else norms.max(axis=1)  # fmax passes over NaN
            rows[:, 2], rows[:, 3], rows[:, 4] = norms[:, 0], most, norms[:, -1]
        self.count = end

    def telemetry(self, steps: int | None = None) -> Telemetry:
        """What a verdict reads, of the first ``steps`` rows (None: all that there are)."""
        rows = self.rows[: self.count if steps is None else min(steps, self.count)]
        paths, gradients = self.paths, rows[:, 2:5]
        if len(paths) < 2:
            gradients = rows[:, 2 : 2 + len(paths)]
        else:
            paths = (paths[0], "", paths[-1])
        error: NDArray[np.float32] | None = rows[:, 1] if self.signals.train_error >= 0 else None
        return Telemetry(
            self.name, paths, self.blocks, rows[:, 0], error, gradients, tuple(sorted(self.evals.items())), self.gaps
        )


class Witness:
    """Gathers a run and says at any step what it shows, exactly as :func:`resnet_viz.draw.verdict.verdict` does."""

    def __init__(self, header: dict[str, Any]) -> None:
        self._tracks = {str(c.get("name")): _Track(c) for c in header.get("contestants", ())}
        self._chance = chance_error(header)
        self._told = -1
        self._early = False

    def add(self, segments: Iterable[Segment], events: Iterable[Event]) -> None:
        """Take in what is new."""
        for segment in segments:
            if segment.contestant in self._tracks:
                self._tracks[segment.contestant].add(segment)
        for event in events:
            error = event.data.get("train_error")
            if event.kind == "eval" and event.contestant in self._tracks and isinstance(error, int | float):
                self._tracks[event.contestant].evals[int(event.step or 0)] = float(error)
                self._told = max(-1, min(self._told, int(event.step or 0) - 1))  # a late one: its row is told again

    @property
    def done(self) -> int:
        """Steps that every contestant has done."""
        return min((track.count for track in self._tracks.values()), default=0)

    def news(self) -> list[VerdictRow]:
        """Verdicts for the rows that are new since the last call, evenly spaced where they are many.

        The row that was the newest is told again when an evaluation after its update had counted for it.
        """
        last = self.done - 1
        first = max(0, self._told + (0 if self._early else 1)) if self._told <= last else max(0, last)
        rows = np.linspace(first, last, num=max(0, min(last - first + 1, MIN_COLUMNS))).astype(int).tolist()
        found = self._judged(set(rows))
        self._told = last
        self._early = any(step > last for track in self._tracks.values() for step in track.evals)
        return found

    def history(self) -> list[VerdictRow]:
        """Verdicts along the run: the initialisation, evenly spaced rows, every evaluation that there is room for."""
        last = max(0, self.done - 1)
        rows = set(np.linspace(0, last, num=min(last + 1, MAX_HISTORY)).astype(int).tolist())
        evals = sorted({step for track in self._tracks.values() for step in track.evals if step <= last})
        return self._judged(rows.union(evals[-MAX_HISTORY:]))

    def _judged(self, rows: Collection[int]) -> list[VerdictRow]:
        """A verdict for each of these rows, and for the newest with all evaluations; none before the first step."""
        if not any(track.count for track in self._tracks.values()):
            return []
        newest = max(0, self.done - 1)
        whole = [track.telemetry() for track in self._tracks.values()]
        found = [[row, *self._words(whole, row)] for row in sorted(rows) if row != newest]
        upto = [track.telemetry(self.done or None) for track in self._tracks.values()]
        return [*found, [newest, *self._words(upto, None)]]

    def _words(self, telemetry: Sequence[Telemetry], step: int | None) -> tuple[str, str]:
        verdict = judge(telemetry, step, chance=self._chance)
        return verdict.bold, verdict.rest
