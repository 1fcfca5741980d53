"""A network cut into stem, blocks and head, each distinct piece traced once.

Most blocks of a deep network are the same work again: equal spec, equal shape in. A piece is looked up by just
these (frozen models, compared by value), so a hit cannot be a wrong answer, and only plain data is kept.
Whole-network traces give the same; tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Literal

import torch
import torchinfo
from torch import nn

from ..nn.networks import Chain, head_layers, stem_layers
from ..nn.shortcuts import shortcut_name
from ..nn.units import Unit
from ..spec.block import Block
from ..spec.network import Head, Network, Stem
from ..spec.shapes import Problem, after_stem, block_shapes, problems
from .graph import ShortcutKind
from .memory import Kept, kept
from .operations import TORCH, Operation, Shape, operations

IMAGES = 2
"""Images in the batch that torchinfo sees: group norm refuses a single value a channel. Its counts are per image."""

CACHED = 2048
"""Pieces kept by each cache; one is a few kB."""


@dataclass(frozen=True)
class Piece:
    """A stem, block or head for one input shape. ``params`` is the sum over the module's own parameters.

    ``operations`` is empty for a piece that cannot be built; its ``params`` and ``macs`` are then those of what
    can be built of it.
    """

    operations: tuple[Operation, ...]
    enters: Shape
    leaves: Shape
    params: int
    macs: int
    shortcut: ShortcutKind | None
    kept: Kept


@dataclass(frozen=True)
class Counted:
    """torchinfo's view of a piece: total parameters and multiply-adds for one image, and the latter by path."""

    params: int
    macs: int
    by_path: dict[str, int]


@dataclass(frozen=True)
class Placed:
    """A piece at its place: ``prefix`` ("layer1.0.", empty for stem and head) makes its paths the network's.

    ``count`` asks torchinfo, which takes longer than the trace; ``problem`` says why the piece cannot be built.
    """

    part: Literal["stem", "block", "head"]
    prefix: str
    stage: int
    block: int
    piece: Piece
    count: Callable[[], Counted]
    problem: str | None = None


def placed(network: Network) -> tuple[Placed, ...]:
    """The network's pieces in forward order, also behind a block that cannot be built. Takes a checked network."""
    wrong: dict[tuple[int, int], Problem] = {}
    for problem in problems(network):
        wrong.setdefault((problem.stage, problem.block), problem)
    first, last = network.each[0], network.each[-1]
    dropping = network.drop_path.survival < 1
    image = (network.input.channels, network.input.height, network.input.width)

    stem = _stem_piece(network.stem, first, image)
    if (0, 1) in wrong:
        stem = replace(stem, operations=(), leaves=after_stem(network))
    count = partial(_stem_count, network.stem, first, image)
    found = [Placed("stem", "", 0, 0, stem, count, _message(wrong.get((0, 1))))]
    shape: Shape = stem.leaves
    for row in block_shapes(network):
        block = network.stages[row.stage - 1].block_at(row.block)
        prefix = f"layer{row.stage}.{row.block - 1}."
        error = wrong.get((row.stage, row.block))
        if error is None:
            piece = _unit_piece(block, row.stride, row.enters, dropping)
        else:
            piece = _failing_piece(block, row.stride, row.enters, row.leaves)
        count = partial(_unit_count, block, row.stride, row.enters, dropping)
        found.append(Placed("block", prefix, row.stage, row.block, piece, count, _message(error)))
        shape = piece.leaves
    head = _head_piece(network.head, last, shape)
    found.append(Placed("head", "", 0, 0, head, partial(_head_count, network.head, last, shape)))
    return tuple(found)


def _message(problem: Problem | None) -> str | None:
    return None if problem is None else problem.message


def _stem(stem: Stem, first: Block, image: Shape) -> nn.Module:
    return Chain(stem_layers(stem, image[0], first))


def _head(head: Head, last: Block) -> nn.Module:
    return Chain(head_layers(head.classes, last))


@lru_cache(CACHED)
def _stem_piece(stem: Stem, first: Block, image: Shape) -> Piece:
    return _inspect(_stem(stem, first, image), image, None)


@lru_cache(CACHED)
def _unit_piece(block: Block, stride: int, enters: Shape, dropping: bool = False) -> Piece:
    unit = Unit(block, enters[0], stride, 0.5 if dropping else 1.0)  # any probability: the structure is the same
    return _inspect(unit, enters, unit.shortcut_name)


@lru_cache(CACHED)
def _head_piece(head: Head, last: Block, enters: Shape) -> Piece:
    return _inspect(_head(head, last), enters, None)


@lru_cache(CACHED)
def _stem_count(stem: Stem, first: Block, image: Shape) -> Counted:
    return _count(_stem(stem, first, image), image)


@lru_cache(CACHED)
def _unit_count(block: Block, stride: int, enters: Shape, dropping: bool = False) -> Counted:
    return _count(Unit(block, enters[0], stride, 0.5 if dropping else 1.0), enters)


@lru_cache(CACHED)
def _head_count(head: Head, last: Block, enters: Shape) -> Counted:
    return _count(_head(head, last), enters)


def _inspect(module: nn.Module, enters: Shape, shortcut: ShortcutKind | None) -> Piece:
    found = operations(module, enters)
    return Piece(
        operations=found,
        enters=enters,
        leaves=found[-1].shape,
        params=sum(parameter.numel() for parameter in module.parameters()),
        macs=sum(operation.macs for operation in found),
        shortcut=shortcut,
        kept=kept(found),
    )


def _failing_piece(block: Block, stride: int, enters: Shape, leaves: Shape) -> Piece:
    """The shape by arithmetic, and the costs of as much as can be built: with its shortcut, without it, nothing."""
    shortcut = shortcut_name(block, enters[0], stride)
    for attempt in (block, block.model_copy(update={"merge": "none"})):
        try:
            piece = _unit_piece(attempt, stride, enters)
        except ValueError:
            continue
        return replace(piece, operations=(), leaves=leaves, shortcut=shortcut)
    return Piece((), enters, leaves, 0, 0, shortcut, Kept(0, False, False))


def _count(module: nn.Module, enters: Shape) -> Counted:
    """torchinfo 1.8.0 on a meta copy of our own.

    Its traps: ``cache_forward_pass`` is keyed by class name, so never used; with a size in place of data it draws
    random numbers; it leaves all submodules in the root's mode, which this throw-away copy does not mind.
    """
    with TORCH:
        data = torch.empty((IMAGES, *enters), device="meta")
        told = torchinfo.summary(
            module, input_data=[data], device="meta", mode="eval", depth=8, verbose=0, cache_forward_pass=False
        )
    names = {id(child): path for path, child in module.named_modules()}
    by_path = {names[id(row.module)]: int(row.macs) // IMAGES for row in told.summary_list if row.is_leaf_layer}
    return Counted(int(told.total_params), int(told.total_mult_adds) // IMAGES, by_path)
