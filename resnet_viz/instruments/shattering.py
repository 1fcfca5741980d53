"""The gradient along a line of inputs, and how soon it forgets itself (Balduzzi et al. 2017, arXiv 1702.08591)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn


def line(start: torch.Tensor, end: torch.Tensor, count: int = 256) -> torch.Tensor:
    """``count`` images [count, C, H, W] at equal steps from one image [C, H, W] to another, both included."""
    share = torch.linspace(0, 1, count, device=start.device, dtype=start.dtype).view(-1, 1, 1, 1)
    return start + share * (end - start)


def line_gradients(model: nn.Module, images: torch.Tensor, output: int | None = None) -> torch.Tensor:
    """The gradient of the scores with respect to each image, [N, C H W].

    That of score number ``output``, or of the sum of all scores. In evaluation mode each row is the gradient at that
    image alone; in training mode batch norm takes its statistics over all N, and each row is the gradient of the sum
    over all images. A network at initialisation has running statistics that belong to none of its layers: give
    :func:`~resnet_viz.instruments.restated` of it. The module runs once in the mode that it is in; its weights get no
    gradient.
    """
    points = images.detach().clone().requires_grad_()
    scores = model(points)
    chosen = scores if output is None else scores[:, output]
    (found,) = torch.autograd.grad(chosen.sum(), points)
    return found.flatten(1)


def autocorrelation(gradients: torch.Tensor, lags: Sequence[int]) -> tuple[float, ...]:
    """R(k) of rows g_1 to g_N, float [N, D]: how alike the gradients k points apart are, from 1 down to about 0.

    R(k) = [sum_i <g_i - m, g_(i+k) - m> / (N - k)] / [sum_i |g_i - m|^2 / N] with m their mean (Balduzzi, Sect. 3.1;
    brown noise falls slowly, white noise at once). Raises ``ValueError`` for a lag that is not from 0 to N - 1, and
    where all gradients are equal.
    """
    count = len(gradients)
    centred = gradients.double() - gradients.double().mean(0)
    power = float((centred**2).sum()) / count
    if power == 0:
        raise ValueError("all gradients along the line are equal: their autocorrelation is not defined")
    found = []
    for lag in lags:
        if not 0 <= lag < count:
            raise ValueError(f"lag {lag} is not from 0 to {count - 1}")
        found.append(float((centred[: count - lag] * centred[lag:]).sum()) / (count - lag) / power)
    return tuple(found)
