"""Hypothesis strategies for specs: random networks, small enough to run, that a person could have put together."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import strategies as st
from pydantic import ValidationError

from resnet_viz.spec import (
    Block,
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
    Stage,
    Stem,
    fit_to_dataset,
)  # fmt: skip
from resnet_viz.spec.block import Activation, Attention, Branch, Form, LanePool, Merge, Norm, Order, Shortcut
from resnet_viz.spec.network import Decay, Pool, Scheme
from resnet_viz.spec.shapes import problems

NAMES = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=80).filter(
    lambda name: bool(name.strip()) and name.isprintable()
)


DROP_PATHS = st.builds(
    DropPath, survival=st.sampled_from((1.0, 1.0, 0.5)), decay=st.sampled_from(get_args(Decay))
)  # fmt: skip

LANES = st.builds(
    Lane,
    pool=st.sampled_from(get_args(LanePool)),
    convs=st.lists(
        st.builds(LaneConv, kernel=st.sampled_from((1, 3, 5, 7)), width=st.sampled_from((1, 2, 4, 6))),
        min_size=1, max_size=3,
    ).map(tuple),
)  # fmt: skip

ONE_IN_THREE = st.sampled_from((False, False, True))
STRENGTHS = st.sampled_from((1.0, 1.0, 1.0, 0.5, 0.0, -0.25))


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    """A block with every axis drawn; what makes no sense together goes back to its default."""
    fields: dict[str, Any] = {
        "branch": draw(st.sampled_from(get_args(Branch))),
        "width": draw(st.sampled_from((1, 2, 4, 6, 8))),
        "expansion": draw(st.sampled_from((None, None, 1, 2, 3))),
        "cardinality": draw(st.sampled_from((1, 1, 2, 4))),
        "base_width": draw(st.sampled_from((None, None, 16, 64, 96))),
        "form": draw(st.sampled_from(get_args(Form))),
        "paths": draw(st.lists(LANES, max_size=3).map(tuple)),
        "merge": draw(st.sampled_from(get_args(Merge))),
        "gate_bias": draw(st.sampled_from((-3.0, -1.0, 0.0, 0.5))),
        "gate_kernel": draw(st.sampled_from((1, 3))),
        "alpha": draw(STRENGTHS),
        "beta": draw(STRENGTHS),
        "shortcut": draw(st.sampled_from(get_args(Shortcut))),
        "shortcut_dropout": draw(st.sampled_from((0.0, 0.0, 0.5))),
        "projection_norm": draw(st.sampled_from((None, True, False))),
        "stride_on": draw(st.sampled_from(("3x3", "1x1"))),
        "order": draw(st.sampled_from(get_args(Order))),
        "norm": draw(st.sampled_from(get_args(Norm))),
        "activation": draw(st.sampled_from(get_args(Activation))),
        "bias": draw(st.booleans()),
        "attention": draw(st.sampled_from(get_args(Attention))),
    }
    for harmless in ({}, {"form": "grouped"}, {"cardinality": 1, "base_width": None, "width": 8}, {"norm": "batch"}):
        fields |= harmless
        try:
            return Block(**fields)
        except ValidationError:
            continue
    raise AssertionError(f"no block: {fields}")


@st.composite
def stages(draw: st.DrawFn) -> Stage:
    """One to three blocks, sometimes one of them another one than the rest."""
    count = draw(st.integers(1, 3))
    places = draw(st.sets(st.integers(1, count), max_size=1))
    overrides = tuple(Override(index=place, block=draw(blocks())) for place in sorted(places))
    return Stage(blocks=count, stride=draw(st.integers(1, 3)), block=draw(blocks()), overrides=overrides)


@st.composite
def drafts(draw: st.DrawFn) -> Network:
    """A network that can be written down; building it may still be refused."""
    made = tuple(draw(st.lists(stages(), min_size=1, max_size=3)))
    each = [block for stage in made for block in stage.each]
    plain = all(block.merge == "none" for block in each)
    zero_last = draw(ONE_IN_THREE) and all(block.order != "relu_before_addition" for block in each)
    return Network(
        name=draw(NAMES),
        input=Input(channels=draw(st.integers(1, 3)), height=draw(st.integers(1, 20)), width=draw(st.integers(1, 20))),
        stem=Stem(
            width=draw(st.sampled_from((1, 3, 4, 8))),
            kernel=draw(st.sampled_from((1, 3, 5, 7))),
            stride=draw(st.integers(1, 3)),
            pool=draw(st.sampled_from(get_args(Pool))),
            norm=draw(st.sampled_from(get_args(Norm))),
            activation=draw(st.sampled_from(get_args(Activation))),
            activated=draw(st.booleans()),
            bias=draw(st.booleans()),
        ),
        stages=made,
        head=Head(classes=draw(st.integers(2, 12))),
        init=Init(scheme=draw(st.sampled_from(get_args(Scheme))), zero_last=zero_last),
        drop_path=DropPath() if plain else draw(DROP_PATHS),
    )


def mended(network: Network) -> Network:
    """The network with each failing field put to a value that always works."""
    while found := problems(network):
        first = found[0]
        if first.stage == 0:
            network = network.model_copy(update={"stem": network.stem.model_copy(update={"stride": 1, "pool": "none"})})
            continue
        stages = list(network.stages)
        stage = stages[first.stage - 1]
        if first.field == "stride":
            stages[first.stage - 1] = stage.model_copy(update={"stride": 1})
        else:
            works = {"shortcut": "B"} if first.field == "shortcut" else {"cardinality": 1, "form": "grouped"}
            stages[first.stage - 1] = _with_block(stage, first.block, works)
        network = network.model_copy(update={"stages": tuple(stages)})
    return network


def _with_block(stage: Stage, index: int, works: dict[str, Any]) -> Stage:
    """The stage with these fields in that block, which may be an override."""
    own = {o.index for o in stage.overrides}
    if index not in own:
        return stage.model_copy(update={"block": stage.block.model_copy(update=works)})
    changed = tuple(
        o.model_copy(update={"block": o.block.model_copy(update=works)}) if o.index == index else o
        for o in stage.overrides
    )
    return stage.model_copy(update={"overrides": changed})


def networks() -> st.SearchStrategy[Network]:
    """A network that can be built."""
    return drafts().map(mended)


@st.composite
def experiments(draw: st.DrawFn) -> Experiment:
    """One to three networks fitted to the digits, with a recipe."""
    one = st.sampled_from(("plain", "residual", "third one", "π"))
    names = draw(st.lists(one, min_size=1, max_size=3, unique=True))
    contestants = {name: fit_to_dataset(draw(networks()), "digits")[0] for name in names}
    recipe = Recipe(
        epochs=draw(st.integers(1, 20)),
        batch=draw(st.integers(2, 256)),
        seed=draw(st.integers(0, 2**31 - 1)),
        learning_rate=draw(st.floats(1e-4, 1)),
        warmup_steps=draw(st.integers(0, 20)),
        schedule=draw(st.sampled_from(("constant", "step", "cosine"))),
        pace=draw(st.sampled_from((0, 5, 20))),
        loss=draw(st.sampled_from(("cross_entropy", "double_softmax"))),
        train_images=draw(st.sampled_from((None, 360, 1500))),
        label_noise=draw(st.sampled_from((0, 0.2, 1))),
    )
    return Experiment(contestants=contestants, recipe=recipe)
