"""A foreign module as a graph that :mod:`resnet_viz.draw.layout` draws: parts folded into boxes, one of them opened.

The layout draws one straight main path and bows into additions. What is not like that (parallel paths that join in
another way, connections that skip boxes) is one box from the fork to the join, and no shortcut gets lost: those that
are not drawn as a bow stand as small arcs on the box that has their addition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from resnet_viz.draw.wording import cut_middle
from resnet_viz.draw.zoom import UNFOLDED, fold
from resnet_viz.inspect.foreign import INPUT, Foreign, Shortcut, Step
from resnet_viz.inspect.graph import Detail, Edge, Graph, Node, ShortcutKind

Key = tuple[int, int, str]
"""(stage, block, step): 0 and "" for what is folded away."""


def boxes(model: Foreign, *, stage: int = 0, block: int = 0) -> Graph:
    """The module with ``stage`` opened into its blocks and steps, and ``block`` of it into its steps (both from 1)."""
    keys = _keys(model, stage, block)
    made = _Boxes(model, keys, stage)
    items = _joined(made)
    if stage and not block:
        items = _run_folded(items, stage)
    nodes = [*items] if stage else [Node("input", "input", "input", "", shape=model.shape), *items]
    chain = [Edge(a.id, b.id) for a, b in pairwise(nodes)]
    bows, side = made.bows({node.id for node in nodes})
    detail: Detail = "stage" if not stage else "op" if block else "block"
    return Graph(detail, tuple(_ordered(nodes, side, made)), (*chain, *bows))


def _keys(model: Foreign, stage: int, block: int) -> dict[str, Key]:
    """To which box each step belongs."""

    def key(step: Step) -> Key:
        if not step.stage or (step.stage == stage and (not step.block or step.block == block)):
            return (step.stage, step.block, step.id)
        return (step.stage, step.block if step.stage == stage else 0, "")

    return {step.id: key(step) for step in model.steps}


def _name(key: Key) -> str:
    stage, block, step = key
    return step or (f"part {stage}.{block}" if block else f"part {stage}")


class _Boxes:
    """The nodes of one view, before what is not a chain is joined."""

    def __init__(self, model: Foreign, keys: dict[str, Key], stage: int) -> None:
        self.model = model
        self.stage = stage
        self.box_of = {INPUT: INPUT, **{step: _name(key) for step, key in keys.items()}}
        self.inside: dict[str, list[Step]] = {}
        for step in model.steps:
            self.inside.setdefault(self.box_of[step.id], []).append(step)
        self.visible = {step.id for step in model.steps if keys[step.id][2]}
        self.steps = {step.id: step for step in model.steps}
        self.drawn = [shortcut for shortcut in model.shortcuts if self._stands_apart(shortcut)]
        self.side = {self.box_of[name] for shortcut in self.drawn for name in shortcut.side}
        self.arcs: dict[str, list[ShortcutKind]] = {}
        for shortcut in model.shortcuts:
            if shortcut not in self.drawn:
                hidden = shortcut.side[-1] if shortcut.add in self.visible else shortcut.add
                self.arcs.setdefault(self.box_of[hidden], []).append(shortcut.kind)
        self.nodes = {name: self._node(name, steps) for name, steps in self.inside.items()}

    def _stands_apart(self, shortcut: Shortcut) -> bool:
        """Whether its addition is shown and no box holds both steps of the shortcut and others."""
        own = set(shortcut.side)
        return shortcut.add in self.visible and all(
            self.box_of[name] == name or own.issuperset(step.id for step in self.inside[self.box_of[name]])
            for name in shortcut.side
        )

    def main(self) -> list[str]:
        """The boxes in forward order, without what stands on a bow."""
        return [name for name in self.inside if name not in self.side]

    def edges(self) -> set[tuple[str, str]]:
        """Between boxes of the main path, without the shortcuts that are drawn as bows."""
        last = {shortcut.add: (shortcut.side[-1] if shortcut.side else shortcut.fork) for shortcut in self.drawn}
        found: set[tuple[str, str]] = set()
        for step in self.model.steps:
            if self.box_of[step.id] in self.side:
                continue
            for source in step.inputs:
                pair = (self.box_of[source], self.box_of[step.id])
                if pair[0] != pair[1] and last.get(step.id) != source:
                    found.add(pair)
        return found

    def bows(self, shown: set[str]) -> tuple[list[Edge], list[Node]]:
        """Edges and side nodes of the shortcuts whose addition is still shown."""
        edges: list[Edge] = []
        side: list[Node] = []
        for shortcut in self.drawn:
            fork = self.box_of[shortcut.fork]
            if shortcut.add in shown and fork in shown:
                way = [fork, *shortcut.side, shortcut.add]
                edges += [Edge(a, b, shortcut.kind) for a, b in pairwise(way)]
                side += [self.step_node(self.steps[name]) for name in shortcut.side]
        return edges, side

    def step_node(self, step: Step) -> Node:
        """A step as a node of its own."""
        return Node(
            step.id, step.kind, step.label, step.path or step.id, step.stage, step.block, step.shape, step.params,
            step.macs, attrs=self._words(step),
        )  # fmt: skip

    def _node(self, name: str, steps: list[Step]) -> Node:
        if name in self.visible:
            return self.step_node(steps[0])
        first = steps[0]
        arcs = tuple(self.arcs.get(name, ()))
        totals = (steps[-1].shape, sum(step.params for step in steps), sum(step.macs for step in steps), arcs)
        part = self.model.parts[first.stage - 1]
        stride = max((int(step.attrs.get("stride", 1)) for step in steps), default=1)
        if first.stage == self.stage:
            path = _common([step.path or step.owner for step in steps])
            words: dict[str, int | float | str] = {"stride": stride, "frame": _tail(part.path)}
            return Node(name, "block", path, path, first.stage, first.block, *totals, words)
        text = f"×{part.blocks}" if part.blocks > 1 and part.equal else f"{len(steps)} steps"
        attrs: dict[str, int | float | str] = {
            "text": text, "caption": _tail(part.path), "blocks": part.blocks,
            "title": f"{part.path}, {part.name}, {len(steps)} steps in {part.blocks or 'no'} blocks",
        }  # fmt: skip
        return Node(name, "stage", part.path, part.path, first.stage, 0, *totals, attrs)

    def _words(self, step: Step) -> dict[str, int | float | str]:
        """What stands in the frame and, for steps that the graph has no sign for, in the box."""
        words = dict(step.attrs)
        if step.stage:
            words["frame"] = _tail(self.model.parts[step.stage - 1].path)
        if step.kind in ("other", "concat", "multiply", "drop", "sum", "pad"):
            words |= {"text": _short(step), "title": step.label}
        return words


def _short(step: Step) -> str:
    words = {"concat": "concat", "multiply": "×", "drop": "drop", "pad": "pad", "sum": "sum"}
    return words.get(step.kind) or cut_middle(step.label, 14)


def _tail(path: str) -> str:
    """The last name of a path, with the one before it where it is only a number."""
    names = path.split(".")
    return cut_middle(".".join(names[-2:] if names[-1].isdigit() else names[-1:]), 12)


def _common(paths: Sequence[str]) -> str:
    """The deepest path that all of them lie in."""
    split = [path.split(".") for path in paths]
    same: list[str] = []
    for names in zip(*split, strict=False):
        if len(set(names)) > 1:
            break
        same.append(names[0])
    return ".".join(same)


def _joined(made: _Boxes) -> list[Node]:
    """The main path as a chain: what an edge jumps over becomes one box with what stands beside it."""
    main = made.main()
    at = {INPUT: -1, **{name: i for i, name in enumerate(main)}}
    jumped = [False] * len(main)
    for source, target in made.edges():
        for i in range(at[source] + 1, at[target]):
            jumped[i] = True
    found: list[Node] = []
    run: list[str] = []
    for i, name in enumerate(main):
        if jumped[i]:
            run.append(name)
        if run and (not jumped[i] or i == len(main) - 1):
            found.append(_region(made, run))
            run = []
        if not jumped[i]:
            found.append(made.nodes[name])
    return _with_cut_off(made, found)


def _with_cut_off(made: _Boxes, items: list[Node]) -> list[Node]:
    """A shortcut whose fork went into a box stays, as an arc on the last box in front of its addition."""
    shown = {INPUT, *(node.id for node in items)}
    for shortcut in made.drawn:
        if shortcut.add in shown and made.box_of[shortcut.fork] not in shown:
            at = next(i for i, node in enumerate(items) if node.id == shortcut.add)
            at = next(i for i in range(at - 1, -1, -1) if items[i].kind in ("stage", "block", "other"))
            items[at] = replace(items[at], shortcuts=(*items[at].shortcuts, shortcut.kind))
    return items


def _region(made: _Boxes, names: list[str]) -> Node:
    """One box for parallel paths, or for boxes that a connection skips."""
    inside = set(names)
    nodes = [made.nodes[name] for name in names]
    steps = [step for name in names for step in made.inside[name]]
    adds = {shortcut.add: shortcut for shortcut in made.drawn if shortcut.add in inside}
    beside = [made.steps[name] for shortcut in adds.values() for name in shortcut.side]
    kinds = [kind for node in nodes for kind in node.shortcuts]
    kinds += [shortcut.kind for shortcut in adds.values()]
    path = _common([step.path or step.owner for step in steps])
    ways = sum(1 for source, target in made.edges() if target in inside and source not in inside)
    words = f"{max(ways, 2)} ways"
    stages = {node.stage for node in nodes}
    return Node(
        names[0], "other", words, path or f"{nodes[0].path} … {nodes[-1].path}",
        stages.pop() if len(stages) == 1 else 0, 0, nodes[-1].shape,
        sum(n.params for n in nodes) + sum(s.params for s in beside),
        sum(n.macs for n in nodes) + sum(s.macs for s in beside), tuple(kinds),
        {
            "text": words, "caption": _tail(path) if path else f"{len(steps)} steps",
            "title": f"{len(steps)} steps on parallel ways" + (f" in {path}" if path else ""),
            **({"frame": _tail(made.model.parts[nodes[0].stage - 1].path)} if nodes[0].stage else {}),
        },
    )  # fmt: skip


def _run_folded(items: list[Node], stage: int) -> list[Node]:
    """Runs of equal blocks of an opened stage as one box each, when there are many."""
    if sum(node.stage == stage and node.kind == "block" for node in items) <= UNFOLDED:
        return items
    return list(fold(items))


def _ordered(nodes: list[Node], side: list[Node], made: _Boxes) -> list[Node]:
    """Nodes in forward order, those on a bow among them."""
    order = {name: i for i, name in enumerate(made.steps)}
    order |= {name: order[steps[0].id] for name, steps in made.inside.items()}
    return sorted((*nodes, *side), key=lambda node: order.get(node.id.removesuffix("+"), -1))
