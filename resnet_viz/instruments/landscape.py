"""The loss on a plane through the weights, its directions normalised filter by filter (Li et al. 2018, 1712.09913)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from .statistics import CHUNK

Direction = dict[str, torch.Tensor]
"""A step for each parameter by its name, of its shape."""
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Point:
    """The loss at row ``row`` and column ``column`` of the grid; ``level`` 0 is the coarsest."""

    row: int
    column: int
    level: int
    loss: float


def directions(model: nn.Module, seed: int = 0) -> tuple[Direction, Direction]:
    """Two random directions, each filter of which has the norm of the model's own filter (Li, Sect. 4).

    d_ij <- d_ij / |d_ij| |theta_ij| for filter j of layer i: of a convolution everything that makes one output
    channel, of a linear layer one row. Biases and norms stay where they are, as in the authors' plots.
    """
    source = torch.Generator().manual_seed(seed)
    return _direction(model, source), _direction(model, source)


def _direction(model: nn.Module, source: torch.Generator) -> Direction:
    found = {}
    for name, weight in model.named_parameters():
        if weight.dim() < 2:
            found[name] = torch.zeros_like(weight)
            continue
        drawn = torch.randn(weight.shape, generator=source).to(weight)
        norms = [value.detach().flatten(1).norm(dim=1) for value in (weight, drawn)]
        scale = norms[0] / norms[1].clamp_min(1e-12)
        found[name] = drawn * scale.view(-1, *[1] * (weight.dim() - 1))
    return found


def grid(side: int) -> Iterator[tuple[int, int, int]]:
    """(row, column, level) of all points of a side x side grid, coarse to fine, each once.

    The first level has every ``s``-th row and column, ``s`` the largest power of two below ``side``; each level after
    it halves the step, so that a picture is whole after every level and only gets sharper.
    """
    if side < 2:
        raise ValueError(f"a grid of {side} points a side has no surface: use 2 or more")
    step, level = 1 << ((side - 1).bit_length() - 1), 0
    seen: set[tuple[int, int]] = set()
    while step:
        for row in range(0, side, step):
            for column in range(0, side, step):
                if (row, column) not in seen:
                    seen.add((row, column))
                    yield row, column, level
        step, level = step // 2, level + 1


def surface(
    model: nn.Module,
    x: torch.Tensor,
    y: torch.Tensor,
    plane: tuple[Direction, Direction],
    *,
    side: int = 15,
    span: float = 1.0,
    batch_statistics: bool = False,
    loss: Loss = functional.cross_entropy,
) -> Iterator[Point]:
    """The mean loss of images [N, C, H, W] and labels [N] at theta + a d_1 + b d_2, point by point in grid order.

    a (columns) and b (rows) go from -``span`` to ``span`` in ``side`` steps, so that an odd side has theta in the
    middle. ``batch_statistics``: batch norm takes those of the images (the whole chunk), else its running ones, which
    belong to theta alone. Works on a copy; whoever stops asking has stopped it.
    """
    moved = copy.deepcopy(model).eval()
    if batch_statistics:
        for module in moved.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.train()
    weights = dict(moved.named_parameters())
    origin = {name: weight.detach().clone() for name, weight in weights.items()}
    steps = torch.linspace(-span, span, side, dtype=torch.float64).tolist()
    for row, column, level in grid(side):
        with torch.no_grad():
            for name, weight in weights.items():
                weight.copy_(origin[name] + steps[column] * plane[0][name] + steps[row] * plane[1][name])
            found = _mean_loss(moved, x, y, loss)
        yield Point(row, column, level, found)  # outside: whoever asks keeps gradients as they were


def _mean_loss(model: nn.Module, x: torch.Tensor, y: torch.Tensor, loss: Loss) -> float:
    total = 0.0
    for images, labels in zip(torch.split(x, CHUNK), torch.split(y, CHUNK), strict=True):
        total += float(loss(model(images), labels)) * len(labels)
    return total / len(y)
