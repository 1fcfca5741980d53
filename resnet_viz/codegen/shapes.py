"""What the text of a block class is written from: its layers by name, and their sizes as source."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..spec.orders import ORDERS, Steps, behind
from .kinds import BlockClass


@dataclass(frozen=True)
class Conv:
    """A convolution whose sizes are source: argument names or numbers."""

    channels: str
    out: str
    kernel: int
    stride: str = "1"
    groups: str = "1"


@dataclass
class Shape:
    """Names of the layers at the entry, in the branch, after the addition, and in each of parallel paths.

    ``convs`` by level; ``norms`` and ``lane_norms`` are the channels of a level's norm outside and inside the paths.
    """

    entry: Steps
    branch: Steps
    after: Steps
    lane: Steps = ()
    convs: dict[int, Conv] = field(default_factory=dict)
    norms: dict[int, str] = field(default_factory=dict)
    lane_norms: dict[int, str] = field(default_factory=dict)


def out_channels(made: BlockClass) -> str:
    """Source of the channels that a block gives: a basic block mostly gives its width."""
    same = all(use.block.out_width == use.block.inner_width for use in made.uses)
    return "width" if made.block.branch == "basic" and same else "out_channels"


def shape_of(made: BlockClass) -> Shape:
    """The layers of a class."""
    block, out = made.block, out_channels(made)
    convs = {} if block.branch == "paths" else dict(enumerate(_convs(made, out), 1))
    entry, branch, after = ORDERS[block.order](block.depth)
    shape = Shape(entry, branch, after, convs=convs)
    before = block.order == "preactivation"
    own = {level: conv.channels if before else conv.out for level, conv in convs.items()}
    if block.branch == "paths":
        _cut(shape, block.depth, "concatenate")
        shape.norms = {1: "in_channels"} if before else {block.depth: out}
    elif block.form == "grouped":
        shape.norms = own
    else:
        joined = block.form == "split_concatenate"
        _cut(shape, 2 if joined else 3, "concatenate" if joined else "sum")
        shape.lane_norms = own | ({3: convs[2].out} if joined else {})
        shape.norms = {1: "in_channels"} if before else {3: out}
    if block.norm == "none":
        shape.entry, shape.branch, shape.after, shape.lane = (
            tuple(name for name in names if not name.startswith("bn"))
            for names in (shape.entry, shape.branch, shape.after, shape.lane)
        )
    return shape


def _cut(shape: Shape, level: int, join: str) -> None:
    """Give the layers up to the join to the paths."""
    outside = behind(shape.branch, level, join)
    shape.lane = shape.branch[: len(shape.branch) - len(outside)]
    shape.branch = ("paths", *outside)


def _convs(made: BlockClass, out: str) -> tuple[Conv, ...]:
    block = made.block
    stride, groups = "stride" if made.strided else "1", made.number("cardinality")
    if block.branch == "basic":
        return Conv("in_channels", "width", 3, stride, groups), Conv("width", out, 3, "1", groups)
    first, middle = (stride, "1") if made.stride_on == "1x1" else ("1", stride)
    if block.form == "grouped":
        return (
            Conv("in_channels", "width", 1, first),
            Conv("width", "width", 3, middle, groups),
            Conv("width", out, 1),
        )
    last = Conv("width", out, 1)
    return Conv("in_channels", "width", 1, first), Conv("width", "width", 3, middle), last
