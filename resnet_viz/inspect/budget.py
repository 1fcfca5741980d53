"""The budget solver: which width, cardinality or number of blocks brings a network to another one's cost.

Xie 2017 asks it in Sect. 3.3 ("we adjust the width of the bottleneck"): at equal complexity a ResNet-50 has
1x64d, 2x40d, 4x24d, 8x14d or 32x4d (Table 2). Costs come from the real module, on the meta device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import gcd, isqrt, lcm
from typing import Literal, get_args

from pydantic import ValidationError

from ..spec.block import MAX_CARDINALITY, MAX_SPLIT, MAX_WIDTH, REFERENCE_WIDTH, Block
from ..spec.errors import SpecError, sentence
from ..spec.network import MAX_BLOCKS, MAX_NAME, MAX_NETWORK_BLOCKS, Network, Stage, checked
from ..spec.presets import preset, presets
from ..spec.shapes import refuse
from . import summarize

Quantity = Literal["parameters", "macs"]
Field = Literal["base_width", "width", "blocks", "cardinality", "expansion"]

QUANTITIES: dict[Quantity, str] = {"parameters": "parameters", "macs": "multiply-adds, conv + linear"}
FIELDS: dict[Field, str] = {
    "base_width": "base width", "width": "width", "blocks": "blocks a stage", "cardinality": "cardinality",
    "expansion": "expansion",
}  # fmt: skip
"""What may be free or fixed: "width" is the first stage's, the others keep their proportion to it; "blocks" is the
number of every stage; the other three are set in every block."""

MAX_COUNTED = 64
"""Most networks that a search counts; an ordinary one needs about twenty."""

REACH = 0.25
"""A target outside of what the field reaches is refused when even the nearest total is off by more than this share."""


@dataclass(frozen=True)
class Solution:
    """The value of ``field`` whose total is nearest to ``target``; ``network`` has it, ``total`` is its exact count."""

    network: Network
    field: Field
    value: int
    quantity: Quantity
    total: int
    target: int

    @property
    def relative(self) -> float:
        """How far the total is from the target, as a share of the target: 0.035 is 3.5 % above it."""
        return (self.total - self.target) / self.target


def cost(network: Network, quantity: Quantity = "macs") -> int:
    """Parameters, or multiply-adds of convolutions and linear layers for one image.

    Raises :class:`~resnet_viz.spec.SpecError` or pydantic's ``ValidationError`` when the network cannot be built.
    """
    summary = summarize(network)
    return summary.params if quantity == "parameters" else summary.macs


def solve(
    network: Network,
    field: Field,
    target: int | Network,
    quantity: Quantity = "macs",
    *,
    fixed: Mapping[Field, int] | None = None,
) -> Solution:
    """The value of ``field`` at which ``network``, with the ``fixed`` values, costs nearest to ``target``.

    ``target`` is a number, or a network whose own cost is meant. Of two values that are equally near, the cheaper
    network wins. Raises :class:`~resnet_viz.spec.SpecError` in one sentence when no value can be built, when the
    field changes nothing, or when the target is out of reach (:data:`REACH`).
    """
    fixed = dict(fixed or {})
    _check(field, quantity, fixed)
    wanted = cost(target, quantity) if isinstance(target, Network) else target
    if wanted < 1:
        raise SpecError(f"the target is {wanted:,} {QUANTITIES[quantity]}: it must be at least 1")
    start = checked(network)
    for name, value in fixed.items():
        start = set_field(start, name, value)
    search = _Search(partial(set_field, start, field), quantity, wanted)
    values = candidates(start, field)
    ends = search.ends(values)
    if ends is None:
        raise SpecError(f"no {FIELDS[field]} of {network.name} can be built: {search.refusal}")
    low, high = (search.cost_of(values[end]) or 0 for end in ends)
    if low == high and ends[0] != ends[1]:
        raise SpecError(f"{FIELDS[field]} changes nothing in the {QUANTITIES[quantity]} of {network.name}: "
                        "choose another field")  # fmt: skip
    odd = _odd_values(start, field)
    best = search.nearest(values, ends, skip=odd)
    total = search.cost_of(best) or 0
    if not min(low, high) <= wanted <= max(low, high) and abs(total - wanted) > REACH * wanted:
        raise SpecError(f"no {FIELDS[field]} brings {network.name} to {wanted:,} {QUANTITIES[quantity]}: "
                        f"the nearest, {best}, has {total:,}")  # fmt: skip
    found = checked(set_field(start, field, best))
    return Solution(_named(found, network, field, best, fixed), field, best, quantity, total, wanted)


def _check(field: str, quantity: str, fixed: Mapping[Field, int]) -> None:
    for name in (field, *fixed):
        if name not in FIELDS:
            raise SpecError(f"{name!r} is no field of the budget solver; the fields are: {', '.join(FIELDS)}")
    if quantity not in get_args(Quantity):
        raise SpecError(f"{quantity!r} cannot be a budget; use one of: {', '.join(QUANTITIES)}")
    if field in fixed:
        raise SpecError(f"{FIELDS[field]} cannot be both free and fixed: take it out of the fixed values")  # type: ignore[index]


# -- one field, one value ---------------------------------------------------------------------------------


def set_field(network: Network, field: Field, value: int) -> Network:
    """The network with that value, not validated yet."""
    first = network.stages[0].block.width

    def changed(block: Block) -> Block:
        if field == "width":
            return block.model_copy(update={"width": block.width * value // first})
        return block.model_copy(update={field: value})

    def stage_of(stage: Stage) -> Stage:
        if field == "blocks":
            return stage.model_copy(update={"blocks": value})
        own = tuple(o.model_copy(update={"block": changed(o.block)}) for o in stage.overrides)
        return stage.model_copy(update={"block": changed(stage.block), "overrides": own})

    return network.model_copy(update={"stages": tuple(stage_of(stage) for stage in network.stages)})


def candidates(network: Network, field: Field) -> Sequence[int]:
    """Values worth trying, in order; a few of them may still be refused by the model."""
    blocks = [block for s in network.stages for block in (s.block, *(o.block for o in s.overrides))]
    widths = [block.width for block in blocks]
    if field == "blocks":
        least = max((o.index for stage in network.stages for o in stage.overrides), default=1)
        return range(least, min(MAX_BLOCKS, MAX_NETWORK_BLOCKS // len(network.stages)) + 1)
    if field == "expansion":
        return range(1, 17)
    if field == "width":
        first = widths[0]
        step = lcm(*(first // gcd(first, width) for width in widths))
        found = range(step, MAX_WIDTH * first // max(widths) + 1, step)
        return [value for value in found if all(_comes_out_even(b, b.width * value // first) for b in blocks)] or found[
            -1:
        ]
    if field == "base_width":
        top = min((MAX_WIDTH // block.cardinality + 1) * REFERENCE_WIDTH // block.width for block in blocks)
        return range(1, max(2, min(top, MAX_WIDTH) + 1))
    return _cardinalities(blocks)


def _comes_out_even(block: Block, width: int) -> bool:
    """Whether the block's groups divide its inner width (with ``base_width`` they do) and a basic block's output."""
    outer = width * (block.expansion or 1) if block.branch == "basic" else 0
    inner = width if block.base_width is None else 0
    return block.branch == "paths" or not (inner % block.cardinality or outer % block.cardinality)


def _cardinalities(blocks: Sequence[Block]) -> Sequence[int]:
    """Grouping must come out even: in the width where it is the inner one, in the output of a basic block."""
    if any(block.branch == "paths" for block in blocks):
        return range(1, 2)
    most = MAX_SPLIT if any(block.form != "grouped" for block in blocks) else MAX_CARDINALITY
    whole = [block.width for block in blocks if block.base_width is None]
    whole += [block.out_width for block in blocks if block.branch == "basic"]
    inner = [max(block.width * (block.base_width or 0) // REFERENCE_WIDTH, 1) for block in blocks if block.base_width]
    top = min([most, *(MAX_WIDTH // width for width in inner)])
    return [c for c in range(1, top + 1) if all(width % c == 0 for width in whole)]


def _odd_values(network: Network, field: Field) -> frozenset[int]:
    """Where the total may dip: a first block as wide as the stem needs no projection (He 2016a, option B)."""
    block = network.stages[0].block
    if field == "width" and block.branch != "paths":
        expansion = block.out_width // block.width
        return frozenset({network.stem.width // expansion} if network.stem.width % expansion == 0 else ())
    if field == "expansion":
        return frozenset({network.stem.width // block.width} if network.stem.width % block.width == 0 else ())
    return frozenset()


# -- the search -------------------------------------------------------------------------------------------


class _Search:
    """Totals by value, each counted once; ``refusal`` is why the first value cannot be built, where it says so."""

    def __init__(self, make: Callable[[int], Network], quantity: Quantity, target: int) -> None:
        self.make, self.quantity, self.target = make, quantity, target
        self.known: dict[int, int | None] = {}
        self.refusals: list[ValidationError | SpecError] = []
        self.counted = 0

    @property
    def refusal(self) -> str:
        """The first refusal that names a place of the network, else the first one of a field."""
        return sentence(next((e for e in self.refusals if isinstance(e, SpecError)), self.refusals[0]))

    def cost_of(self, value: int) -> int | None:
        """The total at that value, None where it cannot be built. Raises ``SpecError`` after :data:`MAX_COUNTED`."""
        if value not in self.known:
            try:
                refuse(checked(_shortened(self.make(value))))
            except (ValidationError, SpecError) as error:
                self.known[value] = None
                self.refusals.append(error)
                return None
            if self.counted == MAX_COUNTED:
                raise SpecError(f"the search was given up after counting {MAX_COUNTED} networks: "
                                "fix other values, or choose another field")  # fmt: skip
            self.counted += 1
            try:
                self.known[value] = cost(self.make(value), self.quantity)
            except (ValidationError, SpecError) as error:
                self.known[value] = None
                self.refusals.append(error)
        return self.known[value]

    def ends(self, values: Sequence[int]) -> tuple[int, int] | None:
        """Places of the first and the last value that can be built; None when there is none."""
        first = next((i for i in range(len(values)) if self.cost_of(values[i]) is not None), None)
        if first is None:
            return None
        return first, next(i for i in reversed(range(len(values))) if self.cost_of(values[i]) is not None)

    def nearest(self, values: Sequence[int], ends: tuple[int, int], skip: frozenset[int]) -> int:
        """Search on the values in order, on which totals rise (or fall); the ``skip`` ones are looked at besides."""
        low, high = ends
        falling = (self.cost_of(values[high]) or 0) < (self.cost_of(values[low]) or 0)
        steps = 0
        while (middle := self._between(values, low, high, skip, halve=steps % 3 == 2)) is not None:
            above = (self.cost_of(values[middle]) or 0) > self.target
            low, high = (middle, high) if above == falling else (low, middle)
            steps += 1
        near = {values[low], values[high], *(value for value in skip if value in values)}
        return min(near, key=self._distance)

    def _distance(self, value: int) -> tuple[int, int]:
        total = self.cost_of(value)
        return (abs(total - self.target), total) if total is not None else (self.target + 2**62, 0)

    def _between(self, values: Sequence[int], low: int, high: int, skip: frozenset[int], *, halve: bool) -> int | None:
        """A place strictly between the two that can be built: the middle, or where the total should be the target.

        Totals grow about with the square of a width, so the guess is made on square roots.
        """
        guess = (low + high) // 2
        left, right = (isqrt(self.cost_of(values[end]) or 0) for end in (low, high))
        if not halve and left != right:
            guess = low + (high - low) * (isqrt(self.target) - left) // (right - left)
        guess = max(low + 1, min(guess, high - 1))
        for away in range(high - low):
            for place in (guess - away, guess + away):
                if low < place < high and values[place] not in skip and self.cost_of(values[place]) is not None:
                    return place
        return None


def _shortened(network: Network) -> Network:
    """The network with two blocks in each stage: what refuses the whole one nearly always refuses it, and soon."""
    stages = tuple(
        stage if stage.overrides else stage.model_copy(update={"blocks": min(stage.blocks, 2)})
        for stage in network.stages
    )
    return network.model_copy(update={"stages": stages})


def _named(found: Network, network: Network, field: Field, value: int, fixed: Mapping[Field, int]) -> Network:
    """The preset's name where it is one, else the network's own with what was set: "resnet50 8x14d"."""
    for name in presets():
        if found == preset(name).model_copy(update={"name": found.name}):
            return preset(name)
    told = {**fixed, field: value}
    block = found.stages[0].block
    words = []
    if "base_width" in told:
        words.append(f"{block.cardinality}x{told['base_width']}d")
        told = {name: told[name] for name in told if name not in ("base_width", "cardinality")}
    words += [f"{FIELDS[name]} {told[name]}" for name in told]
    tail = " " + ", ".join(words)
    return found.model_copy(update={"name": (network.name[: MAX_NAME - len(tail)] + tail)[:MAX_NAME]})
