"""Walks the main path from left to right and gives every node of it its box."""

from __future__ import annotations

import math

from resnet_viz.draw.drawing import FONT, Label, Mark, Shape, Tone, text_width
from resnet_viz.draw.titles import caption, detail, factor, inside, title
from resnet_viz.inspect.graph import Node

BARS: dict[str, Shape] = {"norm": "solid_bar", "activation": "hollow_bar"}
SIGNS: dict[str, Shape] = {"add": "plus", "sum": "plus", "multiply": "times", "concat": "join"}
SHAPES: dict[str, Shape] = {**BARS, **SIGNS, "drop": "pill"}
CIRCLE = 18.0
PILL = 20.0
WIDE: dict[str, float] = {"stage": 60.0, "block": 52.0, "conv": 66.0, "stem": 48.0, "head": 48.0, "pool": 46.0}
MOST_GROUPS = 8
MOST_STEPS = 8.0
ARCS_A_ROW = 40
ARC_PITCH = 3.5
MARGIN = 16.0
LINE_PITCH = 15.0


def map_side(shape: tuple[int, ...]) -> float:
    """Side of the square with as many pixels as the feature map; 1 for a vector."""
    return math.sqrt(shape[1] * shape[2]) if len(shape) == 3 else 1.0


def box_height(node: Node) -> float:
    """Height by feature-map size, one step a halving: strides are seen, and 8 x 8 digits still fit beside 224 x 224.

    Above 256 x 256 boxes grow no more, so that their captions stay clear of the names under the branch.
    """
    steps = min(math.log2(max(map_side(node.shape), 1.0)), MOST_STEPS)
    if node.kind in ("conv", "norm", "activation", "pool"):
        return 56.0 + 10.5 * steps
    if node.kind in ("stage", "block"):
        return 42.0 + 10.5 * steps
    if node.kind == "stem":
        return 42.0 + 8.0 * steps
    return 46.0 if node.kind in ("head", "linear") else 34.0


def shape_of(node: Node) -> Shape:
    """A bar, a circle with its sign or a pill; a box for everything else, and for what brings words of its own."""
    return "box" if "text" in node.attrs else SHAPES.get(node.kind, "box")


def is_sign(node: Node) -> bool:
    """Whether the node is drawn as a circle."""
    return shape_of(node) in SIGNS.values()


def pill_width(text: str) -> float:
    """Width of the pill around a text."""
    return text_width(text, "lane") + 12


def arcs_a_row(count: int) -> int:
    """How many small arcs stand side by side: all of them up to forty, else in as many even rows as it takes."""
    rows = math.ceil(count / ARCS_A_ROW)
    return math.ceil(count / rows) if rows else 0


class Placer:
    """Keeps the right edge of what is placed; :meth:`place` must be called in forward order, main path only.

    ``sources`` are the nodes behind which a shortcut leaves, and ``forks`` gets the x of each. Around the stage
    that is ``opened`` there is room for its frame; with none opened the network is drawn wider. Products in
    ``gated`` are those by which a gate weighs the branch.
    """

    def __init__(
        self, sources: frozenset[str], *, main: float, opened: int, gated: frozenset[str] = frozenset()
    ) -> None:
        self.main = main
        self.gated = gated
        self.opened = opened
        self.gap = 18.0 if opened else 34.0
        self.grow = 0.0 if opened else 24.0
        self.right = MARGIN
        self.labels: list[Label] = []
        self.forks: dict[str, float] = {}
        self._sources = sources
        self._edge = MARGIN - self.gap
        self._text_edge = 0.0
        self._last: Node | None = None
        self._entered = ""

    def advance(self, by: float) -> float:
        """Leave that much room behind what is placed; the x where it ends."""
        self._edge += by
        return self._edge

    def part(self, node: Node, most: float = math.inf) -> float:
        """The x where the main line parts in front of a node, which is not placed yet; at ``most`` so far off."""
        self._enter(node)
        return self.advance(min(self._gap(node), most))

    def place(self, node: Node, least: float = 0.0) -> Mark:
        """Put the node behind the one before it, at ``least`` there, with its texts."""
        text, under = inside(node), caption(node)
        groups = int(node.attrs.get("groups", 1)) if node.kind == "conv" else 1
        if groups > 1:
            text = f"{text} · {groups} groups"
        width = self._width(node, text)
        wide = max((text_width(line, "caption") for line in under), default=0.0)
        self._enter(node)
        beta = float(node.attrs.get("beta", 1)) if node.kind == "add" else 1.0
        if beta != 1:
            told = factor(beta)
            half = text_width(told, "factor") / 2
            self.labels.append(Label(told, self._edge + 9 + half, self.main + 4, "factor", node=node.id))
            self._edge += 2 * half + 8
        x = max(self._edge + self._gap(node), self._text_edge + 7 + wide / 2 - width / 2 if wide else 0.0, least)
        height = CIRCLE if is_sign(node) else PILL if shape_of(node) == "pill" else box_height(node)
        mark = Mark(
            node.id, shape_of(node), x, self.main - height / 2, width,
            height, title(node), detail(node), node.path,
            tone=self._tone(node),
            lanes=min(groups, MOST_GROUPS) if groups > 1 else 0,
            stage=node.stage if node.kind in ("stage", "block") else 0,
            block=node.block if node.kind == "block" else 0,
            problem=node.problem is not None,
        )  # fmt: skip
        self._write(mark, text, under)
        self._edge = mark.right
        if wide:
            self._text_edge = mark.centre + wide / 2
        if node.id in self._sources:
            self.forks[node.id] = self._edge + (16.0 if shape_of(node) == "box" else 10.0)
            self._edge = self.forks[node.id]
        self.right = max(self._edge, self._text_edge) + MARGIN
        self._last = node
        return mark

    def _enter(self, node: Node) -> None:
        """A shortcut into the opened stage leaves inside its frame, not on it."""
        last = self._last
        if last is None or last.id == self._entered:
            return
        if last.id in self._sources and last.stage != node.stage == self.opened:
            self._edge += 20.0
            self.forks[last.id] = self._edge
            self._entered = last.id

    def _tone(self, node: Node) -> Tone:
        if node.kind == "add" or node.id in self.gated:
            return "sign"
        return "filled" if node.kind in ("stage", "block", "conv") else "quiet"

    def _width(self, node: Node, text: str) -> float:
        if is_sign(node):
            return CIRCLE
        if shape_of(node) == "pill":
            return pill_width(text)
        if node.kind in BARS:
            return 5.0
        width = WIDE.get(node.kind, 40.0) + (self.grow if node.kind in ("stage", "block") else self.grow / 2)
        width = max(width, text_width(text, "inside") + 14)
        return max(width, ARC_PITCH * arcs_a_row(len(node.shortcuts)) + 4)

    def _gap(self, node: Node) -> float:
        last = self._last
        if last is None:
            return self.gap
        if last.id in self._sources:
            return 12.0
        if last.stage != node.stage and self.opened in (last.stage, node.stage):
            return 28.0
        if node.kind in BARS:
            return 4.0 if last.kind in ("conv", *BARS) else 9.0
        if {shape_of(node), shape_of(last)} & {*SIGNS.values(), "pill"}:
            return 13.0
        if node.kind == "conv" and (last.kind == "conv" or last.kind in BARS):
            return 14.0
        return self.gap

    def _write(self, mark: Mark, text: str, under: tuple[str, ...]) -> None:
        if text:
            # Lanes leave the lowest fifth of the box to the text.
            y = mark.y + mark.height - 9 if mark.lanes else self.main + FONT["inside"] * 0.36
            pill = mark.shape == "pill"
            self.labels.append(Label(text, mark.centre, y - 0.9 * pill, "lane" if pill else "inside", node=mark.node))
        for i, line in enumerate(under):
            y = mark.y + mark.height + 17 + i * LINE_PITCH
            self.labels.append(Label(line, mark.centre, y, "caption", node=mark.node))
