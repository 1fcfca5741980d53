"""What a block *is*: one choice on each of the independent axes of the literature, never a class per paper.

Widths are in channels. To add a value to an axis: its name here, one small function in the registry of
``resnet_viz.nn`` that has the axis's name, one oracle in the tests. What makes no sense is refused here, in one
sentence that names the field and says what would do.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Branch = Literal["basic", "bottleneck", "paths"]
Form = Literal["grouped", "split_concatenate", "split_sum"]
Merge = Literal["none", "add", "highway", "shortcut_gate"]
Shortcut = Literal["A", "B", "C"]
Order = Literal[
    "original", "bn_after_addition", "relu_before_addition", "relu_only_preactivation", "preactivation"
]  # fmt: skip
Norm = Literal["batch", "group", "layer", "none"]
Activation = Literal["relu", "leaky_relu", "gelu", "silu", "tanh", "sigmoid"]
Attention = Literal["none", "squeeze_excitation"]
LanePool = Literal["none", "max", "average"]

REFERENCE_WIDTH = 64
"""Width at which ``base_width`` is one group's width (Xie 2017, Table 1: the first stage's 64)."""

MAX_WIDTH = 8192
MAX_LANES = 8
MAX_LANE_CONVS = 4
MAX_CARDINALITY = 1024
MAX_SPLIT = 64
"""Most groups that a split form may have: each of them is modules of its own."""

Width = Annotated[int, Field(ge=1, le=MAX_WIDTH)]
Strength = Annotated[float, Field(ge=-4, le=4, allow_inf_nan=False)]


class Frozen(BaseModel):
    """Base of everything in ``spec``: immutable, equal by value, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", revalidate_instances="always")


class LaneConv(Frozen):
    """One convolution of a parallel path: square kernel (1, 3, 5 or 7) and channels that it gives."""

    kernel: Literal[1, 3, 5, 7] = 3
    width: Width = 16


class Lane(Frozen):
    """One of the parallel paths of a block (Szegedy 2015, Fig. 2b): a 3x3 pool or none, then convolutions.

    Its last convolution gives the path's width; so each path has at least one.
    """

    pool: LanePool = "none"
    convs: Annotated[tuple[LaneConv, ...], Field(min_length=1, max_length=MAX_LANE_CONVS)] = (LaneConv(),)

    @property
    def width(self) -> int:
        """Channels that the path gives."""
        return self.convs[-1].width

    def __str__(self) -> str:
        words = [f"{self.pool} pool"] if self.pool != "none" else []
        return ", ".join(words + [f"{conv.kernel} x {conv.kernel} to {conv.width}" for conv in self.convs])


def inception_lanes(width: int) -> tuple[Lane, ...]:
    """Four paths of a quarter each: 1x1; 1x1, 3x3; 1x1, 3x3, 3x3; pool, 1x1 (Szegedy 2015 and 2016)."""
    part = width // 4
    rest = width - 3 * part
    one = LaneConv(kernel=1, width=part)
    three = LaneConv(kernel=3, width=part)
    return (
        Lane(convs=(LaneConv(kernel=1, width=rest),)),
        Lane(convs=(one, three)),
        Lane(convs=(one, three, three)),
        Lane(pool="max", convs=(one,)),
    )


class Block(Frozen):
    """One residual unit, y = alpha x + beta F(x), or its plain counterpart when ``merge`` is "none".

    branch
        "basic": 3x3, 3x3; "bottleneck": 1x1, 3x3, 1x1 (He 2016a, Fig. 5); "paths": parallel paths,
        concatenated (Szegedy 2015, Fig. 2b).
    paths
        The parallel paths; none given: :func:`inception_lanes` of ``width``. Kept, unused, by other branches.
    width, expansion
        The block gives ``width * expansion`` channels; ``expansion`` is 1 for basic and 4 for bottleneck
        blocks unless set. Parallel paths give the sum of their widths.
    cardinality, base_width
        Number of groups of the 3x3 convolutions; channels of one group at width 64 (Xie 2017: "32x4d").
        Without ``base_width`` the inner width is ``width``, cut into ``cardinality`` groups.
    form
        How a grouped bottleneck is written: "grouped" convolution, "split_concatenate" (paths joined before the
        last 1x1) or "split_sum" (whole paths added): equal functions with the same weights (Xie 2017, Fig. 3c, b, a).
        Their fans differ, so that they start from other distributions, and group and layer norm see other groups.
    merge
        "none": plain; "add" (He 2016a, eq. 1); "highway": T F(x) + (1 - T) x with a gate T (Srivastava 2015,
        eq. 3; "exclusive gating" in He 2016b, Table 1); "shortcut_gate": F(x) + (1 - T) x (He 2016b, Table 1).
    gate_bias, gate_kernel
        The gate is T = sigmoid(convolution of x), 1x1 in He 2016b, its bias starting here (negative: T nearly
        closed, the shortcut nearly whole). Kept, unused, without a gate.
    alpha, beta
        Strength of shortcut and branch: 0.5 and 0.5 or 1 are "constant scaling" (He 2016b, Table 1).
    shortcut
        A: identity, zero-padded where shapes change; B: projection where they change; C: projection always
        (He 2016a, Sect. 4.1). Kept, unused, when ``merge`` is "none".
    shortcut_dropout
        Share of the shortcut's values dropped in training (He 2016b, Table 1).
    projection_norm
        Whether a norm follows the 1x1 of a projection; unset: yes, but not in pre-activated blocks, where it takes
        what is normed already (He 2016b, appendix).
    stride_on
        Which convolution of a bottleneck carries the stride: "3x3" as torchvision, "1x1" as the paper.
    order
        Where norm and activation stand (He 2016b, Fig. 4a to e): "original", "bn_after_addition",
        "relu_before_addition", "relu_only_preactivation", full "preactivation".
    norm
        "batch" (Ioffe and Szegedy 2015), "group" (Wu and He 2018: 32 groups, or as many as divide 32 and the
        channels), "layer" (the same with one group), "none" (convolutions then have a bias).
    bias
        Convolutions have a bias even where a norm follows (as *Dive into Deep Learning* writes them).
    attention
        "squeeze_excitation" at the end of the branch, with a sixteenth of the channels inside (Hu 2018, Fig. 2).
    """

    branch: Branch = "basic"
    width: Width = 16
    expansion: Annotated[int, Field(ge=1, le=16)] | None = None
    cardinality: Annotated[int, Field(ge=1, le=MAX_CARDINALITY)] = 1
    base_width: Width | None = None
    form: Form = "grouped"
    paths: Annotated[tuple[Lane, ...], Field(max_length=MAX_LANES)] = ()
    merge: Merge = "add"
    gate_bias: Annotated[float, Field(ge=-50, le=50, allow_inf_nan=False)] = -1.0
    gate_kernel: Literal[1, 3] = 1
    alpha: Strength = 1.0
    beta: Strength = 1.0
    shortcut: Shortcut = "B"
    shortcut_dropout: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.0
    projection_norm: bool | None = None
    stride_on: Literal["3x3", "1x1"] = "3x3"
    order: Order = "original"
    norm: Norm = "batch"
    activation: Activation = "relu"
    bias: bool = False
    attention: Attention = "none"

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The parallel paths as they are built; none for other branches."""
        if self.branch != "paths":
            return ()
        return self.paths or inception_lanes(self.width)

    @property
    def out_width(self) -> int:
        """Channels that the block gives."""
        if self.branch == "paths":
            return sum(lane.width for lane in self.lanes)
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

    @property
    def depth(self) -> int:
        """Weighted layers one after the other: 2 (basic), 3 (bottleneck), the longest of parallel paths."""
        if self.branch == "paths":
            return max(len(lane.convs) for lane in self.lanes)
        return 3 if self.branch == "bottleneck" else 2

    @property
    def convolutions(self) -> int:
        """Convolutions of the main path as modules: what building and tracing the block take time for."""
        if self.branch == "paths":
            return sum(len(lane.convs) for lane in self.lanes)
        if self.form == "grouped":
            return self.depth
        return 3 * self.cardinality if self.form == "split_sum" else 2 * self.cardinality + 1

    @property
    def gated(self) -> bool:
        """True where a learned gate decides how much of the input passes."""
        return self.merge in ("highway", "shortcut_gate")

    @property
    def preactivated(self) -> bool:
        """True where the block begins with its activation, so that stem and head must fit (He 2016b, appendix)."""
        return self.order in ("preactivation", "relu_only_preactivation")

    @property
    def norm_on_projection(self) -> bool:
        """Whether the projection's 1x1 has a norm behind it."""
        if self.norm == "none":
            return False
        return self.projection_norm if self.projection_norm is not None else not self.preactivated

    @model_validator(mode="after")
    def _groups_divide(self) -> Self:
        if self.branch == "paths":
            return self._paths_make_sense()
        if self.inner_width < 1:
            raise ValueError(
                f"base_width {self.base_width} gives groups of no channels at width {self.width}: "
                f"use at least {-(-REFERENCE_WIDTH // self.width)}"
            )
        if self.inner_width > MAX_WIDTH:
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

    def _paths_make_sense(self) -> Self:
        if self.cardinality > 1:
            raise ValueError(
                f"cardinality {self.cardinality} has no meaning for branch paths, whose paths are listed one by one: "
                "use cardinality 1, or branch bottleneck"
            )
        if not self.paths and self.width < 4:
            raise ValueError(f"branch paths cuts width {self.width} into 4 paths: use a width of at least 4")
        return self

    @model_validator(mode="after")
    def _form_makes_sense(self) -> Self:
        if self.form == "grouped":
            return self
        if self.branch != "bottleneck":
            raise ValueError(
                f"form {self.form} is only non-trivial for blocks of three layers (Xie 2017, Sect. 3.3): "
                "use branch bottleneck, or form grouped"
            )
        if self.cardinality > MAX_SPLIT:
            raise ValueError(f"form {self.form} with cardinality {self.cardinality} is above {MAX_SPLIT}: "
                             "use form grouped")  # fmt: skip
        return self

    @model_validator(mode="after")
    def _order_has_its_norm(self) -> Self:
        if self.norm == "none" and self.order == "bn_after_addition":
            raise ValueError("order bn_after_addition moves a norm, and norm is none: use order original, or a norm")
        return self
