"""Sharpness: the largest eigenvalue of the loss's Hessian, by power iteration with products that autograd makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import nn

from .losses import Loss, cross_entropy
from .norms import widest

ITERATIONS = 100
"""At most; each takes about as long as two training steps."""
TOLERANCE = 1e-3
"""It ends when the eigenvalue changes by less than this share of itself from one iteration to the next."""

Vector = list[torch.Tensor]


@dataclass(frozen=True)
class Sharpness:
    """``value`` is the Rayleigh quotient of the last vector v (of length one), ``residual`` ‖Hv - value v‖.

    A residual that is small against the value says that the iteration has settled; an eigenvalue lies within it.
    """

    value: float
    residual: float
    iterations: int


def sharpness(
    model: nn.Module,
    x: torch.Tensor,
    y: torch.Tensor,
    seed: int = 0,
    turn: AbstractContextManager[None] | None = None,
    go_on: Callable[[], bool] = lambda: True,
    loss: Loss = cross_entropy,
) -> Sharpness:
    """The largest eigenvalue of the Hessian of this batch's loss (the recipe's) in all parameters.

    The model is left in the mode that it is in, with gradients off its parameters' ``.grad``; in training mode its
    batch norms take the batch's statistics, which are part of the function that is differentiated. Activations with
    kinks count as the pieces that the batch lies on. The start vector comes from the seed. Each product is made
    inside ``turn``; once ``go_on`` is false the iteration ends as if it had settled.
    """
    turn = turn or nullcontext()
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    with turn:
        gradients = torch.autograd.grad(loss(model(x), y), weights, create_graph=True)

    def product(vector: Vector) -> Vector:
        # A weight that the gradient does not depend on has no second derivative.
        with turn:
            found = torch.autograd.grad(gradients, weights, vector, retain_graph=True, allow_unused=True)
        return [torch.zeros_like(w) if part is None else part for w, part in zip(weights, found, strict=True)]

    source = torch.Generator().manual_seed(seed)
    start = [torch.randn(w.shape, generator=source).to(w) for w in weights]
    found = _power(product, start, 0.0, go_on)
    if found.value >= 0:
        return found
    # The largest in size lies below zero: seen from there, the largest one is the farthest.
    shift = found.value
    above = _power(lambda v: list(torch._foreach_sub(product(v), _times(v, shift))), start, shift, go_on)
    return Sharpness(above.value, above.residual, found.iterations + above.iterations)


def _power(product: Callable[[Vector], Vector], start: Vector, shift: float, go_on: Callable[[], bool]) -> Sharpness:
    """Of the operator ``product``, whose eigenvalues are those of the Hessian less ``shift``."""
    vector, value, residual = _unit(start), 0.0, 0.0
    iteration = 0
    while iteration < ITERATIONS:
        iteration += 1
        image = product(vector)
        before, value = value, _dot(vector, image)
        residual = _length(torch._foreach_sub(image, _times(vector, value)))
        settled = abs(value - before) <= TOLERANCE * abs(value + shift)
        if settled or not _length(image) or not go_on():
            break
        vector = _unit(image)
    return Sharpness(value + shift, residual, iteration)


def _times(vector: Vector, factor: float) -> Vector:
    return list(torch._foreach_mul(vector, factor))


def _unit(vector: Vector) -> Vector:
    length = _length(vector)
    return _times(vector, 1 / length) if length else vector


def _length(vector: Sequence[torch.Tensor]) -> float:
    norms = torch._foreach_norm(list(vector), 2, widest(vector[0].device))
    return float(torch.linalg.vector_norm(torch.stack(norms)))


def _dot(one: Vector, other: Vector) -> float:
    wide = widest(one[0].device)
    return float(sum((a * b).sum(dtype=wide) for a, b in zip(one, other, strict=True)))
