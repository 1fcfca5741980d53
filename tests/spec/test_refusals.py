"""What cannot be is refused in one sentence that has the value and what would do: whole texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from resnet_viz.spec import (
    Block,
    Comparison,
    DropPath,
    Experiment,
    Head,
    Init,
    Input,
    Lane,
    LaneConv,
    Network,
    Override,
    Recipe,
    ShareError,
    SpecError,
    Stage,
    Stem,
    checked,
    decode,
    encode,
    preset,
    presets,
    sentence,
)
from resnet_viz.spec.block import Norm
from resnet_viz.spec.plans import named, plan_of
from resnet_viz.spec.shapes import problems, refuse

TINY = preset("tiny_plain8")
THREE_STRIDES = TINY.model_copy(
    update={"stages": tuple(stage.model_copy(update={"stride": 2}) for stage in TINY.stages)}
)


def grouped_at_the_end(norm: Norm, width: int) -> Network:
    """A network for the digits whose last block works on 1 x 1 maps."""
    stages = (Stage(stride=4, block=Block(norm="none")), Stage(stride=2, block=Block(width=width, norm=norm)))
    return Network(input=TINY.input, stem=Stem(norm="none"), stages=stages)


CASES: list[tuple[Callable[[], Any], str]] = [
    (lambda: Block(width=0), "width is 0: it must be at least 1."),
    (lambda: Block(width=9000), "width is 9000: it must be at most 8192."),
    (lambda: Block(expansion=0), "expansion is 0: it must be at least 1."),
    (
        lambda: Block.model_validate({"branch": "tri"}),
        "branch is 'tri': input should be 'basic', 'bottleneck' or 'paths'.",
    ),
    (lambda: Block.model_validate({"nope": 1}), "nope is not a field that this version knows."),
    (
        lambda: Block(cardinality=3),
        "cardinality 3 does not divide the width 16: the nearest that does is 2",
    ),
    (
        lambda: Block(branch="bottleneck", width=64, cardinality=24),
        "cardinality 24 does not divide the width 64: the nearest that does is 16",
    ),
    (
        lambda: Block(base_width=2),
        "base_width 2 gives groups of no channels at width 16: use at least 4",
    ),
    (
        lambda: Block(branch="bottleneck", width=64, base_width=64, cardinality=512),
        "inner width 32768 is above 8192: lower base_width or cardinality",
    ),
    (
        lambda: Block(branch="paths", cardinality=4),
        "cardinality 4 has no meaning for branch paths, whose paths are listed one by one: use cardinality 1, or "
        "branch bottleneck",
    ),
    (lambda: Block(branch="paths", width=3), "branch paths cuts width 3 into 4 paths: use a width of at least 4"),
    (lambda: Lane(convs=()), "convs has 0 entries: it must have at least 1."),
    (
        lambda: Lane(convs=(LaneConv(),) * 5),
        "convs has 5 entries: it must have at most 4.",
    ),
    (lambda: LaneConv.model_validate({"kernel": 2}), "kernel is 2: input should be 1, 3, 5 or 7."),
    (
        lambda: Block(form="split_sum", cardinality=4),
        "form split_sum is only non-trivial for blocks of three layers (Xie 2017, Sect. 3.3): use branch bottleneck, "
        "or form grouped",
    ),
    (
        lambda: Block(branch="bottleneck", form="split_concatenate", width=128, cardinality=128),
        "form split_concatenate with cardinality 128 is above 64: use form grouped",
    ),
    (
        lambda: Block(norm="none", order="bn_after_addition"),
        "order bn_after_addition moves a norm, and norm is none: use order original, or a norm",
    ),
    (lambda: Block(alpha=float("inf")), "alpha is inf: input should be a finite number."),
    (lambda: Block(beta=5), "beta is 5: it must be at most 4."),
    (lambda: Block(gate_bias=-51), "gate_bias is -51: it must be at least -50."),
    (lambda: Block.model_validate({"gate_kernel": 5}), "gate_kernel is 5: input should be 1 or 3."),
    (lambda: Block(shortcut_dropout=1), "shortcut_dropout is 1: it must be below 1."),
    (
        lambda: Block.model_validate({"order": "post"}),
        "order is 'post': input should be 'original', 'bn_after_addition', 'relu_before_addition', "
        "'relu_only_preactivation' or 'preactivation'.",
    ),
    (
        lambda: Block.model_validate({"merge": "concat"}),
        "merge is 'concat': input should be 'none', 'add', 'highway' or 'shortcut_gate'.",
    ),
    (
        lambda: Stage(blocks=3, overrides=(Override(index=2, block=Block()), Override(index=1, block=Block()))),
        "overrides name the blocks [2, 1]: name each block once, in order",
    ),
    (
        lambda: Stage(blocks=3, overrides=(Override(index=2, block=Block()), Override(index=2, block=Block()))),
        "overrides name the blocks [2, 2]: name each block once, in order",
    ),
    (
        lambda: Stage(blocks=3, overrides=(Override(index=4, block=Block()),)),
        "overrides name block 4, but the stage has 3: use more blocks, or take the override away",
    ),
    (
        lambda: Network(stages=(Stage(block=Block(merge="none")),), drop_path=DropPath(survival=0.5)),
        "drop_path.survival is 0.5, but no block has a shortcut that could stand in for a dropped branch: use survival "
        "1, or a residual network",
    ),
    (lambda: DropPath(survival=0), "survival is 0: it must be above 0."),
    (
        lambda: Network(stages=(Stage(block=Block(order="relu_before_addition")),), init=Init(zero_last=True)),
        "init.zero_last starts branches at zero, but order relu_before_addition ends them in relu, which passes no "
        "gradient at zero: use order original, or zero_last off",
    ),
    (
        lambda: Network(
            stages=(Stage(block=Block(order="relu_before_addition", activation="sigmoid")),), init=Init(zero_last=True)
        ),
        "init.zero_last starts branches at zero, but order relu_before_addition ends them in sigmoid, which is not "
        "zero at zero: use order original, or zero_last off",
    ),
    (
        lambda: Experiment(contestants={"a": THREE_STRIDES}, recipe=Recipe(batch=1499)),
        "batch 1499 leaves a last batch of one image, and a ends on 1 x 1 maps, where batch norm needs two: "
        "use batch 1498",
    ),
    (
        lambda: Experiment(contestants={"a": grouped_at_the_end("group", 32)}, recipe=Recipe(batch=1499)),
        "batch 1499 leaves a last batch of one image, and a ends on 1 x 1 maps, where group norm needs two: "
        "use batch 1498",
    ),
    (
        lambda: Experiment(contestants={"a": grouped_at_the_end("layer", 1)}, recipe=Recipe(batch=1499)),
        "batch 1499 leaves a last batch of one image, and a ends on 1 x 1 maps, where layer norm needs two: "
        "use batch 1498",
    ),
    (lambda: checked("resnet50"), "a Network is needed here, not str: rv.preset(name) gives one"),  # type: ignore[arg-type]
    (lambda: encode("x"), "a Network, an Experiment or a Comparison can be encoded, not str"),  # type: ignore[arg-type]
    (lambda: decode(None), "A share link is text, not NoneType."),  # type: ignore[arg-type]
    (lambda: Stem(kernel=4), "stem.kernel is 4: an odd size keeps the image centred, try 5"),
    (lambda: Stage(blocks=100_000), "blocks is 100000: it must be at most 1000."),
    (lambda: Input(height=0), "height is 0: it must be at least 1."),
    (lambda: Head(classes=1), "classes is 1: it must be at least 2."),
    (
        lambda: Network(stages=(Stage(blocks=1000), Stage(blocks=300))),
        "1300 blocks are above the limit of 1200: use fewer blocks in the stages",
    ),
    (
        lambda: Network(name="two\nlines"),
        "name has characters that cannot be shown: use letters, digits, spaces and signs",
    ),
    (lambda: Network.model_validate({"version": 2}), "version is 2: input should be 1."),
    (
        lambda: checked(TINY.model_copy(update={"stages": (Stage().model_copy(update={"blocks": 10**5}),)})),
        "stages.1.blocks is 100000: it must be at most 1000.",
    ),
    (
        lambda: checked(TINY.model_copy(update={"init": Init().model_copy(update={"scheme": "zeros"})})),
        "init.scheme is 'zeros': input should be 'kaiming_fan_out', 'kaiming_fan_in', 'xavier', 'pytorch' or "
        "'orthogonal'.",
    ),
    (
        lambda: Experiment(contestants={"a": preset("resnet18")}),
        "a takes images of 3 x 224 x 224, but digits are 1 x 8 x 8: fit the network to the data set first",
    ),
    (
        lambda: Experiment(contestants={"a": TINY.model_copy(update={"head": Head(classes=5)})}),
        "a has 5 classes, but digits have 10",
    ),
    (
        lambda: Experiment(contestants={"a/b": TINY}),
        "contestant 'a/b': use 1 to 80 printable characters without '/'",
    ),
    (
        lambda: Experiment(contestants={"a": TINY}, dataset="mnist"),
        "dataset 'mnist' is not known: use one of digits, cluttered_digits",
    ),
    (
        lambda: Experiment(contestants={"a": TINY}, recipe=Recipe(epochs=10_000, batch=2)),
        "7500000 steps are above 1000000: use fewer epochs or a larger batch",
    ),
    (lambda: Recipe(learning_rate=float("nan")), "learning_rate is nan: input should be a finite number."),
    (lambda: Recipe(momentum=1), "momentum is 1: it must be below 1."),
    (lambda: Recipe(batch=1), "batch is 1: it must be at least 2."),
    (lambda: Recipe(train_images=1), "train_images is 1: it must be at least 2."),
    (lambda: Recipe(label_noise=1.5), "label_noise is 1.5: it must be at most 1."),
    (
        lambda: Experiment(contestants={"a": TINY}, recipe=Recipe(train_images=1501)),
        "train_images is 1501, but digits have 1500: use at most 1500",
    ),
]


@pytest.mark.parametrize(("make", "text"), CASES, ids=[text[:40] for _, text in CASES])
def test_refusals_say_it_in_one_sentence(make: Callable[[], Any], text: str) -> None:
    with pytest.raises((ValidationError, SpecError, ShareError)) as refusal:
        make()
    assert sentence(refusal.value) == text


def test_every_problem_of_a_network_is_found_in_forward_order() -> None:
    network = Network(
        input=Input(height=2, width=2),
        stem=Stem(stride=2, pool="max", width=6),
        stages=(
            Stage(stride=2, block=Block(width=4, cardinality=4)),
            Stage(block=Block(width=2, shortcut="A")),
        ),
    )
    assert [(p.stage, p.block, p.field, p.message) for p in problems(network)] == [
        (0, 1, "stem.stride", "The stem divides the size by 4, but the input is only 2 x 2: use a larger input or a "
         "smaller stem stride."),
        (1, 1, "stride", "Stage 1, block 1 has stride 2, but only 1 x 1 pixels reach it: use a larger input, or a "
         "smaller stride before it."),
        (1, 1, "cardinality", "Stage 1, block 1 cuts 6 channels into 4 groups, which does not come out even: use "
         "cardinality 2, or branch bottleneck."),
        (2, 1, "shortcut", "Stage 2, block 1 goes from 4 to 2 channels, and shortcut A can only add zero channels: "
         "use shortcut B, or a larger width."),
    ]  # fmt: skip


def test_refuse_raises_the_first_problem_with_its_place() -> None:
    network = Network(input=Input(height=1, width=1), stages=(Stage(), Stage(stride=2)))
    with pytest.raises(SpecError) as refusal:
        refuse(network)
    assert str(refusal.value) == (
        "Stage 2, block 1 has stride 2, but only 1 x 1 pixels reach it: use a larger input, or a smaller stride "
        "before it."
    )
    assert (refusal.value.stage, refusal.value.block, refusal.value.field) == (2, 1, "stride")


def test_groups_of_a_bottleneck_need_not_divide_what_enters() -> None:
    network = Network(stem=Stem(width=3), stages=(Stage(block=Block(branch="bottleneck", width=8, cardinality=4)),))
    assert problems(network) == ()


def test_specs_are_frozen_and_equal_by_value() -> None:
    first, second = preset("resnet50"), preset("resnet50")
    assert first == second
    assert hash(first) == hash(second)
    with pytest.raises(ValidationError):
        first.name = "other"  # type: ignore[misc]


def test_networks_that_would_take_minutes_to_inspect_are_refused() -> None:
    """A link of 66 characters may ask for 192,000 convolutions; what the literature has is far below the bounds."""
    split = Block(branch="bottleneck", cardinality=64, width=64, form="split_sum")
    with pytest.raises(ValidationError) as refusal:
        Network(stages=(Stage(blocks=1000, block=split),))
    assert sentence(refusal.value) == (
        "the blocks have 192,000 convolutions, above the limit of 10,000: use fewer blocks, overrides or paths, or "
        "form grouped"
    )
    own = tuple(Override(index=i, block=split.model_copy(update={"gate_bias": i / 100})) for i in range(1, 13))
    with pytest.raises(ValidationError) as refusal:
        Network(stages=(Stage(blocks=12, block=split, overrides=own),))
    assert sentence(refusal.value).startswith("blocks that differ have 2,304 convolutions, above the limit of 2,000: ")
    one = Network(stages=(Stage(blocks=40, block=split),))
    with pytest.raises(ValidationError) as refusal:
        Comparison(networks=(one, one))
    assert "the blocks have 15,360 convolutions" in sentence(refusal.value)
    assert max(sum(block.convolutions for block in preset(name).each) for name in presets()) < 2_000


def test_convolutions_are_those_of_the_plan() -> None:
    for block in (
        Block(), Block(branch="bottleneck"), Block(branch="paths"),
        Block(branch="bottleneck", cardinality=4, form="split_sum"),
        Block(branch="bottleneck", cardinality=4, form="split_concatenate"),
    ):  # fmt: skip
        assert block.convolutions == len(list(named(plan_of(block, 16, 1))))
