"""A network cut into stem, blocks and head, each distinct piece traced and counted once.

Most blocks of a deep network are the same work again: equal spec, equal shape in. A piece is looked up by just
these (frozen models, compared by value), so a hit cannot be a wrong answer, and only plain data is kept.
Whole-network traces give the same; tests hold the two together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import RLock
from typing import Literal

import torch
import torchinfo
from cachetools import LRUCache, cached
from torch import nn

from ..nn.layers import ACTIVATIONS, NORM_TYPES
from ..nn.networks import Chain, head_layers, stem_layers
from ..nn.shortcuts import shortcut_name
from ..nn.units import Unit
from ..spec.block import Block
from ..spec.network import Head, Network, Stem
from ..spec.shapes import Problem, after_stem, block_shapes, problems
from .graph import ShortcutKind
from .memory import Kept, kept, peak
from .operations import TORCH, Operation, Shape, operations

CACHED = 50_000
"""Operations of the pieces that each cache keeps; one takes about a kB, and a block has ten, or hundreds in paths."""

CUT = 20_000
"""The same for networks whose pieces are kept in place: a page asks for graphs and counts of a network in turn."""

_SAME_SHAPE = (*NORM_TYPES, *(type(make()) for make in ACTIVATIONS.values()))


@dataclass(frozen=True)
class Piece:
    """A stem, block or head for one input shape. ``params`` is the sum over the module's own parameters.

    ``operations`` is empty for a piece that cannot be built; its ``params`` and ``macs`` are then those of what
    can be built of it. ``peak`` is the most values alive at once for one image.
    """

    operations: tuple[Operation, ...]
    enters: Shape
    leaves: Shape
    params: int
    macs: int
    shortcut: ShortcutKind | None
    kept: Kept
    peak: int
    counted: Counted


@dataclass(frozen=True)
class Counted:
    """torchinfo's view of a piece: total parameters and multiply-adds for one image, and the latter by path."""

    params: int
    macs: int
    by_path: dict[str, int]


@dataclass(frozen=True)
class Placed:
    """A piece at its place: ``prefix`` ("layer1.0.", empty for stem and head) makes its paths the network's.

    ``problem`` says why the piece cannot be built.
    """

    part: Literal["stem", "block", "head"]
    prefix: str
    stage: int
    block: int
    piece: Piece
    problem: str | None = None


@dataclass(frozen=True)
class Cut:
    """A network's pieces in forward order, also behind a block that cannot be built, and all its problems."""

    parts: tuple[Placed, ...]
    problems: tuple[Problem, ...]

    def refuse(self) -> None:
        """Raise the first problem as a :class:`~resnet_viz.spec.SpecError`; return when there is none."""
        for problem in self.problems:
            raise problem.error()


def _cut_size(found: Cut) -> int:
    pieces = {id(part.piece): part.piece for part in found.parts}.values()
    return len(found.parts) + sum(map(_size, pieces))


def _size(piece: Piece) -> int:
    return 1 + len(piece.operations)


@cached(LRUCache(CUT, _cut_size), lock=RLock())
def cut(network: Network) -> Cut:
    """The pieces of a network, which must be a checked one."""
    found = problems(network)
    wrong: dict[tuple[int, int], str] = {}
    for problem in found:
        wrong.setdefault((problem.stage, problem.block), problem.message)
    stem = _stem_piece(network.stem, network.each[0], _image(network))
    if (0, 1) in wrong:
        stem = replace(stem, operations=(), leaves=after_stem(network))
    blocks = _blocks(network, wrong)
    head = _head_piece(network.head, network.each[-1], blocks[-1].piece.leaves)
    return Cut((Placed("stem", "", 0, 0, stem, wrong.get((0, 1))), *blocks, Placed("head", "", 0, 0, head)), found)


def _image(network: Network) -> Shape:
    return network.input.channels, network.input.height, network.input.width


def _blocks(network: Network, wrong: dict[tuple[int, int], str]) -> list[Placed]:
    dropping = network.drop_path.survival < 1
    # By identity first: hashing a block by value takes longer than all else that is done for a repeated one.
    known: dict[tuple[int, int, Shape], Piece] = {}
    placed: list[Placed] = []
    each = network.each
    for row, block in zip(block_shapes(network), each, strict=True):
        error = wrong.get((row.stage, row.block))
        key = (id(block), row.stride, row.enters)
        if error is not None:
            piece = _failing_piece(block, row.stride, row.enters, row.leaves)
        elif key in known:
            piece = known[key]
        else:
            piece = known[key] = _unit_piece(block, row.stride, row.enters, dropping)
        placed.append(Placed("block", f"layer{row.stage}.{row.block - 1}.", row.stage, row.block, piece, error))
    return placed


@cached(LRUCache(CACHED, _size), lock=RLock())
def _stem_piece(stem: Stem, first: Block, image: Shape) -> Piece:
    return _inspect(Chain(stem_layers(stem, image[0], first)), image, None)


@cached(LRUCache(CACHED, _size), lock=RLock())
def _unit_piece(block: Block, stride: int, enters: Shape, dropping: bool = False) -> Piece:
    unit = Unit(block, enters[0], stride, 0.5 if dropping else 1.0)  # any probability: the structure is the same
    return _inspect(unit, enters, unit.shortcut_name)


@cached(LRUCache(CACHED, _size), lock=RLock())
def _head_piece(head: Head, last: Block, enters: Shape) -> Piece:
    return _inspect(Chain(head_layers(head.classes, last)), enters, None)


def _inspect(module: nn.Module, enters: Shape, shortcut: ShortcutKind | None) -> Piece:
    """Trace and count a module that nobody else uses."""
    _let_through(module)
    found = operations(module, enters)
    return Piece(
        operations=found,
        enters=enters,
        leaves=found[-1].shape,
        params=sum(parameter.numel() for parameter in module.parameters()),
        macs=sum(operation.macs for operation in found),
        shortcut=shortcut,
        kept=kept(found),
        peak=peak(found, enters),
        counted=_count(module, enters),
    )


def _let_through(module: nn.Module) -> None:
    """Let the module's norms and activations hand on what they get.

    Neither changes a shape, and torch finds the shape of a batch norm on the meta device with Python code that takes
    longer than all other layers together.
    """
    for layer in module.modules():
        if isinstance(layer, _SAME_SHAPE):
            layer.forward = _handed_on


def _handed_on(x: torch.Tensor) -> torch.Tensor:
    return x


def _failing_piece(block: Block, stride: int, enters: Shape, leaves: Shape) -> Piece:
    """The shape by arithmetic, and the costs of as much as can be built: with its shortcut, without it, nothing."""
    shortcut = shortcut_name(block, enters[0], stride)
    for attempt in (block, block.model_copy(update={"merge": "none"})):
        try:
            piece = _unit_piece(attempt, stride, enters)
        except ValueError:
            continue
        return replace(piece, operations=(), leaves=leaves, shortcut=shortcut)
    return Piece((), enters, leaves, 0, 0, shortcut, Kept(0, False, False), 0, Counted(0, 0, {}))


def _count(module: nn.Module, enters: Shape) -> Counted:
    """torchinfo 1.8.0 on a meta copy of our own.

    Its traps: ``cache_forward_pass`` is keyed by class name, so never used; with a size in place of data it draws
    random numbers; it leaves all submodules in the root's mode, which this throw-away copy does not mind.
    """
    with TORCH:
        image = torch.empty((1, *enters), device="meta")
        told = torchinfo.summary(
            module, input_data=[image], device="meta", mode="eval", depth=8, verbose=0, cache_forward_pass=False
        )
    names = {id(child): path for path, child in module.named_modules()}
    by_path = {names[id(row.module)]: int(row.macs) for row in told.summary_list if row.is_leaf_layer}
    return Counted(int(told.total_params), int(told.total_mult_adds), by_path)
