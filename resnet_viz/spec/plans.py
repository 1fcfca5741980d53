"""The convolutions of a block's main path as plain data, one small function for each branch and each form.

To add a branch: write a function from (block, channels, stride) to its plan and put it into :data:`BRANCHES` under
the name that :class:`~resnet_viz.spec.block.Block` has for it. ``resnet_viz.nn`` builds any plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from .block import Block, Branch, Form, LanePool
from .network import Network
from .shapes import block_shapes, halve

GROUPS = 32
"""Groups of group norm, or as many as divide both 32 and the channels (Wu and He 2018, Table 3)."""


@dataclass(frozen=True)
class Convolution:
    """A same-padded square convolution: [N, in_channels, H, W] -> [N, out_channels, ceil(H/stride), ceil(W/stride)]."""

    in_channels: int
    out_channels: int
    kernel: int
    stride: int = 1
    groups: int = 1


@dataclass(frozen=True)
class Path:
    """One of several parallel paths: a 3x3 pool or none, which then carries the stride, and convolutions."""

    convs: tuple[Convolution, ...]
    pool: LanePool = "none"
    pool_stride: int = 1


@dataclass(frozen=True)
class Parallel:
    """Parallel paths and how their outputs are joined: one after the other along the channels, or added."""

    paths: tuple[Path, ...]
    join: Literal["concatenate", "sum"]

    @property
    def depth(self) -> int:
        """Convolutions of the longest path."""
        return max(len(path.convs) for path in self.paths)


Plan = tuple[Convolution, ...] | tuple[Parallel, *tuple[Convolution, ...]]
"""What a branch consists of: convolutions in a row, or parallel paths and the convolutions behind them."""


def basic(block: Block, channels: int, stride: int) -> Plan:
    """3x3, 3x3; the first carries the stride (He 2016a, Fig. 5 left). Both are cut into ``cardinality`` groups."""
    inner, groups = block.inner_width, block.cardinality
    return (
        Convolution(channels, inner, 3, stride, groups),
        Convolution(inner, block.out_width, 3, 1, groups),
    )


def bottleneck(block: Block, channels: int, stride: int) -> Plan:
    """1x1, 3x3, 1x1 (He 2016a, Fig. 5 right), in one of three equal forms (Xie 2017, Fig. 3).

    The paper puts the stride on the first 1x1 (``stride_on`` "1x1"), torchvision on the 3x3.
    """
    first, middle = (stride, 1) if block.stride_on == "1x1" else (1, stride)
    return FORMS[block.form](block, channels, first, middle)


def parallel_paths(block: Block, channels: int, stride: int) -> Plan:
    """Paths beside each other, concatenated (Szegedy 2015, Fig. 2b); the first layer of each carries the stride."""
    found = []
    for lane in block.lanes:
        wide, by, convs = channels, 1 if lane.pool != "none" else stride, []
        for conv in lane.convs:
            convs.append(Convolution(wide, conv.width, conv.kernel, by))
            wide, by = conv.width, 1
        found.append(Path(tuple(convs), lane.pool, stride))
    return (Parallel(tuple(found), "concatenate"),)


def grouped(block: Block, channels: int, first: int, middle: int) -> Plan:
    """The 3x3 as one grouped convolution (Xie 2017, Fig. 3c)."""
    inner = block.inner_width
    return (
        Convolution(channels, inner, 1, first),
        Convolution(inner, inner, 3, middle, block.cardinality),
        Convolution(inner, block.out_width, 1),
    )


def _split(block: Block, channels: int, first: int, middle: int) -> tuple[Convolution, Convolution]:
    part = block.group_width
    return Convolution(channels, part, 1, first), Convolution(part, part, 3, middle)


def split_concatenate(block: Block, channels: int, first: int, middle: int) -> Plan:
    """``cardinality`` paths of 1x1, 3x3, concatenated before one 1x1 (Xie 2017, Fig. 3b)."""
    path = Path(_split(block, channels, first, middle))
    return (
        Parallel((path,) * block.cardinality, "concatenate"),
        Convolution(block.inner_width, block.out_width, 1),
    )


def split_sum(block: Block, channels: int, first: int, middle: int) -> Plan:
    """``cardinality`` paths of 1x1, 3x3, 1x1, added, then normed (Xie 2017, Fig. 3a, Sect. 4)."""
    path = Path((*_split(block, channels, first, middle), Convolution(block.group_width, block.out_width, 1)))
    return (Parallel((path,) * block.cardinality, "sum"),)


FORMS: dict[Form, Callable[[Block, int, int, int], Plan]] = {
    "grouped": grouped,
    "split_concatenate": split_concatenate,
    "split_sum": split_sum,
}
"""From (block, channels that enter, stride of the first 1x1, stride of the 3x3) to the plan of a bottleneck."""

BRANCHES: dict[Branch, Callable[[Block, int, int], Plan]] = {
    "basic": basic,
    "bottleneck": bottleneck,
    "paths": parallel_paths,
}
"""From (block, channels that enter, stride) to the convolutions in forward order."""


def plan_of(block: Block, channels: int, stride: int) -> Plan:
    """The plan of a block when ``channels`` enter it."""
    return BRANCHES[block.branch](block, channels, stride)


def named(plan: Plan) -> Iterator[tuple[str, Convolution]]:
    """Each convolution with its path inside the block ("conv1", "paths.0.conv1"), in forward order."""
    level = 1
    for part in plan:
        if isinstance(part, Convolution):
            yield f"conv{level}", part
            level += 1
            continue
        for i, path in enumerate(part.paths):
            for j, conv in enumerate(path.convs, level):
                yield f"paths.{i}.conv{j}", conv
        level += part.depth


def squeeze_width(channels: int) -> int:
    """Channels inside squeeze-excitation: a sixteenth (Hu 2018, Sect. 6.4), at least four."""
    return max(channels // 16, 4)


def projects(block: Block, channels: int, stride: int) -> bool:
    """Whether the block's shortcut has a 1x1 convolution when ``channels`` enter it."""
    changes = stride != 1 or channels != block.out_width
    return block.merge != "none" and (block.shortcut == "C" or (block.shortcut == "B" and changes))


def normed(block: Block, enters: tuple[int, int, int], stride: int) -> Iterator[tuple[int, int, int]]:
    """(channels, height, width) of what each norm of a block takes when ``enters`` enters it.

    The norm of the head behind a pre-activated block is not among them.
    """
    if block.norm == "none":
        return
    plan, size = plan_of(block, enters[0], stride), enters[1:]
    first, joined = block.order == "preactivation", isinstance(plan[0], Parallel)
    for part in plan:
        after = size
        for path in part.paths if isinstance(part, Parallel) else (Path((part,)),):
            before = size
            for conv in path.convs:
                by = conv.stride * (path.pool_stride if path.pool != "none" and conv is path.convs[0] else 1)
                after = halve(before[0], by), halve(before[1], by)
                if not first:
                    late = block.order == "bn_after_addition" and part is plan[-1] and conv is path.convs[-1]
                    yield block.out_width if late else conv.out_channels, *after
                elif part is plan[0] or not joined:
                    yield conv.in_channels, *before
                before = after
            if first and isinstance(part, Parallel) and len(plan) > 1:  # in the paths, in front of what follows them
                yield path.convs[-1].out_channels, *after
        size = after
    if projects(block, enters[0], stride) and block.norm_on_projection:
        yield block.out_width, *size


def weight_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Weight shape of each convolution [out, in / groups, k, k] and of ``fc`` [classes, width], in forward order."""
    stem = network.stem
    shapes: dict[str, tuple[int, ...]] = {"conv1": (stem.width, network.input.channels, stem.kernel, stem.kernel)}
    for row in block_shapes(network):
        block = network.stages[row.stage - 1].block_at(row.block)
        for name, shape in _block_weights(block, row.enters[0], row.stride):
            shapes[f"layer{row.stage}.{row.block - 1}.{name}"] = shape
    shapes["fc"] = (network.head.classes, network.each[-1].out_width)
    return shapes


def zeroed(network: Network) -> frozenset[str]:
    """Paths of the convolutions that ``init.zero_last`` starts at zero: those that no norm follows in the branch."""
    if not network.init.zero_last:
        return frozenset()
    found = set()
    for row in block_shapes(network):
        block = network.stages[row.stage - 1].block_at(row.block)
        if block.norm != "none" and block.order not in ("preactivation", "bn_after_addition"):
            continue
        plan = plan_of(block, row.enters[0], row.stride)
        names = [name for name, _ in named(plan)]
        # The last name of the plan, or the last of each path where the plan ends in parallel paths.
        ends = {name.rpartition(".")[0]: name for name in names} if isinstance(plan[-1], Parallel) else {"": names[-1]}
        found |= {f"layer{row.stage}.{row.block - 1}.{name}" for name in ends.values()}
    return frozenset(found)


def _block_weights(block: Block, channels: int, stride: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    out = block.out_width
    for name, conv in named(plan_of(block, channels, stride)):
        yield name, (conv.out_channels, conv.in_channels // conv.groups, conv.kernel, conv.kernel)
    if block.attention == "squeeze_excitation":
        inside = squeeze_width(out)
        yield "se.fc1", (inside, out, 1, 1)
        yield "se.fc2", (out, inside, 1, 1)
    if projects(block, channels, stride):
        yield "downsample.0", (out, channels, 1, 1)
    if block.gated:
        yield "gate.conv", (out, channels, block.gate_kernel, block.gate_kernel)
