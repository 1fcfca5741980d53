"""Places for every node, shortcut and text of a network's graph; deterministic, so an edit moves only what changed.

Residual networks are series-parallel: the main path is one straight line, left to right, and every shortcut is a
bow above it; parallel paths lie one under the other between fork and join, attention on a bow of its own. The width
of a box depends on its own content alone, its height on its feature-map size alone, so nothing left of an edit moves,
and nothing right of it unless a width had to change. Texts never overlap: a box whose caption would touch the one
before it stands further to the right.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from itertools import pairwise

from resnet_viz.draw.beside import LANES_TOP, LANES_UNDER_GATE, place_attention, place_lanes
from resnet_viz.draw.bows import Bows, Drawn, small_arcs
from resnet_viz.draw.drawing import Arc, Frame, Label, Layout, Line, Mark, Wire, text_width
from resnet_viz.draw.gathering import Lanes, gather, lanes_of
from resnet_viz.draw.placing import Placer
from resnet_viz.draw.titles import is_gate, sum_text
from resnet_viz.inspect.graph import Graph, Node

HEIGHT = 356.0
MAIN = 188.0
"""Height of the whole picture and of the main path: the same for every network, so that nothing jumps."""

FRAME_TOP, FRAME_BOTTOM = 14.0, 346.0
BRANCH_ROW = 304.0
PROBLEM_ROW = 341.0
KEY_ROW = 336.0


def layout(graph: Graph, *, stage: int = 0, block: int = 0) -> Layout:
    """The drawing of a graph at any level of detail.

    ``stage`` (from 1) is framed, and ``block`` of it has x, F(x) and their sum named; 0 or unknown: not named.
    """
    graph = gather(graph)
    bows = Bows(graph)
    placer = Placer(bows.sources(), main=MAIN, opened=stage, gated=bows.gated)
    whole = _Whole(placer, bows)
    whole.main_path(graph)
    for node in whole.main:
        if node.kind == "add":
            named = (node.stage, node.block) == (stage, block)
            whole.take(bows.bow(node, whole.marks, placer.forks, main=MAIN, named=named))
        elif node.shortcuts:
            whole.arcs += small_arcs(whole.marks[node.id], node.shortcuts)
    marks = whole.marks
    opened = [node for node in graph.nodes if stage and block and (node.stage, node.block) == (stage, block)]
    frame, name = _frame(graph, whole, stage)
    labels = whole.labels + placer.labels + name + _names(bows, opened, marks, placer.forks)
    labels += _problem(graph, marks, placer.right) or _key(frame, opened)
    return Layout(
        max([placer.right, *(label.extent[2] + 8 for label in labels)]),
        HEIGHT,
        tuple(marks[node.id] for node in graph.nodes if node.id in marks),
        _lines([marks[node.id] for node in whole.main], whole.spans),
        tuple(whole.arcs),
        tuple(labels),
        frame,
        tuple(whole.wires),
    )


class _Whole:
    """Collects the picture while the main path is walked."""

    def __init__(self, placer: Placer, bows: Bows) -> None:
        self.placer, self.bows = placer, bows
        self.main: list[Node] = []
        self.marks: dict[str, Mark] = {}
        self.arcs: list[Arc] = []
        self.wires: list[Wire] = []
        self.labels: list[Label] = []
        self.spans: list[tuple[float, float]] = []

    def main_path(self, graph: Graph) -> None:
        """Place every node that is not on a shortcut, in forward order."""
        paths = lanes_of(graph.nodes)
        in_lanes = {node.id for lanes in paths.values() for lane in lanes for node in lane}
        gates = {(node.stage, node.block) for node in graph.nodes if node.id in self.bows.side and is_gate(node)}
        attention: Node | None = None
        for node in graph.nodes:
            if node.id in self.bows.side or node.id in in_lanes:
                continue
            if node.attrs.get("folded") == "attention":
                attention = node
                continue
            self.main.append(node)
            if paths.get(node.id):
                top = LANES_UNDER_GATE if (node.stage, node.block) in gates else LANES_TOP
                self._lanes(paths[node.id], node, top)
            elif attention is not None:
                box, circle, wire = place_attention(self.placer, attention, node)
                self.marks |= {box.node: box, circle.node: circle}
                self.wires.append(wire)
                attention = None
            else:
                least = self.bows.room(node, self.placer.forks) if node.kind == "add" else 0.0
                self.marks[node.id] = self.placer.place(node, least)

    def _lanes(self, lanes: Lanes, join: Node, top: float) -> None:
        marks, wires, span = place_lanes(self.placer, lanes, join, top=top)
        self.marks |= {mark.node: mark for mark in marks}
        self.wires += wires
        self.spans.append(span)

    def take(self, drawn: Drawn) -> None:
        """Add a bow with all that stands on it."""
        self.arcs += drawn.arcs
        self.marks |= {mark.node: mark for mark in drawn.marks}
        self.labels += drawn.labels
        self.wires += drawn.wires


def _lines(marks: list[Mark], spans: Sequence[tuple[float, float]]) -> tuple[Line, ...]:
    """One straight line from the first node to the last, but where parallel paths take its place.

    Behind a block that cannot be built it is another one.
    """
    if len(marks) < 2:
        return ()
    broken = next((mark.centre for mark in marks if mark.problem), math.inf)
    cuts = sorted(
        {marks[0].centre, *(x for span in spans for x in span), marks[-1].centre, min(broken, marks[-1].centre)}
    )
    pieces = [(a, b) for a, b in pairwise(cuts) if not any(a >= left and b <= right for left, right in spans)]
    return tuple(Line(a, b, MAIN, reached=b <= broken) for a, b in pieces)


def _frame(graph: Graph, whole: _Whole, stage: int) -> tuple[Frame | None, list[Label]]:
    """The frame around an opened stage; a stage that is one box needs none."""
    marks = whole.marks
    nodes = [node for node in graph.nodes if stage and node.stage == stage and node.id in marks]
    if not nodes or nodes[0].kind == "stage":
        return None, []
    inside = {node.id for node in nodes}
    starts = [arc.x0 for arc in whole.arcs if arc.node in inside]
    starts += [wire.points[0][0] for wire in whole.wires if wire.node in inside]
    left = min([marks[node.id].x for node in nodes] + starts) - 14
    right = max(marks[node.id].right for node in nodes) + 14
    folded = {node.block: int(node.attrs.get("blocks", 1)) for node in nodes}
    count = sum(folded.values())
    words = str(nodes[0].attrs.get("frame") or f"stage {stage} · {count} block{'s' * (count > 1)}")
    own = [node.block for node in nodes if node.kind != "block" and node.attrs.get("own")]
    words += f" · block {own[0]} differs" if own else ""
    name = Label(words, left + 10, FRAME_TOP + 17, "frame", "start")
    return Frame(left, FRAME_TOP, right - left, FRAME_BOTTOM - FRAME_TOP), [name]


def _names(bows: Bows, opened: list[Node], marks: Mapping[str, Mark], forks: Mapping[str, float]) -> list[Label]:
    """x where the paths part, F(x) under the branch, their sum under the circle: at the opened block only."""
    side = bows.side
    branch = [m for node in opened if node.kind == "conv" and node.id not in side and (m := marks.get(node.id))]
    if not branch:
        return []
    left, right = min(mark.x for mark in branch), max(mark.right for mark in branch)
    found = [Label("F(x)", (left + right) / 2, BRANCH_ROW, "name")]
    add = next((node for node in opened if node.kind == "add"), None)
    walk = bows.trace_back(add.id)[0] if add is not None else []
    if add is not None and walk and walk[-1] in forks:
        found.append(Label("x", forks[walk[-1]], BRANCH_ROW, "name"))
        transformed = any(node.id in bows.gated for node in opened)
        text = sum_text(add, transformed=transformed, carried=bows.is_carried(add.id))
        clear = found[0].extent[2] + 12 + text_width(text, "name") / 2
        found.append(Label(text, max(marks[add.id].centre, clear), BRANCH_ROW, "name", node=add.id))
    return found


def _key(frame: Frame | None, opened: list[Node]) -> list[Label]:
    """What the thin bars of an opened block are, inside its frame."""
    words = {"norm": "solid bar: norm", "activation": "open bar: activation"}
    told = " · ".join(text for kind, text in words.items() if any(node.kind == kind for node in opened))
    return [Label(told, frame.x + 12, KEY_ROW, "caption", "start")] if frame is not None and told else []


def _problem(graph: Graph, marks: Mapping[str, Mark], right: float) -> list[Label]:
    """The sentence of the first failing node, in lines under it, inside the picture."""
    failing = next((node for node in graph.nodes if node.problem and node.id in marks), None)
    if failing is None or failing.problem is None:
        return []
    # Two lines at most: above them stand x, F(x) and their sum.
    lines = textwrap.wrap(failing.problem, max(64, len(failing.problem) // 2 + 14))
    half = max(text_width(line, "problem") for line in lines) / 2 + 4
    x = max(min(marks[failing.id].centre, right - half), half)
    return [
        Label(line, x, PROBLEM_ROW - 17.0 * (len(lines) - 1 - i), "problem", node=failing.id)
        for i, line in enumerate(lines)
    ]
