"""Hypothesis strategies for specs: random networks, small enough to run, that a person could have put together."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import strategies as st
from pydantic import ValidationError

from resnet_viz.spec import Block, Experiment, Head, Init, Input, Network, Recipe, Stage, Stem, fit_to_dataset
from resnet_viz.spec.network import Activation, Branch, Merge, Norm, Order, Pool, Scheme, Shortcut
from resnet_viz.spec.shapes import problems

NAMES = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=80).filter(
    lambda name: bool(name.strip()) and name.isprintable()
)


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    """A block with every axis drawn; a cardinality that does not divide becomes 1."""
    fields: dict[str, Any] = {
        "branch": draw(st.sampled_from(get_args(Branch))),
        "width": draw(st.sampled_from((1, 2, 4, 6, 8))),
        "expansion": draw(st.sampled_from((None, None, 1, 2, 3))),
        "cardinality": draw(st.sampled_from((1, 1, 2, 4))),
        "base_width": draw(st.sampled_from((None, None, 16, 64, 96))),
        "merge": draw(st.sampled_from(get_args(Merge))),
        "shortcut": draw(st.sampled_from(get_args(Shortcut))),
        "stride_on": draw(st.sampled_from(("3x3", "1x1"))),
        "order": draw(st.sampled_from(get_args(Order))),
        "norm": draw(st.sampled_from(get_args(Norm))),
        "activation": draw(st.sampled_from(get_args(Activation))),
    }
    try:
        return Block(**fields)
    except ValidationError:
        return Block(**(fields | {"cardinality": 1, "base_width": None}))


@st.composite
def drafts(draw: st.DrawFn) -> Network:
    """A network that can be written down; building it may still be refused."""
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
        ),
        stages=tuple(
            Stage(blocks=draw(st.integers(1, 3)), stride=draw(st.integers(1, 3)), block=draw(blocks()))
            for _ in range(draw(st.integers(1, 3)))
        ),
        head=Head(classes=draw(st.integers(2, 12))),
        init=Init(scheme=draw(st.sampled_from(get_args(Scheme)))),
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
            works = {"shortcut": "B"} if first.field == "shortcut" else {"cardinality": 1}
            stages[first.stage - 1] = stage.model_copy(update={"block": stage.block.model_copy(update=works)})
        network = network.model_copy(update={"stages": tuple(stages)})
    return network


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
    )
    return Experiment(contestants=contestants, recipe=recipe)
