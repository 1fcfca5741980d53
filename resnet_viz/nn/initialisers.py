"""How weights start: one function for each scheme of the spec, drawn from generators of our own.

Each parameter has its own generator, seeded by (seed, dotted path). So two networks with the same seed start
with the same weights wherever path and shape agree (a plain network and its residual twin: everywhere but in
projections), and torch's global random state is never touched.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable

import torch
from torch import nn

from ..spec.network import Init, Scheme
from .layers import NORM_TYPES
from .shortcuts import Gate
from .units import Unit

Weighted = nn.Conv2d | nn.Linear
Fill = Callable[[Weighted, str, torch.Tensor, torch.Generator], None]


def generator(seed: int, path: str, device: torch.device | None = None) -> torch.Generator:
    """A generator for one purpose (on the CPU unless said); a stable hash: Python's own differs between processes."""
    digest = hashlib.blake2b(f"{seed}/{path}".encode(), digest_size=8).digest()
    return torch.Generator(device or "cpu").manual_seed(int.from_bytes(digest, "big") >> 1)


def kaiming_fan_out(layer: Weighted, kind: str, value: torch.Tensor, source: torch.Generator) -> None:
    """Normal with std sqrt(2 / fan_out) for convolutions, as the released code of He 2015 and torchvision have it.

    The linear layer has no ReLU behind it and a fan-out of merely the classes: it starts as torch's default
    does, as in torchvision. The factor 2 is meant for ReLU and kept for every activation.
    """
    _kaiming(layer, kind, value, source, "fan_out")


def kaiming_fan_in(layer: Weighted, kind: str, value: torch.Tensor, source: torch.Generator) -> None:
    """Normal with std sqrt(2 / fan_in) for convolutions (He 2015, eq. 10); the linear layer as with fan-out."""
    _kaiming(layer, kind, value, source, "fan_in")


def _kaiming(layer: Weighted, kind: str, value: torch.Tensor, source: torch.Generator, mode: str) -> None:
    if kind == "bias":
        value.zero_()
    elif isinstance(layer, nn.Linear):
        pytorch(layer, kind, value, source)
    else:
        nn.init.kaiming_normal_(value, mode=mode, nonlinearity="relu", generator=source)  # type: ignore[arg-type]


def xavier(layer: Weighted, kind: str, value: torch.Tensor, source: torch.Generator) -> None:
    """Normal with std sqrt(2 / (fan_in + fan_out)) for all weights (Glorot 2010, eq. 12), biases zero."""
    if kind == "bias":
        value.zero_()
    else:
        nn.init.xavier_normal_(value, generator=source)


def orthogonal(layer: Weighted, kind: str, value: torch.Tensor, source: torch.Generator) -> None:
    """Rows of the flattened weight orthonormal (Saxe 2014), times sqrt(2) for convolutions, biases zero."""
    if kind == "bias":
        value.zero_()
    else:
        nn.init.orthogonal_(value, gain=math.sqrt(2) if isinstance(layer, nn.Conv2d) else 1.0, generator=source)


def pytorch(layer: Weighted, kind: str, value: torch.Tensor, source: torch.Generator) -> None:
    """torch's default: weights and biases uniform within 1 / sqrt(fan_in) of zero."""
    bound = 1 / math.sqrt(layer.weight[0].numel())
    value.uniform_(-bound, bound, generator=source)


SCHEMES: dict[Scheme, Fill] = {
    "kaiming_fan_out": kaiming_fan_out,
    "kaiming_fan_in": kaiming_fan_in,
    "xavier": xavier,
    "orthogonal": orthogonal,
    "pytorch": pytorch,
}
"""Each fills one parameter ("weight" or "bias") of one convolution or linear layer in place."""


@torch.no_grad()
def initialise(model: nn.Module, init: Init, seed: int, device: torch.device) -> None:
    """Give a model on the meta device its starting values, in place, and put it on ``device``.

    Drawn on the CPU whatever the device, so that a network starts alike everywhere. Norms start with weight 1 and
    bias 0 (batch norms with mean 0 and variance 1), gates with the bias of the spec; with ``zero_last`` each branch
    gives zero.
    """
    fill = SCHEMES[init.scheme]
    model.to_empty(device=device)
    for path, layer in model.named_modules():
        if isinstance(layer, NORM_TYPES):
            layer.reset_parameters()
        elif isinstance(layer, nn.Conv2d | nn.Linear):
            for kind, parameter in layer.named_parameters(recurse=False):
                value = torch.empty(parameter.shape, dtype=parameter.dtype)
                fill(layer, kind, value, generator(seed, f"{path}.{kind}"))
                parameter.copy_(value)
    for module in model.modules():
        if isinstance(module, Gate) and module.conv.bias is not None:
            module.conv.bias.fill_(module.bias)
        elif isinstance(module, Unit) and init.zero_last:
            module.start_as_zero()
