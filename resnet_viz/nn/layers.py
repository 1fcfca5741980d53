"""Single layers: convolutions, norms, activations, by the names that the spec has for them.

Everything is made on the meta device, so that no random number is drawn and no memory taken before
:mod:`.initialisers` fills the weights. Activations work out of place: a pre-activated block may have its
input's other reader, the shortcut, beside it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from ..spec.network import Activation, Norm
from .branches import Convolution

META = torch.device("meta")


def convolution(plan: Convolution, *, bias: bool) -> nn.Conv2d:
    """The plan as a module on the meta device; an odd kernel is padded by half of it on each side."""
    return nn.Conv2d(
        plan.in_channels,
        plan.out_channels,
        plan.kernel,
        stride=plan.stride,
        padding=plan.kernel // 2,
        groups=plan.groups,
        bias=bias,
        device=META,
    )


def batch_norm(channels: int) -> nn.Module | None:
    """Batch norm over [N, H, W] for each channel (Ioffe and Szegedy 2015)."""
    return nn.BatchNorm2d(channels, device=META)


def no_norm(channels: int) -> nn.Module | None:
    """No module at all: the convolution before it then has a bias."""
    return None


NORMS: dict[Norm, Callable[[int], nn.Module | None]] = {"batch": batch_norm, "none": no_norm}
"""From a number of channels to the norm's module, or None."""

ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}
"""Activations with torch's own parameters (leaky ReLU: slope 0.01)."""
