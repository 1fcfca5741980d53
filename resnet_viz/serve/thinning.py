"""From telemetry rows to the columns that a screen can show, and from floats to short JSON numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnet_viz.runs.store import Frame
from resnet_viz.spec.probes import DEFAULT, QUANTITIES, Quantity
from resnet_viz.train.seeds import LEAST, MOST

MAX_COLUMNS = 600
"""Columns a contestant that a whole run is sent with: about what a heatmap has pixels for."""
MIN_COLUMNS = 24
"""A short piece of a long run is sent with up to this many, so that a live picture never stutters."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Signals:
    """Which columns of a contestant's frames hold what; -1 where the run does not measure it.

    ``gradients`` are the columns of the quantity that the pictures show, the gradient norm by default, one a layer; of
    a quantity that blocks have, each layer shows its block's. ``gaps``: what is NaN was not measured at that step (a
    recorded training loop, a quantity at a period of its own). ``linear``: it has values below zero or none to take a
    logarithm of. ``least`` and ``most``: of several seeds, whose median the others are.
    """

    loss: int
    train_error: int
    lr: int
    gradients: tuple[int, ...]
    gaps: bool = False
    linear: bool = False
    least: Band | None = None
    most: Band | None = None

    @classmethod
    def of(cls, contestant: dict[str, Any], quantity: str = DEFAULT) -> Signals:
        """Read them from a contestant's entry in the run header; gradients in the order of its layers."""
        place = {str(name): i for i, name in enumerate(contestant.get("signals", ()))}
        shown = QUANTITIES.get(quantity, QUANTITIES[DEFAULT])
        paths = [_owner(layer, shown) for layer in contestant.get("layers", ())]
        return cls(
            place.get("loss", -1), place.get("train_error", -1), place.get("lr", -1),
            tuple(place.get(f"{shown.key}/{path}", -1) for path in paths),
            contestant.get("gaps") is True or shown.key != DEFAULT, shown.scale == "linear",
            Band.of(place, shown.key, paths, LEAST), Band.of(place, shown.key, paths, MOST),
        )  # fmt: skip


def _owner(layer: dict[str, Any], quantity: Quantity) -> str:
    """The path of the layer or block whose value a layer shows."""
    path = str(layer.get("path"))
    return path if quantity.per == "layer" else ".".join(path.split(".")[:2])


@dataclass(frozen=True)
class Band:
    """Which columns hold the least, or the greatest, of several seeds."""

    loss: int
    gradients: tuple[int, ...]

    @classmethod
    def of(cls, place: dict[str, int], key: str, paths: Sequence[str], prefix: str) -> Band | None:
        """None where there is one seed."""
        loss = place.get(f"{prefix}loss")
        return None if loss is None else cls(loss, tuple(place.get(f"{prefix}{key}/{path}", -1) for path in paths))


@dataclass(frozen=True)
class Segment:
    """Rows of consecutive steps of one contestant: ``values`` is [steps, signals], row 0 is step ``first``."""

    contestant: str
    first: int
    values: NDArray[np.float32]


def segments(frames: Iterable[Frame]) -> list[Segment]:
    """Join chunks to rows of consecutive steps; a step written again (after a resume) stands once, the last."""
    parts: dict[str, list[tuple[int, NDArray[np.float32]]]] = {}
    done: list[Segment] = []
    for frame in frames:
        rows = parts.setdefault(frame.contestant, [])
        end = rows[-1][0] + len(rows[-1][1]) if rows else frame.first
        if rows and (frame.first > end or frame.values.shape[1] != rows[-1][1].shape[1]):
            done.append(_joined(frame.contestant, rows))
            rows.clear()
        while rows and rows[-1][0] >= frame.first:
            rows.pop()
        if rows and frame.first < end:
            first, values = rows[-1]
            rows[-1] = (first, values[: frame.first - first])
        rows.append((frame.first, frame.values))
    return done + [_joined(name, rows) for name, rows in parts.items() if rows]


def _joined(contestant: str, rows: list[tuple[int, NDArray[np.float32]]]) -> Segment:
    return Segment(contestant, rows[0][0], np.concatenate([values for _, values in rows]))


def frame_messages(segment: Segment, signals: Signals, total: int) -> list[dict[str, Any]]:
    """A segment as ``frames`` entries of a delta message, with at most its share of ``MAX_COLUMNS`` columns.

    ``total`` is the number of steps of the whole run. Step 0 (the initialisation) and the newest step stay
    exact. Where the steps between are more than there is room for, ``stride`` of them become one column: mean,
    ``loss_min`` and ``loss_max`` of the loss, mean of the minibatch error and the learning rate, geometric mean
    of the gradient norms and their kin (they are read on a log scale), mean of linear quantities. Several seeds add
    ``loss_min``, ``loss_max``, ``grad_min`` and ``grad_max`` to every column, the extremes of all seeds and steps in
    it. A column with a value that is not finite is null.
    """
    values = np.asarray(segment.values, dtype=np.float64)
    count, first = len(values), segment.first
    room = max(MIN_COLUMNS, math.ceil(MAX_COLUMNS * count / max(total, count, 1)))
    if count <= room:
        return [_exact(segment.contestant, first, values, signals)]
    head = 1 if first == 0 else 0
    stride = math.ceil((count - head - 1) / (room - head - 1))
    middle = _binned(segment.contestant, first + head, values[head:-1], signals, stride)
    exact = [_exact(segment.contestant, first, values[:1], signals)] if head else []
    return [*exact, middle, _exact(segment.contestant, first + count - 1, values[-1:], signals)]


def _exact(name: str, first: int, values: Floats, signals: Signals) -> dict[str, Any]:
    gradients = _columns(values, signals.gradients)
    return {
        "c": name, "first": first, "loss": numbers(_column(values, signals.loss)),
        "train_error": numbers(_column(values, signals.train_error)), "lr": numbers(_column(values, signals.lr)),
        "grad": rows_of_numbers(gradients),
        **_band(values, signals, np.arange(len(values))),
    }  # fmt: skip


def _band(values: Floats, signals: Signals, starts: NDArray[np.int_]) -> dict[str, Any]:
    """Of several seeds: the least and the greatest in each column; nothing where there is one seed."""
    if signals.least is None or signals.most is None:
        return {}
    found: dict[str, Any] = {}
    for word, band, strict, passing_over_nan in (
        ("min", signals.least, np.minimum, np.fmin),
        ("max", signals.most, np.maximum, np.fmax),
    ):
        found[f"loss_{word}"] = numbers(strict.reduceat(_column(values, band.loss), starts))
        extreme = passing_over_nan if signals.gaps else strict
        found[f"grad_{word}"] = rows_of_numbers(extreme.reduceat(_columns(values, band.gradients), starts, axis=0))
    return found


def _binned(name: str, first: int, values: Floats, signals: Signals, stride: int) -> dict[str, Any]:
    starts = np.arange(0, len(values), stride)
    sizes = np.diff(np.append(starts, len(values)))

    def mean(column: Floats) -> Floats:
        return np.asarray(np.add.reduceat(column, starts, axis=0).T / sizes).T

    norms = _columns(values, signals.gradients)
    seen = ~np.isnan(norms) if signals.gaps else np.ones(norms.shape, dtype=bool)
    with np.errstate(all="ignore"):
        sums = np.add.reduceat(np.where(seen, norms if signals.linear else np.log(norms), 0), starts, axis=0)
        means = sums / np.add.reduceat(seen.astype(int), starts, axis=0)
        gradients = means if signals.linear else np.exp(means)
        gradients[~np.isfinite(np.add.reduceat(np.where(seen, norms, 0), starts, axis=0))] = np.nan
    loss = _column(values, signals.loss)
    return {
        "c": name, "first": first, "stride": stride, "loss": numbers(mean(loss)),
        "loss_min": numbers(np.minimum.reduceat(loss, starts)),
        "loss_max": numbers(np.maximum.reduceat(loss, starts)),
        "train_error": numbers(mean(_column(values, signals.train_error))),
        "lr": numbers(mean(_column(values, signals.lr))), "grad": rows_of_numbers(gradients),
        **_band(values, signals, starts),
    }  # fmt: skip


def _column(values: Floats, index: int) -> Floats:
    return _columns(values, (index,))[:, 0]


def _columns(values: Floats, indices: tuple[int, ...]) -> Floats:
    """The signals at these indices, [steps, len(indices)]; a signal that is not measured is NaN."""
    picked = np.full((len(values), len(indices)), np.nan)
    known = [i for i, index in enumerate(indices) if 0 <= index < values.shape[1]]
    picked[:, known] = values[:, [indices[i] for i in known]]
    return picked


def rounded(values: Floats) -> Floats:
    """To four significant digits, so that JSON writes few characters (an integer over a power of ten is exact)."""
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log10(np.abs(values)))
        small = np.rint(values * 10.0 ** (3 - exponent)) / 10.0 ** (3 - exponent)
        large = np.rint(values / 10.0 ** (exponent - 3)) * 10.0 ** (exponent - 3)
        result = np.where(exponent <= 3, small, large)
    return np.where(np.isfinite(result), result, values)


def numbers(values: Floats) -> list[float | None]:
    """A row of JSON numbers, null where a value is not finite."""
    short = rounded(values)
    finite = np.isfinite(short)
    found: list[float | None] = short.tolist()
    return found if finite.all() else [v if ok else None for v, ok in zip(found, finite.tolist(), strict=True)]


def rows_of_numbers(values: Floats) -> list[list[float | None]]:
    """A list of rows of JSON numbers, null where a value is not finite."""
    short = rounded(values)
    if np.isfinite(short).all():
        found: list[list[float | None]] = short.tolist()
        return found
    return [[v if math.isfinite(v) else None for v in row] for row in short.tolist()]
