"""Shapes of every stage and block by arithmetic, and the places where a network cannot be built.

The arithmetic decides nothing that is shown: pages take shapes from a trace. It finds the failing block
*before* torch is asked, so that the message names stage, block and field and the rest can still be drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from .errors import SpecError
from .network import Network


@dataclass(frozen=True)
class BlockShape:
    """What enters and leaves one block: (channels, height, width). ``stage`` and ``block`` count from 1."""

    stage: int
    block: int
    stride: int
    enters: tuple[int, int, int]
    leaves: tuple[int, int, int]

    @property
    def changes(self) -> bool:
        """True where the shape changes, so that a shortcut of option A pads and one of option B projects."""
        return self.enters != self.leaves


@dataclass(frozen=True)
class Problem:
    """Why a network cannot be built, and where; ``stage`` 0 is the stem."""

    stage: int
    block: int
    field: str
    message: str

    def error(self) -> SpecError:
        """The same as an exception."""
        return SpecError(self.message, stage=self.stage, block=self.block, field=self.field)


def halve(size: int, stride: int) -> int:
    """Output size of a same-padded convolution or pool of that stride: ceil(size / stride)."""
    return -(-size // stride)


def after_stem(network: Network) -> tuple[int, int, int]:
    """(channels, height, width) after stem convolution and pool."""
    stem = network.stem
    height, width = (halve(size, stem.stride) for size in (network.input.height, network.input.width))
    if stem.pool == "max":
        height, width = halve(height, 2), halve(width, 2)
    return stem.width, height, width


def block_shapes(network: Network) -> tuple[BlockShape, ...]:
    """Every block's shapes in order, also behind a block that cannot be built."""
    rows = []
    channels, height, width = after_stem(network)
    for s, stage in enumerate(network.stages, 1):
        for b, block in enumerate(stage.each, 1):
            stride = stage.stride if b == 1 else 1
            enters = (channels, height, width)
            channels, height, width = block.out_width, halve(height, stride), halve(width, stride)
            rows.append(BlockShape(s, b, stride, enters, (channels, height, width)))
    return tuple(rows)


def problems(network: Network) -> tuple[Problem, ...]:
    """Every place where the network cannot be built, in the order of the forward pass; empty when it can.

    A stride needs at least as many pixels as it skips: on a smaller map it would silently do nothing.
    Both convolutions of a basic block are grouped, so its groups must divide what enters it too (the model has
    checked the other widths). Option A adds zero channels and so cannot take channels away (He 2016a, Sect. 3.3).
    """
    found = []
    stem_stride = network.stem.stride * (2 if network.stem.pool == "max" else 1)
    smallest = min(network.input.height, network.input.width)
    if stem_stride > smallest:
        found.append(
            Problem(0, 1, "stem.stride", f"The stem divides the size by {stem_stride}, but the input is only "
                    f"{network.input.height} x {network.input.width}: use a larger input or a smaller stem stride.")
        )  # fmt: skip
    for row in block_shapes(network):
        block = network.stages[row.stage - 1].block_at(row.block)
        where = f"Stage {row.stage}, block {row.block}"
        _, height, width = row.enters
        if row.stride > min(height, width):
            found.append(
                Problem(row.stage, row.block, "stride", f"{where} has stride {row.stride}, but only {height} x {width} "
                        "pixels reach it: use a larger input, or a smaller stride before it.")
            )  # fmt: skip
        if block.branch == "basic" and row.enters[0] % block.cardinality:
            found.append(
                Problem(row.stage, row.block, "cardinality", f"{where} cuts {row.enters[0]} channels into "
                        f"{block.cardinality} groups, which does not come out even: use cardinality "
                        f"{gcd(row.enters[0], block.cardinality)}, or branch bottleneck.")
            )  # fmt: skip
        if block.merge != "none" and block.shortcut == "A" and row.leaves[0] < row.enters[0]:
            found.append(
                Problem(row.stage, row.block, "shortcut", f"{where} goes from {row.enters[0]} to {row.leaves[0]} "
                        "channels, and shortcut A can only add zero channels: use shortcut B, or a larger width.")
            )  # fmt: skip
    return tuple(found)


def refuse(network: Network) -> None:
    """Raise the first of :func:`problems` as a :class:`SpecError`; return when there is none."""
    for problem in problems(network):
        raise problem.error()
