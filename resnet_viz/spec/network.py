"""What a network *is*: input, stem, stages of blocks, head; frozen data, compiled by ``resnet_viz.nn``.

The axes of a single block stand in :mod:`.block`. Sizes are in pixels, widths in channels. This module imports
neither torch nor streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from .block import Activation, Block, Frozen, Norm, Width
from .errors import SpecError

Scheme = Literal["kaiming_fan_out", "kaiming_fan_in", "xavier", "pytorch", "orthogonal"]
Pool = Literal["none", "max"]
Decay = Literal["constant", "linear"]

MAX_BLOCKS = 1000
MAX_STAGES = 8
MAX_NETWORK_BLOCKS = 1200
MAX_SIZE = 1024
MAX_CHANNELS = 1024
MAX_CLASSES = 100_000
MAX_NAME = 80
MAX_OVERRIDES = 64
MAX_CONVOLUTIONS = 10_000
MAX_DISTINCT = 2_000
"""Convolutions in all blocks, and in those blocks that differ: each of the latter takes about 2 ms to inspect."""

Stride = Annotated[int, Field(ge=1, le=4)]


class Input(Frozen):
    """One image: channels x height x width."""

    channels: Annotated[int, Field(ge=1, le=MAX_CHANNELS)] = 3
    height: Annotated[int, Field(ge=1, le=MAX_SIZE)] = 32
    width: Annotated[int, Field(ge=1, le=MAX_SIZE)] = 32

    def __str__(self) -> str:
        return f"{self.channels} x {self.height} x {self.width}"


class Stem(Frozen):
    """The first convolution, and on large images the max-pool after it (He 2016a, Table 1).

    ``activated`` is False for pre-activation networks, whose first block brings norm and activation
    itself (He 2016b, appendix). ``bias`` gives the convolution a bias even where a norm follows.
    """

    width: Width = 16
    kernel: Annotated[int, Field(ge=1, le=11)] = 3
    stride: Stride = 1
    pool: Pool = "none"
    norm: Norm = "batch"
    activation: Activation = "relu"
    activated: bool = True
    bias: bool = False

    @field_validator("kernel")
    @classmethod
    def _odd(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            raise ValueError(f"stem.kernel is {kernel}: an odd size keeps the image centred, try {kernel + 1}")
        return kernel


class Override(Frozen):
    """Block number ``index`` (from 1) of a stage is another one than the stage's."""

    index: Annotated[int, Field(ge=1, le=MAX_BLOCKS)]
    block: Block


class Stage(Frozen):
    """``blocks`` equal blocks at one feature-map size; the first one carries the ``stride``.

    ``overrides`` are the single blocks that differ, in order.
    """

    blocks: Annotated[int, Field(ge=1, le=MAX_BLOCKS)] = 1
    stride: Stride = 1
    block: Block = Block()
    overrides: Annotated[tuple[Override, ...], Field(max_length=MAX_OVERRIDES)] = ()

    @model_validator(mode="after")
    def _overrides_are_in_order(self) -> Self:
        places = [override.index for override in self.overrides]
        if places != sorted(set(places)):
            raise ValueError(f"overrides name the blocks {places}: name each block once, in order")
        if places and places[-1] > self.blocks:
            raise ValueError(
                f"overrides name block {places[-1]}, but the stage has {self.blocks}: "
                "use more blocks, or take the override away"
            )
        return self

    def block_at(self, index: int) -> Block:
        """The block of that number, from 1."""
        return next((override.block for override in self.overrides if override.index == index), self.block)

    @property
    def each(self) -> tuple[Block, ...]:
        """All blocks in order."""
        own = {override.index: override.block for override in self.overrides}
        return tuple(own.get(i, self.block) for i in range(1, self.blocks + 1))


class Head(Frozen):
    """Global average pool and one linear layer to ``classes`` scores (no softmax: the loss has it)."""

    classes: Annotated[int, Field(ge=2, le=MAX_CLASSES)] = 10


class Init(Frozen):
    """How weights start: He 2015 (by fan-out or fan-in), Glorot 2010, orthogonal, or torch's own default.

    Kaiming's schemes are for layers with a ReLU behind them, so they leave the linear layer at torch's default,
    as torchvision does. Biases start at zero but under "pytorch". ``zero_last`` makes every branch start as zero:
    the scale of the norm at its end (Goyal 2017, Sect. 5.1), or its last convolution where no norm stands behind it.
    """

    scheme: Scheme = "kaiming_fan_out"
    zero_last: bool = False


class DropPath(Frozen):
    """Stochastic depth (Huang 2016): in training each branch is there with its survival probability.

    ``decay`` "linear": block l of L survives with 1 - l / L * (1 - ``survival``) (eq. 4); "constant": with
    ``survival``. A block without shortcut is never dropped.
    """

    survival: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    decay: Decay = "linear"

    def of(self, number: int, blocks: int) -> float:
        """Survival probability of block ``number`` (from 1) of ``blocks``."""
        return self.survival if self.decay == "constant" else 1 - number / blocks * (1 - self.survival)


def never_learns_from_zero(block: Block) -> bool:
    """Whether the branch ends in an activation that gives no zero, or no gradient there, beside a shortcut."""
    ends = block.merge != "none" and block.order == "relu_before_addition"
    return ends and block.activation in ("relu", "sigmoid")


class Network(Frozen):
    """Input, stem, stages of blocks, head, initialisation; the unit of the file format and of share links."""

    version: Literal[1] = 1
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] = "network"
    input: Input = Input()
    stem: Stem = Stem()
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=MAX_STAGES)] = (Stage(),)
    head: Head = Head()
    init: Init = Init()
    drop_path: DropPath = DropPath()

    @field_validator("name")
    @classmethod
    def _printable(cls, name: str) -> str:
        if not name.isprintable() or not name.strip():
            raise ValueError("name has characters that cannot be shown: use letters, digits, spaces and signs")
        return name

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.blocks > MAX_NETWORK_BLOCKS:
            raise ValueError(
                f"{self.blocks} blocks are above the limit of {MAX_NETWORK_BLOCKS}: use fewer blocks in the stages"
            )
        bounded((self,))
        if self.drop_path.survival < 1 and self.is_plain:
            raise ValueError(
                f"drop_path.survival is {self.drop_path.survival:g}, but no block has a shortcut that could stand in "
                "for a dropped branch: use survival 1, or a residual network"
            )
        return self

    @model_validator(mode="after")
    def _zero_can_learn(self) -> Self:
        if not self.init.zero_last:
            return self
        for block in self.each:
            if never_learns_from_zero(block):
                why = "passes no gradient at zero" if block.activation == "relu" else "is not zero at zero"
                raise ValueError(
                    f"init.zero_last starts branches at zero, but order relu_before_addition ends them in "
                    f"{block.activation}, which {why}: use order original, or zero_last off"
                )
        return self

    @property
    def blocks(self) -> int:
        """Blocks in all stages."""
        return sum(stage.blocks for stage in self.stages)

    @property
    def each(self) -> tuple[Block, ...]:
        """All blocks of all stages in forward order."""
        return tuple(block for stage in self.stages for block in stage.each)

    @property
    def depth(self) -> int:
        """Weighted layers of the main path, projections, gates and attention not counted (He 2016a, Sect. 3.3)."""
        return 2 + sum(block.depth for block in self.each)

    @property
    def is_plain(self) -> bool:
        """True when no block has a shortcut."""
        return all(block.merge == "none" for block in self.each)


def bounded(networks: Sequence[Network]) -> None:
    """Raise ``ValueError`` for more convolutions, of one network or of several that are shown together, than can be
    inspected while a person waits: a link of a few characters may ask for hundreds of thousands."""
    total = distinct = 0
    for network in networks:
        total += sum(block.convolutions for block in network.each)
        kinds = ({id(block): block for block in stage.each}.values() for stage in network.stages)
        distinct += sum(block.convolutions for blocks in kinds for block in blocks)
    limits = ((total, MAX_CONVOLUTIONS, "the blocks"), (distinct, MAX_DISTINCT, "blocks that differ"))
    for found, limit, where in limits:
        if found > limit:
            raise ValueError(
                f"{where} have {found:,} convolutions, above the limit of {limit:,}: use fewer blocks, overrides or "
                "paths, or form grouped"
            )


def checked(network: Network) -> Network:
    """The same network, validated again: ``model_copy(update=...)`` skips validation.

    Raises pydantic's ``ValidationError``, and :class:`SpecError` for what is no network at all.
    """
    if not isinstance(network, Network):
        raise SpecError(f"a Network is needed here, not {type(network).__name__}: rv.preset(name) gives one")
    raw: dict[str, Any] = network.model_dump(warnings=False)
    return Network.model_validate(raw)
