"""Operations that the picture shows as one: the inside of attention, and parallel paths beyond the eighth.

Graph in, graph out; nodes that bring words of their own (a foreign module's) stay as they are. The node that stands
for others has a path that begins theirs, so that each of them is found under it, and ``attrs["folded"]`` says what it
is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from resnet_viz.inspect.graph import Edge, Graph, Node

MOST_LANES = 8
ATTENTION = ".se."
JOIN = ".join"

Lanes = tuple[tuple[Node, ...], ...]


def gather(graph: Graph) -> Graph:
    """The same graph with one node for the inside of each attention and one for all paths beyond the eighth."""
    stands: dict[str, Node] = {}
    for group in _attention(graph.nodes):
        head = group[0].path.rpartition(".")[0]
        stands |= dict.fromkeys((node.id for node in group), _one(group, head, head, "attention"))
    for lanes in lanes_of(graph.nodes).values():
        rest = [node for lane in lanes[MOST_LANES:] for node in lane]
        if rest:
            head = rest[0].path.split(".paths.")[0] + ".paths"
            more = _one(rest, f"{head}+", head, "paths", count=len(lanes) - MOST_LANES)
            stands |= dict.fromkeys((node.id for node in rest), more)
    if not stands:
        return graph
    nodes = dict.fromkeys(stands.get(node.id, node).id for node in graph.nodes)
    by_id = {node.id: node for node in (*graph.nodes, *stands.values())}
    edges = []
    for edge in graph.edges:
        source, target = (stands[end].id if end in stands else end for end in (edge.source, edge.target))
        if source != target:
            edges.append(Edge(source, target, edge.shortcut))
    return replace(graph, nodes=tuple(by_id[name] for name in nodes), edges=tuple(dict.fromkeys(edges)))


def lanes_of(nodes: Sequence[Node]) -> dict[str, Lanes]:
    """The parallel paths in front of each join, by the join's id, each with its nodes in forward order."""
    found: dict[str, Lanes] = {}
    for join in nodes:
        if join.kind not in ("concat", "sum") or not join.path.endswith(JOIN) or "text" in join.attrs:
            continue
        prefix = join.path.removesuffix("join")
        lanes: dict[str, list[Node]] = {}
        for node in nodes:
            if node.path.startswith(prefix) and node is not join:
                lanes.setdefault(node.path.removeprefix(prefix).partition(".")[0], []).append(node)
            elif node.attrs.get("folded") == "paths" and f"{node.path}." == prefix:
                lanes.setdefault("more", []).append(node)
        found[join.id] = tuple(tuple(lane) for lane in lanes.values())
    return found


def _attention(nodes: Sequence[Node]) -> list[list[Node]]:
    """The nodes inside each squeeze-excitation, without the product at its end."""
    groups: dict[str, list[Node]] = {}
    for node in nodes:
        head, mark, _ = node.path.partition(ATTENTION)
        if mark:
            groups.setdefault(head, []).append(node)
    ours = (group for group in groups.values() if len(group) > 1 and group[-1].kind == "multiply")
    return [group[:-1] for group in ours if "text" not in group[-1].attrs]


def _one(group: Sequence[Node], name: str, path: str, folded: str, **more: int) -> Node:
    """One node for all of a group, after its last one."""
    return replace(
        group[-1], id=name, kind="conv", label=folded, path=path, shortcuts=(), problem=None,
        params=sum(node.params for node in group), macs=sum(node.macs for node in group),
        attrs={"folded": folded, **more},
    )  # fmt: skip
