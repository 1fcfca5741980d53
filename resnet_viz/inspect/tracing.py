"""The graph of a network at three levels of detail, put together from its traced pieces."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from ..spec.block import Block
from ..spec.errors import SpecError
from ..spec.network import Network, Stage, checked
from .counting import norm_text
from .graph import Detail, Edge, Graph, Node
from .operations import INPUT, Operation
from .pieces import Placed, cut

_ACTIVATION_NAMES = {
    "ReLU": "ReLU", "LeakyReLU": "leaky ReLU", "GELU": "GELU", "SiLU": "SiLU", "Tanh": "tanh", "Sigmoid": "sigmoid",
}  # fmt: skip
_PLAIN_NAMES = {
    "add": "addition", "flatten": "flatten", "pad": "zero padding", "concat": "concatenation", "sum": "sum of paths",
}  # fmt: skip


_MODULE_NAMES = {
    "Multiply": "product", "Transform": "T F(x)", "Carry": "(1 − T) x", "DropPath": "drop path", "Dropout": "dropout",
}  # fmt: skip


def trace(network: Network, detail: Detail = "block") -> Graph:
    """The graph of the network's forward pass, from torch.fx traces on the meta device.

    "op" has a node for each operation, and its edges say to which shortcut they belong, if any: each addition
    has one edge that comes from a shortcut. "block" has one node a block and "stage" one a stage; what they
    fold stands in ``Node.shortcuts``, one entry a shortcut. The first node is the input, the last the output;
    stem and head carry the path of their layer with weights, "conv1" and "fc". At "op" detail ``attrs["part"]``
    tells the stem from the head.

    A network that cannot be built is drawn all the same: a block that fails is one node with ``problem`` set at
    every level, its shape by arithmetic, and what follows is traced from that shape. Raises pydantic's
    ``ValidationError`` for values out of bounds and ``SpecError`` for an unknown detail.
    """
    if detail not in get_args(Detail):
        raise SpecError(f"detail is {detail!r}: use one of {', '.join(get_args(Detail))}.", field="detail")
    network = checked(network)
    image = (network.input.channels, network.input.height, network.input.width)
    found = cut(network)
    parts = found.parts
    nodes = [Node("input", "input", "input", "", shape=image)]
    edges: list[Edge] = []
    if detail == "op":
        _operations(network, parts, nodes, edges)
    else:
        boxes = [_box(network, part) for part in parts]
        for box in _folded(network, boxes) if detail == "stage" else boxes:
            edges.append(Edge(nodes[-1].id, box.id))
            nodes.append(box)
    edges.append(Edge(nodes[-1].id, "output"))
    nodes.append(Node("output", "output", "output", "", shape=nodes[-1].shape))
    return Graph(detail, tuple(nodes), tuple(edges), tuple(problem.message for problem in found.problems))


def _operations(network: Network, parts: tuple[Placed, ...], nodes: list[Node], edges: list[Edge]) -> None:
    labels: dict[int, list[str]] = {}
    for number, part in enumerate(parts):  # the stem is 0, so blocks count from 1
        before, piece = nodes[-1].id, part.piece
        if not piece.operations:
            nodes.append(_box(network, part))
            edges.append(Edge(before, nodes[-1].id))
            continue
        if id(piece) not in labels:
            labels[id(piece)] = [label(operation) for operation in piece.operations]
        for operation, words in zip(piece.operations, labels[id(piece)], strict=True):
            node = _node(operation, part, words)
            if operation.module == "DropPath":  # a piece stands for equal blocks at any depth
                node.attrs["survival"] = network.drop_path.of(number, network.blocks)
            nodes.append(node)
            for source, shortcut in operation.inputs:
                edges.append(Edge(before if source == INPUT else part.prefix + source, node.id, shortcut))


def _node(operation: Operation, part: Placed, words: str) -> Node:
    return Node(
        id=part.prefix + operation.id,
        kind=operation.kind,
        label=words,
        path=part.prefix + operation.path,
        stage=part.stage,
        block=part.block,
        shape=operation.shape,
        params=operation.params,
        macs=operation.macs,
        attrs={**dict(operation.attrs), "part": part.part},
    )


def label(operation: Operation) -> str:
    """A few words for one operation, as He 2016a, Fig. 3 has them: "3 × 3 conv, 64, /2"."""
    attrs = dict(operation.attrs)
    kernel, stride = attrs.get("kernel"), attrs.get("stride")
    if operation.kind == "conv":
        words = [f"{kernel} × {kernel} conv", str(attrs["out_channels"])]
        words += [f"{attrs['groups']} groups"] if attrs["groups"] != 1 else []
        return ", ".join(words + ([f"/{stride}"] if stride != 1 else []))
    if operation.kind == "pool":
        return "global average pool" if kernel is None else _pool_label(operation.module, int(kernel), int(stride or 1))
    if operation.kind == "linear":
        return f"linear, {attrs['out_channels']}"
    if operation.kind == "norm":
        return norm_text(operation.module, attrs.get("groups"))
    names = _ACTIVATION_NAMES | _MODULE_NAMES
    return names.get(operation.module) or _PLAIN_NAMES[operation.kind]


def _pool_label(module: str, kernel: int, stride: int) -> str:
    name = "max" if module == "MaxPool2d" else "average"
    return f"{kernel} × {kernel} {name} pool" + (f", /{stride}" if stride != 1 else "")


def _noun(block: Block) -> str:
    order = "pre-activation " if block.preactivated else ""
    return f"{order}{'parallel-path' if block.branch == 'paths' else block.branch} block"


def _box(network: Network, part: Placed) -> Node:
    """A stem, block or head as one node."""
    piece = part.piece
    if part.part != "block":
        path, words = ("conv1", "stem") if part.part == "stem" else ("fc", "head")
        return Node(
            part.part, part.part, words, path,
            shape=piece.leaves, params=piece.params, macs=piece.macs, problem=part.problem,
        )  # fmt: skip
    stage = network.stages[part.stage - 1]
    block = stage.block_at(part.block)
    path = part.prefix.removesuffix(".")
    return Node(
        path, "block", f"{_noun(block)}, {block.out_width}", path, part.stage, part.block, piece.leaves,
        piece.params, piece.macs, () if piece.shortcut is None else (piece.shortcut,),
        _attributes(block, stage.stride if part.block == 1 else 1) | {"own": _own(stage, block)}, part.problem,
    )  # fmt: skip


def _attributes(block: Block, stride: int) -> dict[str, int | float | str]:
    return {
        "branch": block.branch, "merge": block.merge, "order": block.order, "cardinality": block.cardinality,
        "alpha": block.alpha, "stride": stride,
    }  # fmt: skip


def _own(stage: Stage, block: Block) -> int:
    """0 for the stage's block; another number for each other block that single places of the stage have."""
    if not stage.overrides or block == stage.block:
        return 0
    return next(number for number, other in enumerate(stage.overrides, 1) if other.block == block)


def _folded(network: Network, boxes: list[Node]) -> list[Node]:
    """Stem, one node a stage, head."""
    nodes = [boxes[0]]
    for s, stage in enumerate(network.stages, 1):
        inside = [box for box in boxes if box.stage == s]
        words = f"{stage.blocks} {_noun(stage.block)}{'' if stage.blocks == 1 else 's'}, {stage.block.out_width}"
        nodes.append(
            replace(
                inside[-1], id=f"layer{s}", kind="stage", label=words, path=f"layer{s}", block=0,
                params=sum(box.params for box in inside), macs=sum(box.macs for box in inside),
                shortcuts=tuple(kind for box in inside for kind in box.shortcuts),
                attrs={**_attributes(stage.block, stage.stride), "blocks": stage.blocks},
                problem=next((box.problem for box in inside if box.problem), None),
            )
        )  # fmt: skip
    return [*nodes, boxes[-1]]
