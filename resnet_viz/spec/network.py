"""What a network *is*: frozen data on independent axes, validated here and compiled by ``resnet_viz.nn``.

A :class:`Block` is a choice on each axis of He 2016a, He 2016b and Xie 2017, never a class per paper.
Sizes are in pixels, widths in channels. This module imports neither torch nor streamlit.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from .errors import SpecError

Branch = Literal["basic", "bottleneck"]
Merge = Literal["none", "add"]
Shortcut = Literal["A", "B", "C"]
Order = Literal["original", "preactivation"]
Norm = Literal["batch", "none"]
Activation = Literal["relu", "leaky_relu", "gelu", "silu", "tanh", "sigmoid"]
Scheme = Literal["kaiming_fan_out", "kaiming_fan_in", "xavier", "pytorch", "orthogonal"]
Pool = Literal["none", "max"]

REFERENCE_WIDTH = 64
"""Width at which ``base_width`` is one group's width (Xie 2017, Table 1: the first stage's 64)."""

MAX_WIDTH = 8192
MAX_BLOCKS = 1000
MAX_STAGES = 8
MAX_NETWORK_BLOCKS = 1200
MAX_SIZE = 1024
MAX_CHANNELS = 1024
MAX_CLASSES = 100_000
MAX_NAME = 80

Width = Annotated[int, Field(ge=1, le=MAX_WIDTH)]
Stride = Annotated[int, Field(ge=1, le=4)]


class Frozen(BaseModel):
    """Base of everything in ``spec``: immutable, equal by value, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", revalidate_instances="always")


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
    itself (He 2016b, appendix).
    """

    width: Width = 16
    kernel: Annotated[int, Field(ge=1, le=11)] = 3
    stride: Stride = 1
    pool: Pool = "none"
    norm: Norm = "batch"
    activation: Activation = "relu"
    activated: bool = True

    @field_validator("kernel")
    @classmethod
    def _odd(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            raise ValueError(f"stem.kernel is {kernel}: an odd size keeps the image centred, try {kernel + 1}")
        return kernel


class Block(Frozen):
    """One residual unit, y = x + F(x), or its plain counterpart when ``merge`` is "none".

    branch
        "basic": 3x3, 3x3; "bottleneck": 1x1, 3x3, 1x1 (He 2016a, Fig. 5).
    width, expansion
        The block gives ``width * expansion`` channels; ``expansion`` is 1 for basic and 4 for bottleneck
        blocks unless set.
    cardinality, base_width
        Number of groups of the 3x3 convolutions; channels of one group at width 64 (Xie 2017: "32x4d").
        Without ``base_width`` the inner width is ``width``, cut into ``cardinality`` groups.
    shortcut
        A: identity, zero-padded where shapes change; B: projection where they change; C: projection always
        (He 2016a, Sect. 4.1). Kept, unused, when ``merge`` is "none".
    stride_on
        Which convolution of a bottleneck carries the stride: "3x3" as torchvision, "1x1" as the paper.
    order
        "original" (He 2016a) or full "preactivation" (He 2016b, Fig. 4e).
    """

    branch: Branch = "basic"
    width: Width = 16
    expansion: Annotated[int, Field(ge=1, le=16)] | None = None
    cardinality: Annotated[int, Field(ge=1, le=1024)] = 1
    base_width: Width | None = None
    merge: Merge = "add"
    shortcut: Shortcut = "B"
    stride_on: Literal["3x3", "1x1"] = "3x3"
    order: Order = "original"
    norm: Norm = "batch"
    activation: Activation = "relu"

    @property
    def out_width(self) -> int:
        """Channels that the block gives."""
        expansion = self.expansion if self.expansion is not None else (4 if self.branch == "bottleneck" else 1)
        return self.width * expansion

    @property
    def inner_width(self) -> int:
        """Channels of the block's first 3x3 convolution (torchvision's ``width``)."""
        if self.base_width is None:
            return self.width
        return self.width * self.base_width // REFERENCE_WIDTH * self.cardinality

    @property
    def group_width(self) -> int:
        """Channels of one group."""
        return self.inner_width // self.cardinality

    @model_validator(mode="after")
    def _groups_divide(self) -> Self:
        if self.inner_width < 1:
            raise ValueError(
                f"base_width {self.base_width} gives groups of no channels at width {self.width}: "
                f"use at least {-(-REFERENCE_WIDTH // self.width)}"
            )
        if self.inner_width > MAX_WIDTH or self.out_width > 16 * MAX_WIDTH:
            raise ValueError(f"inner width {self.inner_width} is above {MAX_WIDTH}: lower base_width or cardinality")
        wide = [self.inner_width] + ([self.out_width] if self.branch == "basic" else [])
        for channels in wide:
            if channels % self.cardinality:
                fits = [c for c in range(1, min(channels, 1024) + 1) if all(w % c == 0 for w in wide)]
                near = min(fits, key=lambda c: (abs(c - self.cardinality), c))
                raise ValueError(
                    f"cardinality {self.cardinality} does not divide the width {channels}: "
                    f"the nearest that does is {near}"
                )
        return self


class Stage(Frozen):
    """``blocks`` equal blocks at one feature-map size; the first one carries the ``stride``."""

    blocks: Annotated[int, Field(ge=1, le=MAX_BLOCKS)] = 1
    stride: Stride = 1
    block: Block = Block()


class Head(Frozen):
    """Global average pool and one linear layer to ``classes`` scores (no softmax: the loss has it)."""

    classes: Annotated[int, Field(ge=2, le=MAX_CLASSES)] = 10


class Init(Frozen):
    """How weights start: He 2015 (by fan-out or fan-in), Glorot 2010, orthogonal, or torch's own default.

    Kaiming's schemes are for layers with a ReLU behind them, so they leave the linear layer at torch's default,
    as torchvision does. Biases start at zero but under "pytorch".
    """

    scheme: Scheme = "kaiming_fan_out"


class Network(Frozen):
    """Input, stem, stages of blocks, head, initialisation; the unit of the file format and of share links."""

    version: Literal[1] = 1
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] = "network"
    input: Input = Input()
    stem: Stem = Stem()
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=MAX_STAGES)] = (Stage(),)
    head: Head = Head()
    init: Init = Init()

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
        return self

    @property
    def blocks(self) -> int:
        """Blocks in all stages."""
        return sum(stage.blocks for stage in self.stages)

    @property
    def depth(self) -> int:
        """Weighted layers of the main path, projections not counted (He 2016a, Sect. 3.3): 50 for ResNet-50."""
        layers = {"basic": 2, "bottleneck": 3}
        return 2 + sum(stage.blocks * layers[stage.block.branch] for stage in self.stages)

    @property
    def is_plain(self) -> bool:
        """True when no block has a shortcut."""
        return all(stage.block.merge == "none" for stage in self.stages)


def checked(network: Network) -> Network:
    """The same network, validated again: ``model_copy(update=...)`` skips validation.

    Raises pydantic's ``ValidationError``, and :class:`SpecError` for what is no network at all.
    """
    if not isinstance(network, Network):
        raise SpecError(f"a Network is needed here, not {type(network).__name__}: rv.preset(name) gives one")
    raw: dict[str, Any] = network.model_dump(warnings=False)
    return Network.model_validate(raw)
