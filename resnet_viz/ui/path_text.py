"""Parallel paths as text, one a line: "max pool, 1×1 to 32", and back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import ValidationError

from resnet_viz.spec import Lane, sentence
from resnet_viz.spec.block import MAX_LANES, LanePool

EXAMPLE = "1×1 to 16, 3×3 to 24"
MAX_TEXT = 2000
_LAYER = re.compile(r"(\d{1,5}) ?[x×] ?(\d{1,5}) ?(?:to|→|:|·)? ?(\d{1,9})")
_POOL = re.compile(r"(\w+)[ -]?pool(?: 3 ?[x×] ?3)?")


def written(lanes: Sequence[Lane]) -> str:
    """One line a path."""
    return "\n".join(_line(lane) for lane in lanes)


def _line(lane: Lane) -> str:
    words = [f"{lane.pool} pool"] if lane.pool != "none" else []
    return ", ".join(words + [f"{conv.kernel}×{conv.kernel} to {conv.width}" for conv in lane.convs])


def read(text: str) -> tuple[Lane, ...]:
    """The paths of a text; none for an empty one. Raises ``ValueError`` that names the line."""
    if len(text) > MAX_TEXT:
        raise ValueError(f"this text has {len(text):,} characters, and paths have at most {MAX_TEXT:,}")
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    if len(lines) > MAX_LANES:
        raise ValueError(f"{len(lines)} paths are above the limit of {MAX_LANES}: take some lines away")
    return tuple(_lane(line, number) for number, line in enumerate(lines, 1))


def _lane(line: str, number: int) -> Lane:
    pool: str | None = None
    convs: list[dict[str, Any]] = []
    for part in (part.strip() for part in line.split(",")):
        layer, pooled = _LAYER.fullmatch(part), _POOL.fullmatch(part)
        if layer and layer[1] == layer[2]:
            convs.append({"kernel": int(layer[1]), "width": int(layer[3])})
        elif pooled and pooled[1] in get_args(LanePool) and pool is None and not convs:
            pool = pooled[1]
        else:
            shown = part if len(part) <= 30 else f"{part[:29]}…"
            raise ValueError(f'"{shown}" in line {number} is no layer of a path: write it like {EXAMPLE}')
    try:
        return Lane.model_validate({"pool": pool or "none", "convs": convs})
    except ValidationError as error:
        if not convs:
            raise ValueError(f"the path in line {number} has no convolution: end it like {EXAMPLE}") from error
        place, _, told = sentence(error).partition(" is ")
        raise ValueError(f"the {place.rpartition('.')[2]} in line {number} is {told}") from error
