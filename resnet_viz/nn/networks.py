"""The whole network: stem, stages of units, head, with torchvision's names."""

from __future__ import annotations

import torch
from torch import nn

from ..spec.block import Block
from ..spec.errors import SpecError
from ..spec.network import Network, Stem
from ..spec.plans import Convolution
from .layers import ACTIVATIONS, META, NORMS, convolution
from .units import Unit


def stem_layers(stem: Stem, channels: int, first: Block) -> dict[str, nn.Module]:
    """``conv1``, ``bn1``, ``relu``, ``maxpool``: [N, channels, H, W] -> [N, stem.width, ...] (He 2016a, Table 1).

    A stem that is not activated (He 2016b, appendix) is the bare convolution: it has no bias where the
    ``first`` block begins with a norm. In front of blocks that begin with the activation only it keeps its norm.
    """
    bare = not stem.activated and first.order != "relu_only_preactivation"
    norm = None if bare else NORMS[stem.norm](stem.width)
    normed = norm is not None or (bare and first.order == "preactivation" and first.norm != "none")
    layers: dict[str, nn.Module] = {}
    plan = Convolution(channels, stem.width, stem.kernel, stem.stride)
    layers["conv1"] = convolution(plan, bias=stem.bias or not normed)
    if norm is not None:
        layers["bn1"] = norm
    if stem.activated:
        layers["relu"] = ACTIVATIONS[stem.activation]()
    if stem.pool == "max":
        layers["maxpool"] = nn.MaxPool2d(3, stride=2, padding=1)
    return layers


def head_layers(classes: int, last: Block) -> dict[str, nn.Module]:
    """``avgpool`` and ``fc``, before them ``act`` where the ``last`` block is pre-activated (He 2016b, appendix).

    Full pre-activation leaves its last norm to the head, ``norm``; ReLU-only pre-activation has it in the branch.
    """
    layers: dict[str, nn.Module] = {}
    if last.preactivated:
        norm = NORMS[last.norm](last.out_width) if last.order == "preactivation" else None
        if norm is not None:
            layers["norm"] = norm
        layers["act"] = ACTIVATIONS[last.activation]()
    layers["avgpool"] = nn.AdaptiveAvgPool2d(1)
    layers["fc"] = nn.Linear(last.out_width, classes, device=META)
    return layers


class Chain(nn.Module):
    """Named layers one after the other, flattened before the linear layer ``fc``: stem, head, and whole networks."""

    def __init__(self, layers: dict[str, nn.Module]) -> None:
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The last layer's output."""
        for name, layer in self.named_children():
            x = layer(torch.flatten(x, 1) if name == "fc" else x)
        return x


class ResidualNetwork(Chain):
    """Scores of images, before the softmax: [N, C, H, W] -> [N, classes], C and classes as in the spec.

    H and W may be any at which the strides work. Children in forward order: ``conv1``, ``bn1``, ``relu``,
    ``maxpool``, ``layer1`` to ``layerN`` (each an ``nn.Sequential`` of :class:`~resnet_viz.nn.units.Unit`),
    ``norm``, ``act``, ``avgpool``, ``fc``, where those that the spec does not ask for are missing. Raises
    :class:`~resnet_viz.spec.SpecError` with the place and the cause for a block that cannot be built.
    """

    def __init__(self, network: Network) -> None:
        first, last = network.each[0], network.each[-1]
        layers: dict[str, nn.Module] = stem_layers(network.stem, network.input.channels, first)
        channels, number = network.stem.width, 0
        for s, stage in enumerate(network.stages, 1):
            units: list[nn.Module] = []
            for b, block in enumerate(stage.each, 1):
                number += 1
                survival = network.drop_path.of(number, network.blocks)
                try:
                    units.append(Unit(block, channels, stage.stride if b == 1 else 1, survival))
                except ValueError as error:
                    raise SpecError(f"Stage {s}, block {b} cannot be built: {error}.", stage=s, block=b) from error
                channels = block.out_width
            layers[f"layer{s}"] = nn.Sequential(*units)
        super().__init__(layers | head_layers(network.head.classes, last))
