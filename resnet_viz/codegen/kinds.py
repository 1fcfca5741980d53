"""Which block classes a network needs, and what their constructors are told.

Blocks that differ in numbers only (widths, strides, strengths) share a class; a number that is the same in all of
them stands in the class itself, any other is an argument. What differs in structure is a class of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ..spec.block import Block
from ..spec.network import Network
from ..spec.plans import projects
from ..spec.shapes import block_shapes
from .lines import Group, Node, display

Style = Literal["explicit", "lazy"]
Around = Literal["none", "identity", "padded", "projected", "projected where shapes change"]


@dataclass(frozen=True)
class Use:
    """One block in its place: ``number`` counts through the network, ``channels`` enter it."""

    stage: int
    index: int
    number: int
    block: Block
    channels: int
    stride: int
    survival: float

    @property
    def path(self) -> str:
        """The module's path."""
        return f"layer{self.stage}.{self.index}"

    @property
    def changes(self) -> bool:
        """Whether the shape changes, in which case a shortcut of option A or B has work to do."""
        return self.stride != 1 or self.channels != self.block.out_width

    @property
    def around(self) -> str:
        """What its shortcut does."""
        if self.block.merge == "none":
            return "none"
        if projects(self.block, self.channels, self.stride):
            return "projected"
        return "padded" if self.changes else "identity"


def uses_of(network: Network) -> tuple[Use, ...]:
    """All blocks in forward order."""
    found = []
    for number, row in enumerate(block_shapes(network), 1):
        block = network.stages[row.stage - 1].block_at(row.block)
        survival = 1.0 if block.merge == "none" else network.drop_path.of(number, network.blocks)
        found.append(Use(row.stage, row.block - 1, number, block, row.enters[0], row.stride, survival))
    return tuple(found)


Structure = tuple[object, ...]


def _structure(use: Use, one_stride_place: bool) -> Structure:
    """What two blocks must share to be of one class, but for their shortcuts."""
    block = use.block
    return (
        block.branch,
        block.form,
        block.merge,
        block.gate_kernel if block.gated else 0,
        block.order,
        block.norm,
        block.activation,
        block.bias or block.norm == "none",
        block.attention,
        "" if one_stride_place or block.branch != "bottleneck" else block.stride_on,
        # The norm after the addition is named by the longest path.
        block.depth if block.branch == "paths" and block.order == "bn_after_addition" else 0,
    )


@dataclass(frozen=True)
class Argument:
    """One number of a block: its type, its neutral value if it has one, and where it is read."""

    name: str
    type: str
    neutral: object
    read: Callable[[Use], object]


def _lanes(use: Use) -> tuple[tuple[str, tuple[tuple[int, int], ...]], ...]:
    return tuple((lane.pool, tuple((conv.kernel, conv.width) for conv in lane.convs)) for lane in use.block.lanes)


ARGUMENTS = (
    Argument("in_channels", "int", None, lambda use: use.channels),
    Argument("width", "int", None, lambda use: use.block.inner_width),
    Argument("out_channels", "int", None, lambda use: use.block.out_width),
    Argument("lanes", "list[Lane]", None, _lanes),
    Argument("gate_bias", "float", None, lambda use: use.block.gate_bias),
    Argument("survival", "float", 1.0, lambda use: use.survival),
    Argument("stride", "int", 1, lambda use: use.stride),
    Argument("project", "bool", False, lambda use: use.around == "projected"),
    Argument("cardinality", "int", 1, lambda use: use.block.cardinality),
    Argument("alpha", "float", 1.0, lambda use: use.block.alpha),
    Argument("beta", "float", 1.0, lambda use: use.block.beta),
    Argument("dropout", "float", 0.0, lambda use: use.block.shortcut_dropout),
)


@dataclass
class BlockClass:
    """A class of blocks: its name, how its shortcut works, and the blocks that are of it."""

    name: str
    around: Around
    uses: list[Use]
    gate_arguments: tuple[str, ...] = ()
    """What of "kernel" and "stride" the network's gates differ in."""

    @property
    def block(self) -> Block:
        """One of its blocks, to read the structure from."""
        return self.uses[0].block

    @cached_property
    def projection_norm(self) -> bool:
        """Whether a norm follows the projection."""
        return any(use.block.norm_on_projection for use in self.uses if use.around == "projected")

    @cached_property
    def stride_on(self) -> str:
        """Which convolution of a bottleneck has the stride."""
        return next((use.block.stride_on for use in self.uses if use.stride != 1), "3x3")

    @cached_property
    def strided(self) -> bool:
        """Whether a block of it has a stride."""
        return any(use.stride != 1 for use in self.uses)

    @cached_property
    def expansion(self) -> int:
        """Output channels over inner ones where that is how the paper says it, else 0."""
        ratios = {divmod(use.block.out_width, use.block.inner_width) for use in self.uses}
        plain = all(use.block.inner_width == use.block.width for use in self.uses)
        if self.block.branch == "paths" or len(ratios) != 1 or not plain:
            return 0
        return next(iter(ratios))[0]

    def values(self, name: str) -> set[object]:
        """All values that a number has in this class."""
        read = next(argument.read for argument in ARGUMENTS if argument.name == name)
        return {read(use) for use in self.uses}

    def number(self, name: str) -> str:
        """What the class's text has for a number: the argument's name, or the value that is the same everywhere."""
        values = self.values(name)
        return name if len(values) > 1 else repr(next(iter(values)))

    def told(self, use: Use, name: str) -> Node:
        """An argument's value for one block, as source."""
        argument = next(argument for argument in ARGUMENTS if argument.name == name)
        value = argument.read(use)
        if name == "lanes":
            return display(*(_lane(pool, convs, self.pooled) for pool, convs in _lanes(use)))
        return repr(value)

    @property
    def laned(self) -> bool:
        """Whether its branch has parallel paths."""
        return self.block.branch == "paths" or self.block.form != "grouped"

    @cached_property
    def pooled(self) -> bool:
        """Whether a parallel path has a pool."""
        return any(lane.pool != "none" for use in self.uses for lane in use.block.lanes)


def _lane(pool: str, convs: Iterable[tuple[int, int]], pooled: bool) -> Node:
    listed = display(*map(repr, convs))
    if not pooled:
        return listed
    return Group("(", (f'"{pool}"', listed), ")", "display")


def classes_of(network: Network) -> list[BlockClass]:
    """The block classes in the order in which they are first used."""
    uses = uses_of(network)
    places = {u.block.stride_on for u in uses if u.block.branch == "bottleneck" and u.stride != 1}
    groups: dict[Structure, list[Use]] = {}
    for use in uses:
        groups.setdefault(_structure(use, len(places) < 2), []).append(use)
    found = [made for group in groups.values() for made in _by_shortcut(group)]
    found.sort(key=lambda made: made.uses[0].number)
    for made in found:
        made.uses.sort(key=lambda use: use.number)
    gated = [made for made in found if made.block.gated]
    differ = ["kernel"] if len({made.block.gate_kernel for made in gated}) > 1 else []
    differ += ["stride"] if any(made.strided for made in gated) else []
    for made in gated:
        made.gate_arguments = tuple(differ)
    return found


def _by_shortcut(group: list[Use]) -> list[BlockClass]:
    """One class where one rule serves all shortcuts of the group, else one for each rule.

    An identity goes with the blocks that project, or pad, where shapes change; it cannot go with blocks that project
    where nothing changes (option C).
    """
    plain = [use for use in group if use.around in ("none", "identity")]
    projected: dict[bool, list[Use]] = {}
    for use in group:
        if use.around == "projected":
            projected.setdefault(use.block.norm_on_projection, []).append(use)
    padded = [use for use in group if use.around == "padded"]
    made = []
    for some in projected.values():
        if plain and plain[0].around == "identity" and all(use.changes for use in some):
            made.append(BlockClass("", "projected where shapes change", sorted_by_place(some + plain)))
            plain = []
        else:
            made.append(BlockClass("", "projected", some))
    if padded:
        made.append(BlockClass("", "padded", sorted_by_place(padded + plain)))
    elif plain:
        made.append(BlockClass("", "none" if plain[0].around == "none" else "identity", plain))
    return made


def sorted_by_place(uses: list[Use]) -> list[Use]:
    """In forward order."""
    return sorted(uses, key=lambda use: use.number)
