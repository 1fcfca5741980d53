"""The convolutions of a block's main path as plain data, one small function for each branch of the spec.

To add a branch: write a function from (block, channels, stride) to its convolutions and put it into
:data:`BRANCHES` under the name that ``resnet_viz.spec.Block.branch`` has for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..spec.network import Block, Branch


@dataclass(frozen=True)
class Convolution:
    """A same-padded square convolution: [N, in_channels, H, W] -> [N, out_channels, ceil(H/stride), ceil(W/stride)]."""

    in_channels: int
    out_channels: int
    kernel: int
    stride: int = 1
    groups: int = 1


def basic(block: Block, channels: int, stride: int) -> tuple[Convolution, ...]:
    """3x3, 3x3; the first carries the stride (He 2016a, Fig. 5 left). Both are cut into ``cardinality`` groups."""
    inner, groups = block.inner_width, block.cardinality
    return (
        Convolution(channels, inner, 3, stride, groups),
        Convolution(inner, block.out_width, 3, 1, groups),
    )


def bottleneck(block: Block, channels: int, stride: int) -> tuple[Convolution, ...]:
    """1x1, 3x3, 1x1 (He 2016a, Fig. 5 right); only the 3x3 is grouped (Xie 2017, Fig. 3c).

    The paper puts the stride on the first 1x1 (``stride_on`` "1x1"), torchvision on the 3x3.
    """
    inner = block.inner_width
    first, middle = (stride, 1) if block.stride_on == "1x1" else (1, stride)
    return (
        Convolution(channels, inner, 1, first),
        Convolution(inner, inner, 3, middle, block.cardinality),
        Convolution(inner, block.out_width, 1),
    )


BRANCHES: dict[Branch, Callable[[Block, int, int], tuple[Convolution, ...]]] = {
    "basic": basic,
    "bottleneck": bottleneck,
}
"""From (block, channels that enter, stride) to the convolutions in forward order."""
