"""Single layers: convolutions, pools, norms, activations, attention, by the names that the spec has for them.

Everything is made on the meta device, so that no random number is drawn and no memory taken before
:mod:`.initialisers` fills the weights. Activations work out of place, because a pre-activated block may have
its input's other reader, the shortcut, beside it; :func:`~resnet_viz.nn.reuse_memory` changes that where it is safe.
"""

from __future__ import annotations

from collections.abc import Callable
from math import gcd

import torch
from torch import nn

from ..spec.block import Activation, Attention, LanePool, Norm
from ..spec.plans import GROUPS, Convolution, squeeze_width

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


def group_norm(channels: int) -> nn.Module | None:
    """Group norm (Wu and He 2018): 32 groups, or as many as divide both 32 and the channels."""
    return nn.GroupNorm(gcd(GROUPS, channels), channels, device=META)


def layer_norm(channels: int) -> nn.Module | None:
    """Layer norm over [C, H, W] of each image, scale and shift for each channel: group norm with one group."""
    return nn.GroupNorm(1, channels, device=META)


def no_norm(channels: int) -> nn.Module | None:
    """No module at all: the convolution before it then has a bias."""
    return None


NORMS: dict[Norm, Callable[[int], nn.Module | None]] = {
    "batch": batch_norm,
    "group": group_norm,
    "layer": layer_norm,
    "none": no_norm,
}
"""From a number of channels to the norm's module, or None."""

NORM_TYPES = (nn.BatchNorm2d, nn.GroupNorm)

ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}
"""Activations with torch's own parameters (leaky ReLU: slope 0.01)."""


class Multiply(nn.Module):
    """The product of a map and of weights for its values, one each or one a channel: [N, C, H, W]."""

    def forward(self, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """The product."""
        return x * weights


class SqueezeExcitation(nn.Module):
    """Weights each channel by what the whole map says (Hu 2018, Fig. 2): [N, C, H, W] -> [N, C, H, W].

    Global average pool, a linear layer to a sixteenth of the channels, ReLU, back, sigmoid, product; the linear
    layers as 1x1 convolutions with bias.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inside = squeeze_width(channels)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = convolution(Convolution(channels, inside, 1), bias=True)
        self.relu = nn.ReLU()
        self.fc2 = convolution(Convolution(inside, channels, 1), bias=True)
        self.sigmoid = nn.Sigmoid()
        self.scale = Multiply()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The weighted map."""
        weights: torch.Tensor = self.sigmoid(self.fc2(self.relu(self.fc1(self.pool(x)))))
        weighted: torch.Tensor = self.scale(x, weights)
        return weighted


def no_attention(channels: int) -> nn.Module | None:
    """Nothing at the end of the branch."""
    return None


ATTENTIONS: dict[Attention, Callable[[int], nn.Module | None]] = {
    "none": no_attention,
    "squeeze_excitation": SqueezeExcitation,
}
"""From the channels that the branch gives to the module at its end, or None."""


def no_pool(stride: int) -> nn.Module | None:
    """A path that begins with its convolutions."""
    return None


def max_pool(stride: int) -> nn.Module | None:
    """3x3, same-padded (Szegedy 2015, Fig. 2b)."""
    return nn.MaxPool2d(3, stride=stride, padding=1)


def average_pool(stride: int) -> nn.Module | None:
    """3x3, same-padded, the padding left out of the mean (Szegedy 2016, Fig. 5)."""
    return nn.AvgPool2d(3, stride=stride, padding=1, count_include_pad=False)


POOLS: dict[LanePool, Callable[[int], nn.Module | None]] = {
    "none": no_pool,
    "max": max_pool,
    "average": average_pool,
}
"""From the stride to the pool at the start of a parallel path, or None."""
