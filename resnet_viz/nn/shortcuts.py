"""What leads around a block and how it joins the main path again (He 2016a, Sect. 3.2 and 4.1; He 2016b, Fig. 2).

Paddings, gates and additions are modules of their own, also those without weights: so a trace, a hook or
a table finds each shortcut and each addition by its path ("layer2.0.pad", "layer2.0.add").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import nn

from ..spec.block import Block, Merge, Shortcut
from ..spec.plans import Convolution
from .layers import NORMS, convolution

Kind = Literal["identity", "padded", "projection"]
Name = Literal["identity", "padded", "projection", "gated", "scaled"]


class Pad(nn.Module):
    """Option A: [N, C, H, W] -> [N, C + extra, ceil(H/stride), ceil(W/stride)] without a weight.

    Takes every ``stride``-th pixel and appends ``extra`` channels of zeros (He 2016a, Sect. 3.3).
    """

    def __init__(self, stride: int, extra: int) -> None:
        super().__init__()
        if extra < 0:
            raise ValueError(f"shortcut A can only add zero channels, and {-extra} would have to go")
        self.stride = stride
        self.extra = extra

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Subsample, then pad."""
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        return nn.functional.pad(x, (0, 0, 0, 0, 0, self.extra)) if self.extra else x

    def extra_repr(self) -> str:
        """Shown when the module is printed."""
        return f"stride={self.stride}, extra={self.extra}"


class Add(nn.Module):
    """y = beta F(x) + alpha shortcut(x): branch first, shortcut second, both [N, C, H, W] (He 2016a, eq. 1).

    Exact at both ends: a strength of 1 multiplies nothing, and what is added at alpha 0 is zero. ``over_branch``:
    the sum may be written over the branch's output.
    """

    def __init__(self, alpha: float = 1.0, beta: float = 1.0) -> None:
        super().__init__()
        self.alpha = alpha
        self.beta = beta
        self.over_branch = False

    def forward(self, branch: torch.Tensor, shortcut: torch.Tensor) -> torch.Tensor:
        """The sum."""
        if self.beta != 1:
            branch = self.beta * branch
        around = shortcut if self.alpha == 1 else self.alpha * shortcut
        if self.over_branch and branch.dtype == around.dtype:  # else the sum has the wider of the two types
            return branch.add_(around)
        return branch + around

    def extra_repr(self) -> str:
        """Shown when the module is printed."""
        return "" if self.alpha == self.beta == 1 else f"alpha={self.alpha:g}, beta={self.beta:g}"


class Gate(nn.Module):
    """T = sigmoid(W x + b): [N, C, H, W] -> [N, out, ceil(H/stride), ceil(W/stride)] (Srivastava 2015, eq. 2).

    ``bias`` is where b starts.
    """

    def __init__(self, plan: Convolution, bias: float) -> None:
        super().__init__()
        self.bias = bias
        self.conv = convolution(plan, bias=True)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Values between 0 and 1."""
        gate: torch.Tensor = self.sigmoid(self.conv(x))
        return gate


class Gated(nn.Module):
    """A map weighted by the gate; ``open`` lets it through whole, so that a residual block is left."""

    def __init__(self) -> None:
        super().__init__()
        self.open = False

    def weight(self, gate: torch.Tensor) -> torch.Tensor:
        """What the map is multiplied by."""
        raise TypeError("use Transform or Carry")

    def forward(self, x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
        """The weighted map."""
        return x if self.open else x * self.weight(gate)


class Transform(Gated):
    """T F(x): how much of the branch passes."""

    def weight(self, gate: torch.Tensor) -> torch.Tensor:
        """The gate itself."""
        return gate


class Carry(Gated):
    """(1 - T) x: how much of the input passes."""

    def weight(self, gate: torch.Tensor) -> torch.Tensor:
        """What the gate leaves."""
        return 1 - gate


def open_gates(model: nn.Module, *, opened: bool = True) -> None:
    """Let all branches and shortcuts through whole: a gated network becomes the residual one with its weights."""
    for module in model.modules():
        if isinstance(module, Gated):
            module.open = opened


def project(block: Block, channels: int, stride: int) -> nn.Module:
    """1x1 convolution, then norm: torchvision's ``downsample`` (He 2016a, eq. 2).

    A pre-activated block's projection takes what is normed already and has no norm of its own (He 2016b, appendix).
    """
    bias = block.bias or block.norm == "none"
    steps: list[nn.Module] = [convolution(Convolution(channels, block.out_width, 1, stride), bias=bias)]
    norm = NORMS[block.norm](block.out_width)
    if norm is not None and block.norm_on_projection:
        steps.append(norm)
    return nn.Sequential(*steps)


_OPTIONS: dict[Shortcut, tuple[Kind, Kind]] = {
    "A": ("identity", "padded"),
    "B": ("identity", "projection"),
    "C": ("projection", "projection"),
}


def shortcut_kind(block: Block, channels: int, stride: int) -> Kind | None:
    """The shortcut that the block has when ``channels`` enter it, or None for a plain block."""
    if block.merge == "none":
        return None
    changes = stride != 1 or channels != block.out_width
    return _OPTIONS[block.shortcut][changes]


def shortcut_name(block: Block, channels: int, stride: int) -> Name | None:
    """What to call that shortcut: a gate, or a strength other than 1, before the way in which shapes are matched."""
    kind = shortcut_kind(block, channels, stride)
    if kind is None:
        return None
    return "gated" if block.gated else kind if block.alpha == 1 else "scaled"


def _identity(block: Block, channels: int, stride: int) -> dict[str, nn.Module]:
    return {}


def _padded(block: Block, channels: int, stride: int) -> dict[str, nn.Module]:
    return {"pad": Pad(stride, block.out_width - channels)}


def _projection(block: Block, channels: int, stride: int) -> dict[str, nn.Module]:
    return {"downsample": project(block, channels, stride)}


SHORTCUTS: dict[Kind, Callable[[Block, int, int], dict[str, nn.Module]]] = {
    "identity": _identity,
    "padded": _padded,
    "projection": _projection,
}
"""From (block, channels that enter, stride) to the shortcut's module by its name in the block; none for identity."""


def _gate(block: Block, channels: int, stride: int) -> Gate:
    return Gate(Convolution(channels, block.out_width, block.gate_kernel, stride), block.gate_bias)


def _no_merge(block: Block, channels: int, stride: int) -> dict[str, nn.Module]:
    return {}


def _add(block: Block, channels: int, stride: int) -> dict[str, nn.Module]:
    return {"add": Add(block.alpha, block.beta)}


def _highway(block: Block, channels: int, stride: int) -> dict[str, nn.Module]:
    gate = _gate(block, channels, stride)
    return {"gate": gate, "transform": Transform(), "carry": Carry(), "add": Add(block.alpha, block.beta)}


def _shortcut_gate(block: Block, channels: int, stride: int) -> dict[str, nn.Module]:
    return {"gate": _gate(block, channels, stride), "carry": Carry(), "add": Add(block.alpha, block.beta)}


MERGES: dict[Merge, Callable[[Block, int, int], dict[str, nn.Module]]] = {
    "none": _no_merge,
    "add": _add,
    "highway": _highway,
    "shortcut_gate": _shortcut_gate,
}
"""From (block, channels that enter, stride) to the modules that join branch and shortcut, by their names.

"gate" sees the block's input, "transform" weights the branch and "carry" the shortcut by it, "add" adds.
"""
