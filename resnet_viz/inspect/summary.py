"""What :func:`resnet_viz.inspect.summarize` gives: totals and one row per layer, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Row:
    """One layer with weights (or one addition): dotted ``path``, what it does, output shape without the batch.

    ``params`` counts the layer's own parameters; ``macs`` is multiply-adds of convolutions and linear layers
    for one image; ``macs_torchinfo`` is torchinfo's own count (batch norm and bias terms too);
    ``receptive_field`` is in input pixels (side of the square), at this layer's output.
    """

    path: str
    kind: str
    operation: str
    stage: int
    block: int
    shape: tuple[int, ...]
    params: int
    macs: int
    macs_torchinfo: int
    receptive_field: int


@dataclass(frozen=True)
class Summary:
    """Totals of one network for one forward pass.

    ``params`` is the sum over the module's own parameters and ``params_torchinfo`` torchinfo's total (they
    must agree: ``agrees``); ``macs`` counts convolutions and linear layers, ``macs_torchinfo`` is torchinfo's
    total; ``activations`` is the number of values that the forward pass produces per image (outputs of
    convolutions and linear layers); ``memory`` the bytes for weights, gradients, momentum and stored
    activations of a training step at the given batch; ``depth`` as the papers count it.
    """

    params: int
    params_torchinfo: int
    macs: int
    macs_torchinfo: int
    activations: int
    memory: int
    depth: int
    receptive_field: int
    rows: tuple[Row, ...]

    @property
    def agrees(self) -> bool:
        """True when the module's own count and torchinfo's are the same."""
        return self.params == self.params_torchinfo


@dataclass(frozen=True)
class LayerInfo:
    """One convolution or linear layer: dotted ``path`` without ".weight", as telemetry names it.

    ``stage`` and ``block`` count from 1, 0 in stem and head. ``projection`` marks what stands beside the main path:
    a shortcut's 1x1, a gate's convolution, the two layers of attention. ``channels``, ``height``, ``width`` are those
    of the output (a linear layer's map is 1 x 1).
    """

    path: str
    kind: Literal["conv", "linear"]
    stage: int
    block: int
    projection: bool
    channels: int
    height: int
    width: int
