"""What a network costs: parameters, multiply-adds, memory, depth, receptive field, and the same layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from ..spec.errors import SpecError
from ..spec.network import Network, checked
from ..spec.shapes import refuse
from .memory import stored_values
from .operations import Operation
from .pieces import Placed, placed
from .summary import LayerInfo, Row, Summary

_ROWS = frozenset({"conv", "norm", "linear", "add"})
BESIDE = ("downsample.", "gate.", "se.")
"""Names of modules in a block whose layers do not count for its depth."""
FLOAT = 4
"""Bytes of a float32 value."""


def summarize(network: Network, batch: int = 1) -> Summary:
    """Count a network that can be built; nothing is computed and no weight is made.

    ``memory`` is 4 bytes x (3 x parameters + batch x stored): weights, gradients and SGD's momentum, and the
    values that autograd keeps of the forward pass for the backward pass (:mod:`.memory`; for pixels in
    float32, the image among them). A lower bound: the libraries' work space comes on top.
    ``receptive_field`` is that of the last feature map, before the global average pool: along the longest path,
    each layer of kernel k adds (k - 1) times the product of the strides before it. It may be larger than the image.
    Rows are in forward order and their paths are those of the trace's nodes.

    Raises :class:`~resnet_viz.spec.SpecError` or pydantic's ``ValidationError`` when the network cannot be built.
    """
    if not isinstance(batch, int) or batch < 1:
        raise SpecError(f"batch is {batch!r}: it must be a whole number of at least 1.", field="batch")
    network = checked(network)
    refuse(network)
    parts = placed(network)
    counted = [part.count() for part in parts]
    params = sum(part.piece.params for part in parts)
    image = (network.input.channels, network.input.height, network.input.width)
    stored = stored_values(image, [(part.piece.kept, part.piece.leaves) for part in parts])
    everything = [operation for part in parts for operation in part.piece.operations]
    return Summary(
        params=params,
        params_torchinfo=sum(count.params for count in counted),
        macs=sum(part.piece.macs for part in parts),
        macs_torchinfo=sum(count.macs for count in counted),
        activations=sum(prod(op.shape) for op in everything if op.kind in ("conv", "linear")),
        memory=FLOAT * (3 * params + batch * stored),
        depth=network.depth,
        receptive_field=_fields(parts)[-1][0],
        rows=tuple(_rows(parts, [count.by_path for count in counted])),
    )


def _fields(parts: tuple[Placed, ...]) -> list[tuple[int, int]]:
    """Receptive field of each part's input, and how many image pixels lie between two neighbours there."""
    fields = [(1, 1)]
    for part in parts[:-1]:
        field, jump = fields[-1]
        last = part.piece.operations[-1]
        fields.append((field + last.reach * jump, jump * last.jump))
    return fields


def _rows(parts: tuple[Placed, ...], told: list[dict[str, int]]) -> Iterator[Row]:
    for part, (field, jump), by_path in zip(parts, _fields(parts), told, strict=True):
        for op in part.piece.operations:
            if op.kind in _ROWS:
                yield Row(
                    path=part.prefix + op.path,
                    kind=op.kind,
                    operation=operation_text(op),
                    stage=part.stage,
                    block=part.block,
                    shape=op.shape,
                    params=op.params,
                    macs=op.macs,
                    macs_torchinfo=by_path[op.path],
                    receptive_field=field + op.reach * jump,
                )


def operation_text(op: Operation) -> str:
    """What a table says a layer does: "3 × 3 convolution, 64 → 128, stride 2, 32 groups"."""
    attrs = dict(op.attrs)
    if op.kind == "conv":
        words = [f"{attrs['kernel']} × {attrs['kernel']} convolution, {attrs['in_channels']} → {attrs['out_channels']}"]
        words += [f"stride {attrs['stride']}"] if attrs["stride"] != 1 else []
        words += [f"{attrs['groups']} groups"] if attrs["groups"] != 1 else []
        return ", ".join(words)
    if op.kind == "linear":
        return f"linear, {attrs['in_channels']} → {attrs['out_channels']}"
    if op.kind == "add":
        alpha, beta = attrs["alpha"], attrs["beta"]
        told = f"addition of the {op.inputs[1][1]} shortcut"
        return told if alpha == beta == 1 else f"{told}, {beta:g} F(x) + {alpha:g} x"
    return norm_text(op.module, attrs.get("groups"))


def norm_text(module: str, groups: float | str | None) -> str:
    """The name of a norm: torch's module and, for group norm, its groups."""
    if module == "BatchNorm2d":
        return "batch norm"
    return "layer norm" if groups == 1 else f"group norm, {groups} groups"


def layers(network: Network) -> tuple[LayerInfo, ...]:
    """The convolutions and the linear layer in forward order: what telemetry has a gradient norm for.

    Raises :class:`~resnet_viz.spec.SpecError` or pydantic's ``ValidationError`` when the network cannot be built.
    """
    network = checked(network)
    refuse(network)
    return tuple(
        _layer(op, part) for part in placed(network) for op in part.piece.operations if op.kind in ("conv", "linear")
    )


def _layer(op: Operation, part: Placed) -> LayerInfo:
    channels, height, width = op.shape if len(op.shape) == 3 else (op.shape[0], 1, 1)
    return LayerInfo(
        path=part.prefix + op.path,
        kind="conv" if op.kind == "conv" else "linear",
        stage=part.stage,
        block=part.block,
        projection=op.path.startswith(BESIDE),
        channels=channels,
        height=height,
        width=width,
    )
