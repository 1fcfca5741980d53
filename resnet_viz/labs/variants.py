"""The networks of the labs on digits: He's layout at width 8 with any block, stem and initialisation fitted to it."""

from __future__ import annotations

from typing import Any

from ..spec import Block, Init, Network, Stem
from ..spec.presets.layouts import DIGITS, cifar

WIDTH = 8


def small(name: str, depth: int, *, scheme: str | None = None, width: int = WIDTH, **block: Any) -> Network:
    """Three stages of (depth - 2) / 6 blocks (He 2016a, Sect. 4.2) on 1 x 8 x 8, shortcut A unless ``block`` says else.

    The stem has the blocks' norm and activation. ``scheme`` is an initialisation. Raises pydantic's
    ``ValidationError`` for a block that cannot be.
    """
    shape = Block.model_validate({"shortcut": "A", **block})
    network = cifar(name, depth, width=width, image=DIGITS, shape=shape)
    stem = Stem(width=width, norm=shape.norm, activation=shape.activation, activated=shape.order != "preactivation")
    init = network.init if scheme is None else Init.model_validate({"scheme": scheme})
    return Network.model_validate({**network.model_dump(), "stem": stem.model_dump(), "init": init.model_dump()})
