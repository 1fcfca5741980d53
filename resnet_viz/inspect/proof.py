"""A count that proves itself: the parameters of each part by formula, by PyTorch and by torchinfo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..spec.block import Block
from ..spec.formula import Term, block_terms, head_terms, stem_terms, total
from ..spec.network import Network, checked
from ..spec.shapes import block_shapes


@dataclass(frozen=True)
class Proof:
    """The stem, a block or the head, counted in three ways.

    All begin with the same plan of convolutions (their widths and groups); the formula writes norms, biases, gates and
    projections out anew.

    ``terms`` come from the spec alone; ``pytorch`` is the sum of ``numel`` over the parameters of the built module;
    ``torchinfo`` the total that torchinfo reports for it. ``path`` is "stem", "layer1.0", ..., "head"; ``stage`` and
    ``block`` count from 1, 0 in stem and head.
    """

    path: str
    stage: int
    block: int
    terms: tuple[Term, ...]
    pytorch: int
    torchinfo: int

    @property
    def formula(self) -> int:
        """What the terms add up to."""
        return total(self.terms)

    @property
    def agrees(self) -> bool:
        """True only where all three are the same number."""
        return self.formula == self.pytorch == self.torchinfo


def proofs(network: Network) -> tuple[Proof, ...]:
    """One for each part in forward order: stem, every block, head.

    Raises :class:`~resnet_viz.spec.SpecError` or pydantic's ``ValidationError`` when the network cannot be built.
    """
    from .pieces import cut  # torch

    found = cut(checked(network))
    found.refuse()
    formulas = (stem_terms(network), *_blocks(network), head_terms(network))
    return tuple(
        Proof(part.prefix.rstrip(".") or part.part, part.stage, part.block, terms, part.piece.params,
              part.piece.counted.params)
        for part, terms in zip(found.parts, formulas, strict=True)
    )  # fmt: skip


def _blocks(network: Network) -> Sequence[tuple[Term, ...]]:
    known: dict[tuple[Block, int, int], tuple[Term, ...]] = {}
    found = []
    for row, block in zip(block_shapes(network), network.each, strict=True):
        key = (block, row.enters[0], row.stride)
        if key not in known:
            known[key] = block_terms(*key)
        found.append(known[key])
    return found
