"""All branches of a network made weaker: "push the weights to zero and you have the identity"."""

from __future__ import annotations

import copy
from typing import Literal

import torch
from torch import nn

from ..nn import Unit
from ..nn.layers import NORM_TYPES

What = Literal["convs", "last"]


@torch.no_grad()
def shrunk(model: nn.Module, scale: float, what: What = "last") -> nn.Module:
    """A copy in which the branch of every block is scaled by ``scale`` from 0 to 1 (He 2016a, Sect. 3.1).

    "convs": the weights and biases of all its convolutions; with batch statistics a batch norm behind each undoes it
    but at 0, with running ones it does not. "last": scale and shift of the norm at the branch's end (its last
    convolution where no norm stands there), so that the branch itself is scaled exactly. At 0 "last" leaves the chain
    of shortcuts of a residual network, and of a plain one nothing.
    """
    changed = copy.deepcopy(model)
    for unit in changed.modules():
        if isinstance(unit, Unit):
            for layer in _convolutions(unit) if what == "convs" else _ends(unit):
                for parameter in layer.parameters(recurse=False):
                    parameter.mul_(scale)
    return changed


def _convolutions(unit: Unit) -> list[nn.Module]:
    """Those of the branch: not the shortcut's, the gate's or the attention's."""
    return [
        module
        for path, module in unit.named_modules()
        if isinstance(module, nn.Conv2d) and path.partition(".")[0] not in ("downsample", "gate", "se")
    ]


def _ends(unit: Unit) -> list[nn.Module]:
    """The layers that :meth:`~resnet_viz.nn.Unit.start_as_zero` would set to zero, found by letting it do so."""
    trial = copy.deepcopy(unit)
    layers = {path: m for path, m in trial.named_modules() if isinstance(m, (*NORM_TYPES, nn.Conv2d))}
    for layer in layers.values():
        layer.weight.fill_(1)
    trial.start_as_zero()
    return [unit.get_submodule(path) for path, layer in layers.items() if not layer.weight.any()]
