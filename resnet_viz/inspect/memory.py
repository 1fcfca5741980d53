"""What autograd keeps of a forward pass until the backward pass: the part of memory that grows with the batch."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from .operations import INPUT, Operation, Shape

_KEEPS_INPUT = frozenset({"Conv2d", "Linear", "BatchNorm2d", "LeakyReLU", "GELU", "SiLU", "MaxPool2d"})
_KEEPS_OUTPUT = frozenset({"ReLU", "Tanh", "Sigmoid"})


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

    Convolution, linear layer and batch norm need their input; ReLU, tanh and sigmoid their output; leaky ReLU,
    GELU and SiLU their input; max-pool its input and the place of each maximum (two float32 values wide);
    addition, padding and average pool nothing. Batch norm's statistics (two values a channel) are left out.
    """
    origin: dict[str, str] = {INPUT: INPUT}
    needed: set[str] = set()
    indices = 0
    for operation in operations:
        source = origin[operation.inputs[0][0]]
        # A flattened map is the same memory as the map.
        origin[operation.id] = source if operation.kind == "flatten" else operation.id
        if operation.module in _KEEPS_INPUT:
            needed.add(source)
        if operation.module in _KEEPS_OUTPUT:
            needed.add(operation.id)
        if operation.module == "MaxPool2d":
            indices += 2 * prod(operation.shape)
    last = operations[-1].id
    inside = sum(prod(o.shape) for o in operations if o.id in needed and o.id != last)
    return Kept(inside + indices, INPUT in needed, last in needed)


def stored_values(image: Shape, parts: list[tuple[Kept, Shape]]) -> int:
    """Values kept for one image by modules in a row, each given with the shape that it puts out."""
    total, shape, before = 0, image, False
    for part, leaves in parts:
        total += part.inside + (prod(shape) if before or part.input else 0)
        shape, before = leaves, part.output
    return total + (prod(shape) if before else 0)
