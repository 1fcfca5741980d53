"""What a person may ask a running or paused race to measure once: its sharpness, its histograms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..spec import SpecError
from .engine import EagerEngine
from .histograms import Subject, histogram
from .sharpness import sharpness

Kind = Literal["sharpness", "histogram"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Request:
    """Measure this once, from the row of ``step`` on, before its update. ``of``: a histogram's subject."""

    step: int
    kind: Kind
    of: Subject = "weight"

    @classmethod
    def of_command(cls, step: int, kind: Kind, data: Mapping[str, Any]) -> Request:
        """From a command's data. Raises ``SpecError`` for a subject that there is not."""
        of = data.get("of", "weight")
        if of not in get_args(Subject):
            raise SpecError(f"There are no histograms of {str(of)[:40]!r}: use one of {', '.join(get_args(Subject))}.")
        return cls(step, kind, of)


def answer(
    request: Request, engine: EagerEngine, step: int, turn: AbstractContextManager[None], go_on: Callable[[], bool]
) -> list[dict[str, Any]]:
    """What is measured at the row of ``step``, as data of events: one for the sharpness, one a layer for histograms.

    Nothing of the contestant's state changes, its random numbers neither.
    """
    if request.kind == "sharpness":
        model, x, y = engine.apart(step)
        found = sharpness(model, x, y, turn=turn, go_on=go_on, loss=engine.loss)
        if not go_on():
            return [{"problem": "It was stopped before the sharpness had settled."}]
        if not math.isfinite(found.value):
            return [{"problem": "The loss has no finite curvature here."}]
        return [{"value": found.value, "residual": found.residual, "iterations": found.iterations, "images": len(y)}]
    rows = []
    with turn:
        for path, weight in engine.weights():
            values = weight if request.of == "weight" else weight.grad
            if values is not None:
                seen = histogram(values)
                rows.append(
                    {"of": request.of, "layer": path, "low": seen.low, "high": seen.high,
                     "counts": " ".join(map(str, seen.counts))}
                )  # fmt: skip
    return rows
