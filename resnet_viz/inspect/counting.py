"""What a network costs: parameters, multiply-adds, memory, depth, receptive field, and the same layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from ..spec.errors import SpecError
from ..spec.network import Network, checked
from .memory import stored_values
from .operations import INPUT, Operation
from .paths import paths_of
from .pieces import Piece, Placed, cut
from .summary import FLOAT, LayerInfo, Row, Summary

_ROWS = frozenset({"conv", "norm", "linear", "add"})
BESIDE = ("downsample.", "gate.", "se.")
"""Names of modules in a block whose layers do not count for its depth."""


def summarize(network: Network, batch: int = 1) -> Summary:
    """Count a network that can be built; nothing is computed and no weight is made.

    ``memory`` is 4 bytes x (3 x parameters + batch x stored): weights, gradients and SGD's momentum, and the
    values that autograd keeps of the forward pass for the backward pass (:mod:`.memory`; for pixels in
    float32, the image among them). ``forward_memory`` is 4 bytes x (parameters + batch x peak): weights, and the most
    values alive at once in a forward pass without gradients, each map from its layer to its last reader. Lower
    bounds: the libraries' work space comes on top.
    ``receptive_field`` is that of the last feature map, before the global average pool: along the longest path,
    each layer of kernel k adds (k - 1) times the product of the strides before it. It may be larger than the image.
    The whole map that attention's weights see is left out. It is that of the structure, whatever ``alpha`` and
    ``beta``: a branch of strength 0 widens it, while ``paths`` leave such a branch out.
    Rows are in forward order and their paths are those of the trace's nodes.

    Raises :class:`~resnet_viz.spec.SpecError` or pydantic's ``ValidationError`` when the network cannot be built.
    """
    if not isinstance(batch, int) or batch < 1:
        raise SpecError(f"batch is {batch!r}: it must be a whole number of at least 1.", field="batch")
    network = checked(network)
    found = cut(network)
    found.refuse()
    parts = found.parts
    params = sum(part.piece.params for part in parts)
    image = (network.input.channels, network.input.height, network.input.width)
    stored = FLOAT * batch * stored_values(image, [(part.piece.kept, part.piece.leaves) for part in parts])
    live = FLOAT * batch * max(part.piece.peak for part in parts)
    fields = _fields(parts)
    rows = tuple(_rows(parts, fields))
    return Summary(
        params=params,
        params_torchinfo=sum(part.piece.counted.params for part in parts),
        macs=sum(part.piece.macs for part in parts),
        macs_torchinfo=sum(part.piece.counted.macs for part in parts),
        activations=sum(prod(row.shape) for row in rows if row.kind in ("conv", "linear")),
        memory=FLOAT * 3 * params + stored,
        stored_memory=stored,
        forward_memory=FLOAT * params + live,
        live_memory=live,
        depth=network.depth,
        receptive_field=fields[-1][0],
        field_stride=fields[-1][1],
        paths=paths_of(network),
        rows=rows,
    )


def _fields(parts: tuple[Placed, ...]) -> list[tuple[int, int]]:
    """Receptive field of each part's input, and how many image pixels lie between two neighbours there."""
    fields = [(1, 1)]
    for part in parts[:-1]:
        field, jump = fields[-1]
        last = part.piece.operations[-1]
        fields.append((field + last.reach * jump, jump * last.jump))
    return fields


@dataclass(frozen=True)
class _Layer:
    """What the rows of a piece have in common wherever it stands."""

    op: Operation
    text: str
    moved: int


def _layers(piece: Piece) -> list[_Layer]:
    values = {INPUT: prod(piece.enters)} | {op.id: prod(op.shape) for op in piece.operations}
    return [
        _Layer(op, operation_text(op), values[op.id] + sum(values[source] for source, _ in op.inputs))
        for op in piece.operations
        if op.kind in _ROWS
    ]


def _rows(parts: tuple[Placed, ...], fields: list[tuple[int, int]]) -> Iterator[Row]:
    known: dict[int, list[_Layer]] = {}
    for part, (field, jump) in zip(parts, fields, strict=True):
        told = part.piece.counted.by_path
        if id(part.piece) not in known:
            known[id(part.piece)] = _layers(part.piece)
        for layer in known[id(part.piece)]:
            op = layer.op
            yield Row(
                path=part.prefix + op.path,
                kind=op.kind,
                operation=layer.text,
                stage=part.stage,
                block=part.block,
                shape=op.shape,
                params=op.params,
                macs=op.macs,
                macs_torchinfo=told[op.path],
                receptive_field=field + op.reach * jump,
                field_stride=jump * op.jump,
                moved=layer.moved,
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
    found = cut(checked(network))
    found.refuse()
    return tuple(
        _layer(op, part) for part in found.parts for op in part.piece.operations if op.kind in ("conv", "linear")
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
