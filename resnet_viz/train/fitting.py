"""Blocks trained to be the identity: how easy is it with a shortcut, and how hard without (He 2016a, Sect. 3.1)?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class FitStep:
    """Before update ``step`` (the last one: after all of them): |f(x) - x| / |x|, L2 norms over all values."""

    step: int
    error: float


def fit_identity(
    module: nn.Module,
    x: torch.Tensor,
    *,
    steps: int = 200,
    learning_rate: float = 0.1,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> Iterator[FitStep]:
    """Train a module on x -> x, the same inputs at every step, and tell the relative error before each update.

    ``module`` (one block, or a stage such as ``build(network).layer1``) gives maps of the shape of ``x`` [N, C, H, W]
    and is trained in place, in training mode, by SGD on the mean squared error divided by the mean square of ``x``, so
    that the loss is the squared relative error. What predicts the mean of ``x`` everywhere has the error
    std(x) / |x|. ``steps`` + 1 values; ends early after one that is not finite. Whoever stops asking has stopped it.
    """
    module.train()
    x = x.detach()
    optimizer = torch.optim.SGD(module.parameters(), lr=learning_rate, momentum=momentum, weight_decay=weight_decay)
    power = (x**2).mean()
    for step in range(steps + 1):
        loss = ((module(x) - x) ** 2).mean() / power
        error = float(loss.detach()) ** 0.5
        yield FitStep(step, error)
        if step == steps or not error < float("inf"):
            return
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
