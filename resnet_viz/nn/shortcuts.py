"""What leads around a block and how it joins the main path again (He 2016a, Sect. 3.2 and 4.1).

:class:`Pad` and :class:`Add` are modules of their own, although they have no weights: so a trace, a hook or
a table finds each shortcut and each addition by its path ("layer2.0.pad", "layer2.0.add").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import nn

from ..spec.network import Block, Merge, Shortcut
from .branches import Convolution
from .layers import NORMS, convolution

Kind = Literal["identity", "padded", "projection"]


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
    """y = F(x) + shortcut(x): branch first, shortcut second, both [N, C, H, W] (He 2016a, eq. 1)."""

    def forward(self, branch: torch.Tensor, shortcut: torch.Tensor) -> torch.Tensor:
        """The sum."""
        return branch + shortcut


def project(block: Block, channels: int, stride: int) -> nn.Module:
    """1x1 convolution, then norm: torchvision's ``downsample`` (He 2016a, eq. 2).

    A pre-activated block's projection takes what is normed already and has no norm of its own (He 2016b, appendix).
    """
    norm = NORMS[block.norm](block.out_width)
    steps: list[nn.Module] = [convolution(Convolution(channels, block.out_width, 1, stride), bias=norm is None)]
    if norm is not None and block.order == "original":
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


MERGES: dict[Merge, Callable[[], dict[str, nn.Module]]] = {
    "none": dict,
    "add": lambda: {"add": Add()},
}
"""The module that joins branch and shortcut, by its name in the block."""
