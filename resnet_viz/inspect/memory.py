"""What autograd keeps of a forward pass until the backward pass: the part of memory that grows with the batch."""

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


def kept(operations: tuple[Operation, ...]) -> Kept:
    """What the operations of one module keep, by the derivative of each.

    Convolution, linear layer, norm and 3x3 average pool need their input; ReLU, tanh and sigmoid their output; leaky
    ReLU, GELU and SiLU their input; max-pool its input and the place of each maximum (two float32 values wide);
    products both factors; dropout what it dropped; addition, joins, padding and global average pool nothing.
    A norm's statistics (two values a channel or group) are left out.
    """
    origin: dict[str, str] = {INPUT: INPUT}
    needed: set[str] = set()
    extra = 0
    for operation in operations:
        sources = [origin[name] for name, _ in operation.inputs]
        # A flattened map is the same memory as the map.
        origin[operation.id] = sources[0] if operation.kind == "flatten" else operation.id
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
    last = operations[-1].id
    inside = sum(prod(o.shape) for o in operations if o.id in needed and o.id != last)
    return Kept(inside + extra, INPUT in needed, last in needed)


def stored_values(image: Shape, parts: list[tuple[Kept, Shape]]) -> int:
    """Values kept for one image by modules in a row, each given with the shape that it puts out."""
    total, shape, before = 0, image, False
    for part, leaves in parts:
        total += part.inside + (prod(shape) if before or part.input else 0)
        shape, before = leaves, part.output
    return total + (prod(shape) if before else 0)
