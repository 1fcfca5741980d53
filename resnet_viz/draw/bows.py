"""Shortcuts as bows above the main path: large ones into an addition, small ones on a folded box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from resnet_viz.draw.drawing import Arc, Label, Mark, Shape
from resnet_viz.draw.placing import BARS, arcs_a_row
from resnet_viz.draw.titles import detail, inside, title
from resnet_viz.inspect.graph import Edge, Graph, Node, ShortcutKind

TOP = 76.0
"""Height at which a large bow runs."""

ROW_PITCH = 7.0

WORDS: dict[ShortcutKind, str] = {
    "identity": "x, identity",
    "padded": "x, identity with zeros",
    "projection": "x, projected",
    "gated": "x, gated",
    "scaled": "x, scaled",
}


def small_arcs(mark: Mark, kinds: Sequence[ShortcutKind]) -> list[Arc]:
    """One small arc on the top edge for each shortcut folded inside, in rows when there are more than forty."""
    per_row = arcs_a_row(len(kinds))
    arcs = []
    for i, kind in enumerate(kinds):
        row, column = divmod(i, per_row)
        pitch = (mark.width - 4) / per_row
        x, y = mark.x + 2 + column * pitch, mark.y - 1 - row * ROW_PITCH
        rise = ROW_PITCH - 1.6 if len(kinds) > per_row else min(18.0, 6 + pitch / 3)
        arcs.append(Arc(kind, mark.node, x, y, x + pitch, y, y - rise, small=True))
    return arcs


class Bows:
    """Finds the shortcut of each addition in a graph and places what stands on it."""

    def __init__(self, graph: Graph) -> None:
        self.nodes = {node.id: node for node in graph.nodes}
        self._into: dict[str, list[Edge]] = {}
        for edge in graph.edges:
            self._into.setdefault(edge.target, []).append(edge)
        self.side = self._side(graph)

    def _side(self, graph: Graph) -> frozenset[str]:
        """Nodes that lie on a shortcut (projection, its norm, padding) and so not on the main path."""
        side: set[str] = set()
        for node in graph.nodes:
            edges = self._into.get(node.id, [])
            if node.kind != "add" and edges and all(e.shortcut is not None or e.source in side for e in edges):
                side.add(node.id)
        return frozenset(side)

    def trace_back(self, add: str) -> tuple[list[str], ShortcutKind | None]:
        """From an addition back along its shortcut: nodes passed, the last one on the main path; and the kind."""
        walk: list[str] = []
        kind: ShortcutKind | None = None
        here = add
        while not walk or here in self.side:
            edges = self._into.get(here, [])
            edge = next((e for e in edges if e.shortcut is not None or e.source in self.side), None)
            if edge is None:
                break
            kind = kind or edge.shortcut
            here = edge.source
            walk.append(here)
        return walk, kind

    def sources(self) -> frozenset[str]:
        """Nodes of the main path behind which a shortcut leaves."""
        walks = (self.trace_back(node.id)[0] for node in self.nodes.values() if node.kind == "add")
        return frozenset(walk[-1] for walk in walks if walk and walk[-1] not in self.side)

    def bow(
        self, add: Node, marks: Mapping[str, Mark], forks: Mapping[str, float], *, main: float, named: bool
    ) -> tuple[list[Arc], list[Mark], list[Label]]:
        """The bow into one addition, the marks that stand on it, and its words when the block is the opened one."""
        walk, kind = self.trace_back(add.id)
        if kind is None or walk[-1] not in forks:
            return [], [], []
        start, plus = forks[walk[-1]], marks[add.id]
        middle = (start + plus.centre) / 2
        over = [self.nodes[name] for name in reversed(walk[:-1])]
        on_top, words = _stand(over, middle)
        if named:
            stride = max((int(node.attrs.get("stride", 1)) for node in over), default=1)
            text = WORDS[kind] + (f", ÷{stride}" if stride > 1 else "")
            words.append(Label(text, middle, TOP - (20 if on_top else 9), "shortcut", node=add.id))
        return [Arc(kind, add.id, start, main, plus.centre, plus.y, TOP, small=False)], on_top, words


def _stand(over: Sequence[Node], middle: float) -> tuple[list[Mark], list[Label]]:
    """The projection's box and bar, or the notch of added zeros, in the middle of the bow."""
    wide = {"conv": 44.0, "norm": 5.0, "activation": 5.0}
    x = middle - sum(wide.get(node.kind, 14.0) for node in over) / 2 - 2.0 * (len(over) - 1)
    marks: list[Mark] = []
    labels: list[Label] = []
    for node in over:
        shape: Shape = "box" if node.kind == "conv" else BARS.get(node.kind, "notch")
        width = wide.get(node.kind, 14.0)
        height = 16.0 if shape == "notch" else 26.0
        marks.append(
            Mark(
                node.id, shape, x, TOP - height / 2, width, height, title(node), detail(node), node.path,
                tone="projection", problem=node.problem is not None,
            )
        )  # fmt: skip
        if node.kind == "conv":
            labels.append(Label(inside(node), x + width / 2, TOP + 4.5, "inside", node=node.id))
        x += width + 4
    return marks, labels
