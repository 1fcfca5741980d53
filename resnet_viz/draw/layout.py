"""Places for every node, shortcut and text of a network's graph; deterministic, so an edit moves only what changed.

Residual networks are series-parallel: the main path is one straight line, left to right, and every shortcut is a
bow above it. The width of a box depends on its own content alone, its height on its feature-map size alone, so
nothing left of an edit moves, and nothing right of it unless a width had to change. Texts never overlap: a box
whose caption would touch the one before it stands further to the right.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from resnet_viz.draw.bows import Bows, small_arcs
from resnet_viz.draw.drawing import Arc, Frame, Label, Layout, Line, Mark, text_width
from resnet_viz.draw.placing import Placer
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
    bows = Bows(graph)
    placer = Placer(bows.sources(), main=MAIN, opened=stage)
    main = [node for node in graph.nodes if node.id not in bows.side]
    marks = {node.id: placer.place(node) for node in main}
    labels, arcs = list(placer.labels), list[Arc]()
    for node in main:
        if node.kind == "add":
            named = (node.stage, node.block) == (stage, block)
            arc, on_top, words = bows.bow(node, marks, placer.forks, main=MAIN, named=named)
            arcs += arc
            marks.update({mark.node: mark for mark in on_top})
            labels += words
        elif node.shortcuts:
            arcs += small_arcs(marks[node.id], node.shortcuts)
    opened = [node for node in main if stage and block and (node.stage, node.block) == (stage, block)]
    frame, name = _frame(graph, marks, arcs, stage)
    labels += name + _names(bows, opened, marks, placer.forks)
    labels += _problem(graph, marks, placer.right) or _key(frame, opened)
    return Layout(
        placer.right,
        HEIGHT,
        tuple(marks[node.id] for node in graph.nodes if node.id in marks),
        _main_path([marks[node.id] for node in main]),
        tuple(arcs),
        tuple(labels),
        frame,
    )


def _main_path(marks: list[Mark]) -> tuple[Line, ...]:
    """One straight line from the first node to the last; another one behind a block that cannot be built."""
    if len(marks) < 2:
        return ()
    broken = next((mark for mark in marks if mark.problem), None)
    if broken is None:
        return (Line(marks[0].centre, marks[-1].centre, MAIN),)
    return (Line(marks[0].centre, broken.centre, MAIN), Line(broken.centre, marks[-1].centre, MAIN, reached=False))


def _frame(graph: Graph, marks: Mapping[str, Mark], arcs: list[Arc], stage: int) -> tuple[Frame | None, list[Label]]:
    """The frame around an opened stage; a stage that is one box needs none."""
    nodes = [node for node in graph.nodes if stage and node.stage == stage and node.id in marks]
    if not nodes or nodes[0].kind == "stage":
        return None, []
    inside = {node.id for node in nodes}
    starts = [arc.x0 for arc in arcs if arc.node in inside]
    left = min([marks[node.id].x for node in nodes] + starts) - 14
    right = max(marks[node.id].right for node in nodes) + 14
    folded = {node.block: int(node.attrs.get("blocks", 1)) for node in nodes}
    count = sum(folded.values())
    words = str(nodes[0].attrs.get("frame") or f"stage {stage} · {count} block{'s' * (count > 1)}")
    name = Label(words, left + 10, FRAME_TOP + 17, "frame", "start")
    return Frame(left, FRAME_TOP, right - left, FRAME_BOTTOM - FRAME_TOP), [name]


def _names(bows: Bows, opened: list[Node], marks: Mapping[str, Mark], forks: Mapping[str, float]) -> list[Label]:
    """x where the paths part, F(x) under the branch, their sum under the circle: at the opened block only."""
    branch = [marks[node.id] for node in opened if node.kind == "conv"]
    if not branch:
        return []
    found = [Label("F(x)", (branch[0].x + branch[-1].right) / 2, BRANCH_ROW, "name")]
    add = next((node for node in opened if node.kind == "add"), None)
    walk = bows.trace_back(add.id)[0] if add is not None else []
    if add is not None and walk and walk[-1] in forks:
        found.append(Label("x", forks[walk[-1]], BRANCH_ROW, "name"))
        found.append(Label("F(x) + x", marks[add.id].centre, BRANCH_ROW, "name", node=add.id))
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
