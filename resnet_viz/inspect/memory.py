"""What a pass holds in memory for each image: the part of memory that grows with the batch.

A training step keeps what autograd needs for the backward pass (:func:`kept`); a forward pass without gradients holds
each map until its last reader has run (:func:`peak`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from .operations import INPUT, Operation, Shape

_KEEPS_INPUT = frozenset(
    {"Conv2d", "Linear", "BatchNorm2d", "GroupNorm", "LeakyReLU", "GELU", "SiLU", "MaxPool2d", "AvgPool2d", "Carry"}
)
_KEEPS_INPUTS = frozenset({"Multiply", "Transform"})
_KEEPS_OUTPUT = frozenset({"ReLU", "Tanh", "Sigmoid"})
_KEEPS_MASK = frozenset({"Carry", "Dropout"})
"""A map of the output's size that only the layer itself has: what the gate leaves, what is dropped."""


@dataclass(frozen=True)
class Kept:
    """Values kept for one image: ``inside`` a module, and whether its ``input`` and its ``output`` are kept too.

    Input and output are apart because neighbours share them: one tensor counts once, whoever keeps it.
    """

    inside: int
    input: bool
    output: bool


def _owners(operations: tuple[Operation, ...], *, training: bool) -> dict[str, str]:
    """Whose memory each operation's output lies in: its own, or that of the map of which it is a view."""
    owners: dict[str, str] = {INPUT: INPUT}
    for operation in operations:
        attrs = dict(operation.attrs)
        view = (
            operation.kind == "flatten"
            or (operation.kind == "pad" and not attrs["extra"])
            or (operation.kind == "sum" and len(operation.inputs) == 1)
            or (operation.kind == "drop" and not training)
        )
        owners[operation.id] = owners[operation.inputs[0][0]] if view else operation.id
    return owners


def kept(operations: tuple[Operation, ...]) -> Kept:
    """What the operations of one module keep in a training step, by the derivative of each.

    Convolution, linear layer, norm and 3x3 average pool need their input; ReLU, tanh and sigmoid their output; leaky
    ReLU, GELU and SiLU their input; max-pool its input and the place of each maximum (two float32 values wide);
    products both factors; dropout what it dropped; addition, joins, padding and global average pool nothing.
    A norm's statistics (two values a channel or group) are left out.
    """
    owner = _owners(operations, training=True)
    needed: set[str] = set()
    extra = 0
    for operation in operations:
        sources = [owner[name] for name, _ in operation.inputs]
        if operation.module in _KEEPS_INPUT:
            needed.add(sources[0])
        if operation.module in _KEEPS_INPUTS:
            needed.update(sources)
        if operation.module in _KEEPS_OUTPUT:
            needed.add(operation.id)
        if operation.module == "MaxPool2d":
            extra += 2 * prod(operation.shape)
        if operation.module in _KEEPS_MASK:
            extra += prod(operation.shape)
    last = owner[operations[-1].id]
    inside = sum(prod(o.shape) for o in operations if o.id in needed and o.id != last)
    return Kept(inside + extra, INPUT in needed, last in needed)


def stored_values(image: Shape, parts: list[tuple[Kept, Shape]]) -> int:
    """Values kept for one image by modules in a row, each given with the shape that it puts out."""
    total, shape, before = 0, image, False
    for part, leaves in parts:
        total += part.inside + (prod(shape) if before or part.input else 0)
        shape, before = leaves, part.output
    return total + (prod(shape) if before else 0)


def peak(operations: tuple[Operation, ...], enters: Shape) -> int:
    """Most values alive at once for one image while a module runs in evaluation, what enters it among them.

    Each map lives from the operation that gives it to the last one that reads it; views have no memory of their own.
    What torch needs inside one operation is left out.
    """
    owner = _owners(operations, training=False)
    size = {INPUT: prod(enters)} | {o.id: prod(o.shape) for o in operations if owner[o.id] == o.id}
    last_reader = {owner[name]: i for i, operation in enumerate(operations) for name, _ in operation.inputs}
    last_reader[owner[operations[-1].id]] = len(operations)
    alive, now, most = {INPUT}, size[INPUT], 0
    for i, operation in enumerate(operations):
        if owner[operation.id] == operation.id:
            alive.add(operation.id)
            now += size[operation.id]
        most = max(most, now)
        gone = {name for name in alive if last_reader[name] <= i}
        alive -= gone
        now -= sum(size[name] for name in gone)
    return most
