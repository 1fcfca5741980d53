"""Blocks of a trained network deleted, swapped and shuffled (Veit et al. 2016, arXiv 1605.06431, Sect. 4)."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from ..nn import Pad, Unit
from .statistics import error_of, restated


@dataclass(frozen=True)
class Lesion:
    """The test error, a fraction, after the blocks at ``paths`` were deleted: with the running batch-norm statistics
    of the whole network, and with statistics estimated again without these blocks."""

    paths: tuple[str, ...]
    running: float
    restated: float


def block_paths(model: nn.Module) -> tuple[str, ...]:
    """Module paths of all blocks in forward order: "layer1.0", "layer1.1", ..."""
    return tuple(path for path, module in model.named_modules() if isinstance(module, Unit))


def without(model: nn.Module, paths: Iterable[str]) -> nn.Module:
    """A copy in which the branches of these blocks are deleted, y = beta F(x) + alpha x with beta 0 (Veit, Sect. 4.1).

    What the shortcut does stays, projection or padding, and so does an activation behind the addition. A plain block
    has no shortcut that could stay: the identity stands in for it, padded and strided like shortcut A where it changes
    the shape. Raises ``ValueError`` for a path that is no block, and for a plain block that narrows.
    """
    changed = copy.deepcopy(model)
    for path in paths:
        unit = _unit(changed, path)
        if unit.shortcut is not None:
            unit.add.beta = 0.0
        else:
            _put(changed, path, _passage(unit, path))
    return changed


def _passage(unit: Unit, path: str) -> nn.Module:
    """What leads past a plain block: nothing, or stride and zero channels."""
    enters, leaves, stride = _change(unit)
    if stride == 1 and enters == leaves:
        return nn.Identity()
    if enters > leaves:
        raise ValueError(f"{path} is plain and narrows from {enters} to {leaves} channels: nothing leads past it")
    return Pad(stride, leaves - enters)


def _change(unit: Unit) -> tuple[int, int, int]:
    """Channels that enter a block's branch and leave it, and its stride."""
    parallel = dict(unit.named_children()).get("paths")
    lanes = [child for name, child in parallel.named_children() if name != "join"] if parallel is not None else []
    ways = [[conv for conv in lane.modules() if isinstance(conv, nn.Conv2d)] for lane in lanes]
    tail = [conv for name, conv in unit.named_children() if name.startswith("conv") and isinstance(conv, nn.Conv2d)]
    first = ways[0][0] if ways else tail[0]
    leaves = tail[-1].out_channels if tail else sum(way[-1].out_channels for way in ways)
    strides = [layer.stride for layer in unit.modules() if isinstance(layer, (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d))]
    return first.in_channels, leaves, max(one if isinstance(one, int) else one[0] for one in strides)


def exchangeable(model: nn.Module) -> tuple[tuple[str, ...], ...]:
    """The blocks that may stand in each other's place, in groups: those of a stage that do not change the shape."""
    groups: dict[str, list[str]] = {}
    for path in block_paths(model):
        enters, leaves, stride = _change(_unit(model, path))
        if stride == 1 and enters == leaves:
            groups.setdefault(path.partition(".")[0], []).append(path)
    return tuple(tuple(group) for group in groups.values())


def permuted(model: nn.Module, moves: dict[str, str]) -> nn.Module:
    """A copy in which the block from ``moves[place]`` stands at each ``place`` (Veit, Sect. 4.3; two places: a swap).

    Raises ``ValueError`` unless the same blocks stand on both sides, all of one group of :func:`exchangeable`.
    """
    if set(moves) != set(moves.values()):
        raise ValueError("each block that leaves its place has to be put into another one of these places")
    group_of = {path: number for number, group in enumerate(exchangeable(model)) for path in group}
    changed = copy.deepcopy(model)
    units = {path: _unit(changed, path) for path in moves}
    for place, origin in moves.items():
        if group_of.get(place, -1) != group_of.get(origin, -2):
            raise ValueError(f"{origin} cannot stand at {place}: they belong to different stages or change the shape")
        _put(changed, place, units[origin])
    return changed


def lesions(
    model: nn.Module,
    groups: Iterable[Sequence[str]],
    images: torch.Tensor,
    x: torch.Tensor,
    y: torch.Tensor,
) -> Iterator[Lesion]:
    """One :class:`Lesion` after the other: each group of blocks deleted from the model alone.

    ``images`` [M, C, H, W] are training images for the statistics; the error is that on ``x`` [N, C, H, W] and
    ``y`` [N]. An empty group is the whole network.
    """
    for group in groups:
        wounded = without(model, group).eval()
        running = error_of(wounded, x, y)
        yield Lesion(tuple(group), running, error_of(restated(wounded, images), x, y))


def _unit(model: nn.Module, path: str) -> Unit:
    unit = dict(model.named_modules()).get(path)
    if not isinstance(unit, Unit):
        raise ValueError(f"there is no block {path[:40]!r}: blocks are called {', '.join(block_paths(model)[:3])}, ...")
    return unit


def _put(model: nn.Module, path: str, module: nn.Module) -> None:
    stage, _, name = path.rpartition(".")
    setattr(model.get_submodule(stage), name, module)
