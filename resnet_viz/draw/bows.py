"""Shortcuts as bows above the main path: large ones into an addition, small ones on a folded box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from resnet_viz.draw.drawing import FONT, Arc, Label, Mark, Shape, Style, Wire, text_width
from resnet_viz.draw.placing import BARS, CIRCLE, arcs_a_row, pill_width
from resnet_viz.draw.titles import detail, factor, inside, title
from resnet_viz.inspect.graph import Edge, Graph, Node, ShortcutKind

TOP = 70.0
"""Height at which a large bow runs."""

GATE_ROW = 99.0
"""Height at which a gate's way runs, between the bow and the branch."""

GATE_BOX = 20.0
ROW_PITCH = 7.0
MOST_RISE = 84.0
"""Most height of all rows of small arcs together."""


@dataclass
class Drawn:
    """What one bow consists of."""

    arcs: list[Arc] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)


def small_arcs(mark: Mark, kinds: Sequence[ShortcutKind]) -> list[Arc]:
    """One small arc on the top edge for each shortcut folded inside, in rows when there are more than forty."""
    per_row = arcs_a_row(len(kinds))
    row_pitch = min(ROW_PITCH, MOST_RISE * per_row / len(kinds))
    arcs = []
    for i, kind in enumerate(kinds):
        row, column = divmod(i, per_row)
        pitch = (mark.width - 4) / per_row
        x, y = mark.x + 2 + column * pitch, mark.y - 1 - row * row_pitch
        rise = row_pitch * 0.77 if len(kinds) > per_row else min(18.0, 6 + pitch / 3)
        arcs.append(Arc(kind, mark.node, x, y, x + pitch, y, y - rise, small=True))
    return arcs


class Bows:
    """Finds the shortcut and the gate of each addition in a graph and places what stands on them."""

    def __init__(self, graph: Graph) -> None:
        self.nodes = {node.id: node for node in graph.nodes}
        self._into: dict[str, list[Edge]] = {}
        for edge in graph.edges:
            self._into.setdefault(edge.target, []).append(edge)
        self.side = self._side(graph)
        self.gated = frozenset(
            node.id for node in graph.nodes if node.kind == "multiply" and node.id not in self.side and self.gate(node)
        )

    def _side(self, graph: Graph) -> frozenset[str]:
        """Nodes that lie on a shortcut (projection, its norm, padding, gate) and so not on the main path."""
        side: set[str] = set()
        for node in graph.nodes:
            edges = self._into.get(node.id, [])
            if node.kind != "add" and edges and all(e.shortcut is not None or e.source in side for e in edges):
                side.add(node.id)
        return frozenset(side)

    def _back(self, start: str, into: int) -> tuple[list[str], ShortcutKind | None]:
        """Back from a node along its side edge number ``into``, then along the first of each node on the way."""
        walk: list[str] = []
        kind: ShortcutKind | None = None
        here = start
        while not walk or here in self.side:
            edges = [e for e in self._into.get(here, []) if e.shortcut is not None or e.source in self.side]
            place = into if not walk else 0
            if len(edges) <= place:
                break
            kind = kind or edges[place].shortcut
            here = edges[place].source
            walk.append(here)
        return walk, kind

    def trace_back(self, add: str) -> tuple[list[str], ShortcutKind | None]:
        """From an addition back along its shortcut: nodes passed, the last one on the main path; and the kind."""
        return self._back(add, 0)

    def gate(self, product: Node) -> list[str]:
        """From a product back along its gate: the gate's nodes, the last one on the main path; empty without one.

        The gate is the second input of what it weighs (on the branch the only one that comes from the side).
        """
        walk, _ = self._back(product.id, 1 if product.id in self.side else 0)
        return walk if len(walk) > 1 else []

    def sources(self) -> frozenset[str]:
        """Nodes of the main path behind which a shortcut or a gate leaves."""
        walks = [self.trace_back(node.id)[0] for node in self.nodes.values() if node.kind == "add"]
        walks += [self.gate(node) for node in self.nodes.values() if node.kind == "multiply"]
        return frozenset(walk[-1] for walk in walks if walk and walk[-1] not in self.side)

    def _carry(self, walk: Sequence[str]) -> Node | None:
        """The product on the shortcut, where a gate weighs it."""
        return next((node for name in walk[:-1] if (node := self.nodes[name]).kind == "multiply"), None)

    def is_carried(self, add: str) -> bool:
        """Whether a gate weighs the shortcut into that addition."""
        return self._carry(self.trace_back(add)[0]) is not None

    def room(self, add: Node, forks: Mapping[str, float]) -> float:
        """The least x of an addition, so that there is room for what stands on its bow and on its gate's way."""
        walk, _ = self.trace_back(add.id)
        if not walk or walk[-1] not in forks:
            return 0.0
        over = [self.nodes[name] for name in walk[:-1]]
        carry = self._carry(walk)
        wide = sum(_wide(node) + 8 for node in over) + 40
        if carry is None:
            return forks[walk[-1]] + wide - CIRCLE / 2
        gate = self.gate(carry)
        on_gate = sum(_wide(self.nodes[name]) + 8 for name in gate[:-1]) + 60
        starts = [(forks[walk[-1]], wide)] + [(forks[gate[-1]], on_gate)] * (bool(gate) and gate[-1] in forks)
        return max(start + width for start, width in starts) + 40

    def bow(
        self, add: Node, marks: Mapping[str, Mark], forks: Mapping[str, float], *, main: float, named: bool
    ) -> Drawn:
        """The bow into one addition, the marks that stand on it, and its words when the block is the opened one."""
        drawn = Drawn()
        walk, kind = self.trace_back(add.id)
        if kind is None or walk[-1] not in forks:
            return drawn
        start, plus = forks[walk[-1]], marks[add.id]
        carry = self._carry(walk)
        over = [self.nodes[name] for name in reversed(walk[:-1]) if carry is None or name != carry.id]
        end = plus.centre
        if carry is not None:
            end = self._gated(drawn, carry, add, marks, forks, start, main)
        _stand(drawn, over, (start + end) / 2, TOP)
        alpha = float(add.attrs.get("alpha", 1))
        if alpha != 1:
            drawn.labels.append(Label(factor(alpha), plus.centre + 7, TOP + 22, "factor", "start", node=add.id))
        if named:
            text = ("(1 − T) " if carry is not None else "") + _words(over)
            half = text_width(text, "shortcut") / 2 + 4
            middle = max((start + plus.centre) / 2, half)
            y = TOP - (20 if over or carry else 9)
            drawn.labels.append(Label(text, middle, y, "shortcut", node=add.id))
        drawn.arcs.append(Arc(kind, add.id, start, main, plus.centre, plus.y, TOP, small=False))
        return drawn

    def _gated(
        self, drawn: Drawn, carry: Node, add: Node, marks: Mapping[str, Mark], forks: Mapping[str, float],
        start: float, main: float,
    ) -> float:  # fmt: skip
        """The product on the shortcut and the gate's way to it and to the branch; the x where the product begins."""
        transform = next((marks[e.source] for e in self._into[add.id] if e.source in self.gated), None)
        x = marks[add.id].centre - 40 if transform is None else transform.centre
        drawn.marks.append(
            Mark(carry.id, "times", x - CIRCLE / 2, TOP - CIRCLE / 2, CIRCLE, CIRCLE, title(carry), detail(carry),
                 carry.path, tone="sign")
        )  # fmt: skip
        gate = self.gate(carry)
        if gate and gate[-1] in forks:
            fork = forks[gate[-1]]
            begin = ((fork, GATE_ROW),) if fork == start else ((fork, main), (fork, GATE_ROW))
            drawn.wires.append(Wire("gate", carry.id, (*begin, (x, GATE_ROW), (x, TOP + CIRCLE / 2))))
            if transform is not None:
                drawn.wires.append(Wire("gate", transform.node, ((x, GATE_ROW), (x, transform.y))))
            _stand(drawn, [self.nodes[name] for name in reversed(gate[:-1])], (fork + x) / 2, GATE_ROW)
        return x - CIRCLE / 2


def _words(over: Sequence[Node]) -> str:
    """What the shortcut does to x."""
    kinds = {node.kind for node in over}
    way = "projected" if "conv" in kinds else "identity with zeros" if "pad" in kinds else "identity"
    stride = max((int(node.attrs.get("stride", 1)) for node in over), default=1)
    return f"x, {way}" + (f", ÷{stride}" if stride > 1 else "")


def _wide(node: Node) -> float:
    """Width of what stands on a bow."""
    if node.kind == "conv":
        return max(44.0, text_width(inside(node), "lane") + 12)
    if node.kind == "drop":
        return pill_width(inside(node))
    return {"norm": 5.0, "activation": 5.0, "multiply": CIRCLE}.get(node.kind, 14.0)


def _stand(drawn: Drawn, over: Sequence[Node], middle: float, height: float) -> None:
    """Boxes, bars, pills and the notch of added zeros, one behind the other with their middle there."""
    x = middle - sum(_wide(node) for node in over) / 2 - 2.0 * (len(over) - 1)
    gate = height == GATE_ROW
    for node in over:
        shape: Shape = "box" if node.kind == "conv" else BARS.get(node.kind, "notch")
        tall = GATE_BOX if gate else 16.0 if shape == "notch" else 26.0
        if node.kind == "drop":
            shape, tall = "pill", GATE_BOX
        mark = Mark(
            node.id, shape, x, height - tall / 2, _wide(node), tall, title(node), detail(node), node.path,
            tone="projection", problem=node.problem is not None,
        )  # fmt: skip
        drawn.marks.append(mark)
        if shape in ("box", "pill"):
            style: Style = "inside" if shape == "box" and not gate else "lane"
            drawn.labels.append(Label(inside(node), mark.centre, height + FONT[style] * 0.36, style, node=node.id))
        x = mark.right + 4
