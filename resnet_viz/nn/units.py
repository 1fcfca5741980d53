"""One block of any kind: a list of named layers on the main path, and what leads around them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from ..spec.network import Block, Order
from .branches import BRANCHES
from .layers import ACTIVATIONS, NORMS, convolution
from .shortcuts import MERGES, SHORTCUTS, Add, Kind, shortcut_kind

Steps = tuple[str, ...]


def original(count: int) -> tuple[Steps, Steps, Steps]:
    """He 2016a, Fig. 2: norm after each convolution, activation between them and after the addition."""
    branch: list[str] = []
    for i in range(1, count + 1):
        branch += [f"conv{i}", f"bn{i}", "relu"]
    return (), tuple(branch[:-1]), ("relu",)


def preactivation(count: int) -> tuple[Steps, Steps, Steps]:
    """He 2016b, Fig. 4e: norm and activation before each convolution, nothing after the addition."""
    branch: list[str] = []
    for i in range(1, count + 1):
        branch += [f"bn{i}", "relu", f"conv{i}"]
    return tuple(branch[:2]), tuple(branch[2:]), ()


ORDERS: dict[Order, Callable[[int], tuple[Steps, Steps, Steps]]] = {
    "original": original,
    "preactivation": preactivation,
}
"""From the number of convolutions to the names of layers at the entry, in the branch, and after the addition.

A projection starts behind the entry, every other shortcut at the block's own input.
"""


class Unit(nn.Module):
    """y = exit(branch(entry(x)) + shortcut(x)): [N, C, H, W] -> [N, block.out_width, ceil(H/stride), ceil(W/stride)].

    Layers have torchvision's names: ``conv1``, ``bn1``, ..., ``relu`` (whatever the activation), and
    ``downsample`` for a projection; besides ``pad`` for a padded shortcut and ``add`` for the addition.
    ``shortcut`` says which kind of shortcut there is, None in a plain block. Weights are on the meta device
    and have no values: :func:`resnet_viz.nn.build` gives them. Raises ``ValueError`` where the sizes do not fit.
    """

    add: Add

    def __init__(self, block: Block, channels: int, stride: int = 1) -> None:
        super().__init__()
        plans = BRANCHES[block.branch](block, channels, stride)
        entry, branch, after = ORDERS[block.order](len(plans))
        layers: dict[str, nn.Module | None] = {"relu": ACTIVATIONS[block.activation]()}
        for i, plan in enumerate(plans, 1):
            norm = NORMS[block.norm](plan.in_channels if block.order == "preactivation" else plan.out_channels)
            layers[f"bn{i}"] = norm
            layers[f"conv{i}"] = convolution(plan, bias=norm is None)
        for name in dict.fromkeys((*entry, *branch, *after)):
            layer = layers[name]
            if layer is not None:
                self.add_module(name, layer)
        self.shortcut: Kind | None = shortcut_kind(block, channels, stride)
        around = {} if self.shortcut is None else SHORTCUTS[self.shortcut](block, channels, stride)
        for name, layer in (around | MERGES[block.merge]()).items():
            self.add_module(name, layer)
        self._entry, self._branch, self._exit = (
            tuple(name for name in names if layers[name] is not None) for names in (entry, branch, after)
        )
        self._around = tuple(around)

    def _run(self, names: Steps, x: torch.Tensor) -> torch.Tensor:
        for name in names:
            x = getattr(self, name)(x)
        return x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The block's output; control flow depends on the spec only, so ``torch.fx`` traces it."""
        entered = self._run(self._entry, x)
        y = self._run(self._branch, entered)
        if self.shortcut is not None:
            around = self._run(self._around, entered if self.shortcut == "projection" else x)
            y = self.add(y, around)
        return self._run(self._exit, y)
