"""What the pretrained page computes: one forward pass of a network on one picture, kept for all sessions."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from resnet_viz.data.images import ImageError, pattern, prepare, read_image
from resnet_viz.data.weights import WEIGHTS, load
from resnet_viz.inspect.branch_ratio import BranchRatio, branch_ratios

if TYPE_CHECKING:
    import torch

SEED = 0
GUESSES = 5
_ONE_AT_A_TIME = threading.Lock()
"""Networks are large: the server holds one at a time."""
_ONE_PICTURE = threading.Lock()
"""Decoding takes much memory for a moment: the server decodes one picture at a time."""
LAST_PICTURES = 16
"""A prepared picture takes 0.6 MB."""


@dataclass(frozen=True)
class Picture:
    """An image ready for a network, compared by its digest; ``generated`` says that it is the built-in pattern."""

    digest: str
    values: torch.Tensor = field(compare=False, repr=False)
    generated: bool


@dataclass(frozen=True)
class Measured:
    """The branch ratios of one forward pass and the most probable classes, as (class, probability)."""

    ratios: tuple[BranchRatio, ...]
    guesses: tuple[tuple[int, float], ...]


_pictures: OrderedDict[str, Picture | str] = OrderedDict()
"""The last pictures, or why one cannot be read, by digest: a page asks for its own again on each rerun."""


def picture(data: bytes | None, resize: int) -> Picture:
    """The person's image, or the built-in pattern for None. Raises ``ImageError``."""
    if data is None:
        return _pattern(resize)
    key = f"{hashlib.sha256(data).hexdigest()} {resize}"
    with _ONE_PICTURE:
        found = _pictures.get(key)
        if found is None:
            found = _pictures[key] = _decoded(key, data, resize)
        _pictures.move_to_end(key)
        while len(_pictures) > LAST_PICTURES:
            _pictures.popitem(last=False)
    if isinstance(found, str):
        raise ImageError(found)
    return found


def _decoded(key: str, data: bytes, resize: int) -> Picture | str:
    try:
        return Picture(key, prepare(read_image(data), resize), generated=False)
    except ImageError as error:
        return str(error)


@lru_cache(maxsize=4)
def _pattern(resize: int) -> Picture:
    return Picture(f"pattern {resize}", prepare(pattern(), resize), generated=True)


def measured(name: str, shown: Picture) -> Measured:
    """With the downloaded weights, in evaluation mode. Raises ``WeightsError``."""
    path = WEIGHTS[name].path
    stamp = path.stat().st_mtime_ns if path.is_file() else 0
    return _measured(name, stamp, shown)


def at_initialisation(name: str, shown: Picture) -> Measured:
    """With the starting weights of seed 0.

    In training mode: its batch norms have no running averages yet, so they use this one image's own.
    """
    return _measured(name, None, shown)


@lru_cache(maxsize=32)
def _measured(name: str, stamp: int | None, shown: Picture) -> Measured:
    with _ONE_AT_A_TIME:
        if stamp is None:
            from resnet_viz.nn import build
            from resnet_viz.spec import preset

            model = build(preset(name), seed=SEED)
        else:
            model = load(WEIGHTS[name])
        ratios, scores = branch_ratios(model, shown.values)
    probable = scores[0].softmax(0).topk(GUESSES)
    guesses = zip(probable.indices.tolist(), probable.values.tolist(), strict=True)
    return Measured(ratios, tuple((int(i), float(p)) for i, p in guesses))
