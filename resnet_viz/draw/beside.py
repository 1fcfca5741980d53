"""What stands beside the main line of an opened block: parallel paths between fork and join, and attention."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from resnet_viz.draw.drawing import FONT, Label, Mark, Wire, text_width
from resnet_viz.draw.gathering import Lanes
from resnet_viz.draw.placing import BARS, Placer
from resnet_viz.draw.titles import detail, in_lane, title
from resnet_viz.inspect.graph import Node

LANE_PITCH, LANE_BOX = 38.0, 26.0
"""Most height of a path's row, and of the boxes on it."""

LANES_TOP, LANES_UNDER_GATE, LANES_BOTTOM = 98.0, 114.0, 284.0
"""Between which heights the paths lie; they begin lower where a gate's row is above them."""

ATTENTION_UP = 50.0
"""Height of the attention's box above the main line."""

BAR = 5.0


def place_lanes(
    placer: Placer, lanes: Lanes, join: Node, *, top: float
) -> tuple[list[Mark], list[Wire], tuple[float, float]]:
    """The paths one under the other, then the circle that joins them.

    The marks (the join's is the last), the wires, and from where to where the paths take the main line's place.
    """
    fork = placer.part(lanes[0][0]) + 4
    cells = [_cells(lane) for lane in lanes]
    rows = _rows(len(lanes), top, placer.main)
    height = min(LANE_BOX, (rows[1] - rows[0] if len(rows) > 1 else LANE_PITCH) - 5)
    marks: list[Mark] = []
    x = fork + 12
    for column in zip_longest(*cells):
        ends = [x]
        for cell, y in zip(column, rows, strict=True):
            placed, words = _cell(cell or (), x, y, height)
            marks += placed
            placer.labels += words
            ends += [placed[-1].right] if placed else []
        x = max(ends) + 12
    end = x + 2
    placer.advance(end - fork + 4)
    marks.append(placer.place(join))
    main = placer.main
    wires = [
        Wire("lane", join.id, ((fork, main), (fork, y), (end, y), (end, main)) if y != main else ((fork, y), (end, y)))
        for y in rows
    ]
    return marks, wires, (fork, end)


def _rows(count: int, top: float, main: float) -> list[float]:
    """Heights of the rows, around the main line where there is room on both sides."""
    pitch = min(LANE_PITCH, (LANES_BOTTOM - top) / count)
    half = pitch * count / 2
    middle = max(min(main, LANES_BOTTOM - half), top + half)
    return [middle - half + pitch * (i + 0.5) for i in range(count)]


def _cells(lane: Sequence[Node]) -> list[tuple[Node, ...]]:
    """A path cut in front of each box, so that boxes of all paths stand in columns."""
    cells: list[list[Node]] = []
    for node in lane:
        if node.kind in BARS and cells:
            cells[-1].append(node)
        else:
            cells.append([node])
    return [tuple(cell) for cell in cells]


def _cell(cell: Sequence[Node], x: float, y: float, height: float) -> tuple[list[Mark], list[Label]]:
    marks: list[Mark] = []
    labels: list[Label] = []
    for node in cell:
        text = in_lane(node)
        bar = BARS.get(node.kind)
        filled = node.kind == "conv" and "folded" not in node.attrs
        width = BAR if bar else text_width(text, "lane") + 12
        marks.append(
            Mark(
                node.id, bar or "box", x, y - height / 2, width, height, title(node), detail(node), node.path,
                tone="filled" if filled else "quiet", problem=node.problem is not None,
            )
        )  # fmt: skip
        if not bar:
            labels.append(Label(text, x + width / 2, y + FONT["lane"] * 0.36, "lane", node=node.id))
        x += width + 4
    return marks, labels


def place_attention(placer: Placer, attention: Node, product: Node) -> tuple[Mark, Mark, Wire]:
    """A box on a small bow of its own, and the circle where it weighs the main line: both marks, and the bow."""
    fork = placer.part(product, 9.0)
    width = 34.0
    circle = placer.place(product, fork + width + 6)
    x, y = (fork + circle.centre - width) / 2, placer.main - ATTENTION_UP
    text = in_lane(attention)
    box = Mark(attention.id, "box", x, y - 10, width, 20.0, title(attention), detail(attention), attention.path,
               tone="quiet")  # fmt: skip
    placer.labels.append(Label(text, box.centre, y + FONT["lane"] * 0.36, "lane", node=attention.id))
    points = ((fork, placer.main), (fork, y), (circle.centre, y), (circle.centre, circle.y))
    return box, circle, Wire("attention", attention.id, points)
