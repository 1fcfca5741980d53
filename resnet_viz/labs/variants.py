"""The networks of the labs on digits: He's layout at width 8 with any block, stem and initialisation fitted to it."""

from __future__ import annotations

from typing import Any

from ..spec import Block, Init, Network, Stem
from ..spec.presets.layouts import CIFAR, DIGITS, cifar

WIDTH, LARGE_WIDTH = 8, 16


def small(
    name: str, depth: int, *, scheme: str | None = None, width: int = 0, large: bool = False, **block: Any
) -> Network:
    """Three stages of (depth - 2) / 6 blocks (He 2016a, Sect. 4.2) on 1 x 8 x 8, shortcut A unless ``block`` says else.

    The stem has the blocks' norm and activation; the width is 8 unless given. ``scheme`` is an initialisation;
    ``large``: on 3 x 32 x 32 at the paper's width 16. Raises pydantic's ``ValidationError`` for a block that cannot be.
    """
    width = width or (LARGE_WIDTH if large else WIDTH)
    shape = Block.model_validate({"shortcut": "A", **block})
    network = cifar(name, depth, width=width, image=CIFAR if large else DIGITS, shape=shape)
    stem = Stem(width=width, norm=shape.norm, activation=shape.activation, activated=shape.order != "preactivation")
    init = network.init if scheme is None else Init.model_validate({"scheme": scheme})
    return Network.model_validate({**network.model_dump(), "stem": stem.model_dump(), "init": init.model_dump()})
