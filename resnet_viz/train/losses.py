"""The losses that a recipe can ask for: scores float [N, classes] and labels int64 [N] to one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch.nn import functional

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def cross_entropy(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean of -log softmax(scores)[label]: the softmax is part of it."""
    return functional.cross_entropy(scores, labels)


def double_softmax(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The mistake of a softmax before a cross-entropy that has its own.

    The second softmax gets values from 0 to 1, so the loss of K classes cannot fall below ln(e + K - 1) - 1 (1.461
    for ten) nor rise above ln(e + K - 1), and the gradients are smaller.
    """
    return functional.cross_entropy(scores.softmax(1), labels)


LOSSES: dict[Literal["cross_entropy", "double_softmax"], Loss] = {
    "cross_entropy": cross_entropy,
    "double_softmax": double_softmax,
}
"""By the names of :class:`~resnet_viz.spec.Recipe`."""
