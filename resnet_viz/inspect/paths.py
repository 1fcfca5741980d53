"""The ways from the loss back to the input: how many there are, and how long (Veit et al. 2016, arXiv 1605.06431)."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from ..spec.block import Block
from ..spec.network import Network

ENDS = 2
"""Weighted layers on every path: the stem's convolution and the head's linear layer."""


@dataclass(frozen=True)
class Paths:
    """The gradient's paths through a network.

    A block with a shortcut can be passed through its branch or around it, so n of them have 2^n paths (Veit 2016,
    Sect. 3). The length is counted as there, in blocks that are passed through: ``shares[k]`` is the share of all
    paths that pass through k blocks, a binomial distribution where every block has a shortcut. A block is one step
    whatever is inside: groups, parallel paths and attention make no more paths, a projection's 1x1 on the shortcut is
    no step, and a gated block has both ways, the gate itself being none. A plain block is passed on every path.
    What is multiplied by zero is no way: a shortcut with alpha 0, a branch with beta 0.

    ``fewest`` is the number of blocks that no path goes around. ``shortest`` and ``longest`` are in weighted layers,
    stem and linear layer among them, counted as ``depth`` counts (projections left out); of parallel paths inside a
    block the shortest and the longest one. ``shares`` is empty, and all else is 0, where a block has no way at all.
    """

    shortest: int
    longest: int
    fewest: int
    shares: tuple[float, ...]

    @property
    def most(self) -> int:
        """Most blocks that a path passes through."""
        return max(len(self.shares) - 1, 0)

    @property
    def mean(self) -> float:
        """Mean number of blocks passed through."""
        return sum(k * share for k, share in enumerate(self.shares))

    @property
    def deviation(self) -> float:
        """Standard deviation of that number."""
        mean = self.mean
        return sqrt(sum((k - mean) ** 2 * share for k, share in enumerate(self.shares)))


def paths_of(network: Network) -> Paths:
    """The paths of a network by multiplication: each block is the polynomial x, 1 or 1 + x, and their product counts.

    Exact: n factors 1 + x give the binomial coefficients of n, whole numbers of any size, rounded once as shares.
    """
    shortest = longest = ENDS
    either = through_only = 0
    for block in network.each:
        through, around = ways(block)
        if not (through or around):
            return Paths(0, 0, 0, ())
        either += through and around
        through_only += not around
        longest += block.depth if through else 0
        shortest += 0 if around else _least_depth(block)
    return Paths(shortest, longest, through_only, (0.0,) * through_only + _binomial(either))


def ways(block: Block) -> tuple[bool, bool]:
    """Whether the gradient passes through the block's branch, and around it."""
    if block.merge == "none":
        return True, False
    return block.beta != 0, block.alpha != 0


def _least_depth(block: Block) -> int:
    return min(len(lane.convs) for lane in block.lanes) if block.lanes else block.depth


def _binomial(count: int) -> tuple[float, ...]:
    """Coefficients of (1 + x)^count over their sum."""
    coefficient, total, shares = 1, 2**count, []
    for k in range(count + 1):
        shares.append(coefficient / total)
        coefficient = coefficient * (count - k) // (k + 1)
    return tuple(shares)
