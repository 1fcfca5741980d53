"""A traced network as plain data; ``resnet_viz.inspect.trace`` fills it, ``resnet_viz.draw`` lays it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Detail = Literal["stage", "block", "op"]
Kind = Literal[
    "input", "stem", "stage", "block", "head",
    "conv", "norm", "activation", "pool", "pad", "add", "linear", "flatten", "output",
    "concat", "sum", "multiply", "drop", "other",
]  # fmt: skip
ShortcutKind = Literal["identity", "padded", "projection", "gated", "scaled"]
"""What leads around a block; a gate or a strength other than 1 is named before the way in which shapes are matched."""


@dataclass(frozen=True)
class Node:
    """One box of the graph.

    ``path`` is the dotted module path ("layer1.0.conv1"; a prefix for folded boxes, the block's path plus
    ".add" for additions); it joins graph, table and telemetry. ``shape`` is the output without the batch
    dimension. ``params`` and ``macs`` (convolutions and linear layers, one image) cover all that is folded.
    ``stage`` and ``block`` count from 1, 0 where there is none. ``shortcuts`` has one entry for each shortcut
    folded inside, in order, so that none is lost; edges carry those that are not folded.
    ``attrs``: for convolutions kernel, stride, groups, in_channels, out_channels; for stages blocks; for blocks
    branch, merge, order, cardinality, stride, alpha, own (0, or which of the stage's overrides it is); for additions
    alpha and beta; for what is dropped survival, a probability.
    ``problem`` is the sentence that says why this cannot be built, else None.
    """

    id: str
    kind: Kind
    label: str
    path: str
    stage: int = 0
    block: int = 0
    shape: tuple[int, ...] = ()
    params: int = 0
    macs: int = 0
    shortcuts: tuple[ShortcutKind, ...] = ()
    attrs: dict[str, int | float | str] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True)
class Edge:
    """From node to node. ``shortcut`` is None on the main path, else the kind."""

    source: str
    target: str
    shortcut: ShortcutKind | None = None


@dataclass(frozen=True)
class Graph:
    """Nodes in forward order and the edges between them; ``problems`` says what cannot be built, in order."""

    detail: Detail
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    problems: tuple[str, ...] = ()
