"""Everything of a run for pictures and files: header, telemetry merged so that each step stands once, events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .liveness import status
from .store import Event, Frame, Store

Telemetry = NDArray[np.float32]
SPREAD = ("train_error_min", "train_error_max", "test_error_min", "test_error_max")
"""What an evaluation of several seeds says beside the medians."""


class _Errors(NamedTuple):
    step: int
    epoch: int
    train_error: float
    test_error: float


class Evaluation(_Errors):
    """Errors on the whole sets, as fractions, after ``step`` updates; step 0 is initialisation.

    A row of a table: read it by attribute, by name (``row["test_error"]``) or by position.
    """

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        """The value of that column, by name or by position. Raises ``KeyError`` or ``IndexError``."""
        if not isinstance(key, str):
            return super().__getitem__(key)
        if key not in self._fields:
            raise KeyError(f"{key!r} is no column; the columns are: {', '.join(self._fields)}")
        return getattr(self, key)


@dataclass(frozen=True)
class Distribution:
    """The histogram of one layer's weight or gradient at the row of ``step``, before its update.

    ``counts`` of values in bins of equal width from ``low`` to ``high``, the least and the greatest value.
    """

    step: int
    of: str
    layer: str
    low: float
    high: float
    counts: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class RunData:
    """One run as plain data.

    ``frames`` has for each contestant float32 [steps, signals], row s for step s, in the order of the header's
    signals; a step that is missing is NaN throughout. ``experiment_json`` is the experiment as it was written.
    """

    id: str
    name: str
    state: str
    reason: str | None
    created: float
    experiment_json: str
    header: dict[str, Any] = field(default_factory=dict)
    frames: dict[str, Telemetry] = field(default_factory=dict)
    events: tuple[Event, ...] = ()

    @property
    def contestants(self) -> tuple[str, ...]:
        """Names in the experiment's order; empty before the run has started."""
        return tuple(card["name"] for card in self.header.get("contestants", ()))

    def card(self, contestant: str) -> dict[str, Any]:
        """What the header says of a contestant. Raises ``KeyError`` listing the names."""
        for card in self.header.get("contestants", ()):
            if card["name"] == contestant:
                found: dict[str, Any] = card
                return found
        known = ", ".join(self.contestants) or "none yet"
        raise KeyError(f"no contestant is called {contestant!r}; there are: {known}")

    def signals(self, contestant: str) -> dict[str, Telemetry]:
        """Each signal as float32 [steps], by name; NaN at steps at which it was not measured.

        "sharpness" is there when somebody asked for it. Raises ``KeyError`` like :meth:`card`.
        """
        names = self.card(contestant)["signals"]
        values = self.frames.get(contestant)
        if values is None:
            values = np.empty((0, len(names)), dtype=np.float32)
        found = {name: values[:, column] for column, name in enumerate(names)}
        asked = {event.step: event.data["value"] for event in self._asked(contestant, "sharpness", "value")}
        if asked:
            found["sharpness"] = np.array([asked.get(step, np.nan) for step in range(len(values))], dtype=np.float32)
        return found

    def histograms(self, contestant: str) -> list[Distribution]:
        """The histograms that were asked for, layer by layer, in order. Raises ``KeyError`` like :meth:`card`."""
        self.card(contestant)
        return [
            Distribution(
                event.step or 0, str(event.data["of"]), str(event.data["layer"]),
                float(event.data["low"]), float(event.data["high"]),
                tuple(int(count) for count in str(event.data["counts"]).split()),
            )
            for event in self._asked(contestant, "histogram", "counts")
        ]  # fmt: skip

    def _asked(self, contestant: str, kind: str, key: str) -> list[Event]:
        found = (event for event in self.events if event.kind == kind and event.contestant == contestant)
        return [event for event in found if event.step is not None and key in event.data]

    def evals(self, contestant: str) -> list[Evaluation]:
        """The evaluations of a contestant in order, each step once. Raises ``KeyError`` like :meth:`card`."""
        self.card(contestant)
        found = {
            event.step: Evaluation(event.step, event.data["epoch"], event.data["train_error"], event.data["test_error"])
            for event in self.events
            if event.kind == "eval" and event.contestant == contestant and event.step is not None
        }
        return [found[step] for step in sorted(found)]

    def spread(self, contestant: str) -> dict[int, tuple[float, ...]]:
        """Of several seeds: for each step evaluated what :data:`SPREAD` names; empty where there is one seed."""
        return {
            event.step: tuple(float(event.data[key]) for key in SPREAD)
            for event in self.events
            if event.kind == "eval" and event.contestant == contestant and event.step is not None
            and SPREAD[0] in event.data
        }  # fmt: skip

    @property
    def steps(self) -> int:
        """Steps that every contestant has telemetry for."""
        return min((len(self.frames.get(name, ())) for name in self.contestants), default=0)


def merge(frames: Iterable[Frame]) -> dict[str, Telemetry]:
    """The chunks joined to one array for each contestant; where chunks overlap the later one stands."""
    chunks: dict[str, list[Frame]] = {}
    for frame in frames:
        chunks.setdefault(frame.contestant, []).append(frame)
    merged = {}
    for contestant, parts in chunks.items():
        rows = max(part.first + len(part.values) for part in parts)
        joined = np.full((rows, parts[0].values.shape[1]), np.nan, dtype=np.float32)
        for part in parts:
            joined[part.first : part.first + len(part.values)] = part.values
        merged[contestant] = joined
    return merged


def run_data(store: Store, run: str) -> RunData:
    """Read a run from the store as it stands now. Raises ``KeyError`` when there is none."""
    row = store.row(run)
    state, reason = status(row)
    return RunData(
        id=row.id,
        name=row.name,
        state=state,
        reason=reason,
        created=row.created,
        experiment_json=row.experiment_json,
        header=row.header,
        frames=merge(store.frames(run)),
        events=tuple(store.events(run)),
    )
