"""What :func:`resnet_viz.inspect.summarize` gives: totals and one row per layer, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .paths import Paths

FLOAT = 4
"""Bytes of a float32 value."""


@dataclass(frozen=True)
class Row:
    """One layer with weights (or one addition): dotted ``path``, what it does, output shape without the batch.

    ``params`` counts the layer's own parameters; ``macs`` is multiply-adds of convolutions and linear layers
    for one image; ``macs_torchinfo`` is torchinfo's own count (batch norm and bias terms too);
    ``receptive_field`` is in input pixels (side of the square), at this layer's output, and ``field_stride`` the
    input pixels between the fields of two neighbours there, both of the structure, whatever strengths. ``moved`` is
    the number of values that enter and leave for one image.
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
    field_stride: int
    moved: int

    def intensity(self, batch: int = 1) -> float:
        """Arithmetic intensity in operations a byte: see :func:`intensity`."""
        return intensity((self,), batch)


@dataclass(frozen=True)
class Summary:
    """Totals of one network for one forward pass.

    ``params`` is the sum over the module's own parameters and ``params_torchinfo`` torchinfo's total (they
    must agree: ``agrees``); ``macs`` counts convolutions and linear layers, ``macs_torchinfo`` is torchinfo's
    total; ``activations`` is the number of values that the forward pass produces per image (outputs of
    convolutions and linear layers); ``memory`` the bytes for weights, gradients, momentum and stored
    activations of a training step at the given batch, ``stored_memory`` those of the stored activations alone;
    ``forward_memory`` the bytes for weights and the activations alive at the peak of a forward pass without
    gradients, ``live_memory`` those of these activations alone; ``depth`` as the papers count it;
    ``receptive_field`` and ``field_stride`` those of the last feature map by the structure, whatever strengths;
    ``paths`` the ways of the gradient.
    """

    params: int
    params_torchinfo: int
    macs: int
    macs_torchinfo: int
    activations: int
    memory: int
    stored_memory: int
    forward_memory: int
    live_memory: int
    depth: int
    receptive_field: int
    field_stride: int
    paths: Paths
    rows: tuple[Row, ...]

    @property
    def agrees(self) -> bool:
        """True when the module's own count and torchinfo's are the same."""
        return self.params == self.params_torchinfo

    def intensity(self, batch: int = 1) -> float:
        """Arithmetic intensity in operations a byte, all rows together: see :func:`intensity`."""
        return intensity(self.rows, batch)


def intensity(rows: Iterable[Row], batch: int = 1) -> float:
    """Arithmetic intensity (Williams, Waterman and Patterson 2009, the roofline's) of some layers at that batch.

    2 operations a multiply-add of convolutions and linear layers, over 4 bytes for each weight once and for each
    value that enters and leaves a layer once (no cache between layers); what is no row, activations and pools, is
    taken as part of its neighbour. Norms and additions have no such operations: their own intensity is 0.
    """
    macs = params = moved = 0
    for row in rows:
        macs, params, moved = macs + row.macs, params + row.params, moved + row.moved
    touched = FLOAT * (params + moved * batch)
    return 2 * macs * batch / touched if touched else 0.0


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
