"""Semantic zoom: from the traced graphs of a network to one graph with a stage, or a block, opened.

Graph in, graph out: :mod:`resnet_viz.draw.layout` draws the result like any other. Runs of equal blocks are
folded into one node that keeps every shortcut, so that none disappears.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from resnet_viz.inspect.graph import Detail, Edge, Graph, Kind, Node

UNFOLDED = 6
"""A stage with at most so many blocks shows each of them when it is opened."""


def fold(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Runs of equal blocks as one node each: "×6", with the parameters, multiply-adds and shortcuts of all six."""
    folded: list[Node] = []
    for _, group in groupby(nodes, key=_likeness):
        run = list(group)
        folded.append(run[0] if len(run) == 1 else _run(run))
    return tuple(folded)


def _likeness(node: Node) -> tuple[object, ...]:
    if node.kind != "block" or node.problem:
        return (node.id,)
    # A block that differs in what costs nothing (its activation, a strength) says so in ``own``.
    return (node.stage, node.shape, node.params, node.macs, node.shortcuts, node.attrs.get("own", 0))


def _run(run: Sequence[Node]) -> Node:
    first, last = run[0], run[-1]
    return replace(
        first,
        id=f"{first.id}+",
        label=f"×{len(run)}",
        path=f"{first.path} … {last.path}",
        params=sum(node.params for node in run),
        macs=sum(node.macs for node in run),
        shortcuts=tuple(kind for node in run for kind in node.shortcuts),
        attrs={**first.attrs, "blocks": len(run)},
    )


def zoom(
    stages: Graph, blocks: Graph | None = None, ops: Graph | None = None, *, stage: int = 0, block: int = 0
) -> Graph:
    """The network with ``stage`` opened into its blocks, and ``block`` of it (both from 1) into its operations.

    ``stages``, ``blocks`` and ``ops`` are traces of the same network at the three levels; the deeper ones are
    needed only when something is opened. The output node is left out, because the head's caption says the same, and
    the input node too when a stage is opened, to leave the room to what is inside.
    """
    stages = _without(stages, "output")
    if not stage or blocks is None:
        return stages
    stages = _without(stages, "input")
    items: list[Node] = []
    inner: list[Edge] = []
    opened: tuple[Node, ...] = ()
    for node in stages.nodes:
        if node.kind != "stage" or node.stage != stage:
            items.append(node)
            continue
        for piece in _opened_stage([n for n in blocks.nodes if n.stage == stage and n.kind == "block"], block):
            if ops is not None and piece.block == block and "blocks" not in piece.attrs:
                inside = (n for n in ops.nodes if (n.stage, n.block) == (stage, block))
                opened = tuple(replace(n, attrs={**n.attrs, "own": piece.attrs.get("own", 0)}) for n in inside)
            if opened and piece.block == block:
                items.extend(opened)
            else:
                items.append(piece)
    if opened and ops is not None:
        inner = _inner_edges(opened, ops.edges, before=items[items.index(opened[0]) - 1])
    detail: Detail = "op" if opened else "block"
    return Graph(detail, tuple(items), (*_chain(items, opened), *inner), stages.problems)


def _without(graph: Graph, kind: Kind) -> Graph:
    gone = {node.id for node in graph.nodes if node.kind == kind}
    return replace(
        graph,
        nodes=tuple(node for node in graph.nodes if node.id not in gone),
        edges=tuple(edge for edge in graph.edges if not gone & {edge.source, edge.target}),
    )


def _opened_stage(nodes: list[Node], block: int) -> tuple[Node, ...]:
    """The stage's blocks: all of them when they are few, else folded, the opened one always on its own."""
    if not block:
        return tuple(nodes) if len(nodes) <= UNFOLDED else fold(nodes)
    before, after = [n for n in nodes if n.block < block], [n for n in nodes if n.block > block]
    here = [n for n in nodes if n.block == block]
    return (*fold(before), *here, *fold(after))


def _inner_edges(opened: Sequence[Node], edges: Iterable[Edge], before: Node) -> list[Edge]:
    """Edges of the opened block; what came from the block before comes from its box now."""
    inside = {node.id for node in opened}
    found = [
        edge if edge.source in inside else replace(edge, source=before.id) for edge in edges if edge.target in inside
    ]
    return list(dict.fromkeys(found))


def _chain(items: Sequence[Node], opened: Sequence[Node]) -> list[Edge]:
    """The main path between boxes; inside the opened block its own edges do that."""
    inside = {node.id for node in opened}
    pairs: list[Edge] = []
    last: Node | None = None
    for node in items:
        if last is not None and node.id not in inside:
            pairs.append(Edge(last.id, node.id))
        last = node
    return pairs
