"""The three forms of Xie 2017, Fig. 3, are one function: with carried weights their outputs agree."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import get_args

import pytest
import torch
from pydantic import ValidationError

from resnet_viz.nn import build, carry_forms
from resnet_viz.nn.networks import ResidualNetwork
from resnet_viz.spec import Block, Input, Network, Override, SpecError, Stage, Stem
from resnet_viz.spec.block import Form, Order

FORMS = get_args(Form)


def grouped(**changes: object) -> Network:
    fields = {"branch": "bottleneck", "width": 16, "cardinality": 4, "base_width": 32, **changes}
    block = Block.model_validate(fields)
    other = block.model_copy(update={"expansion": 4, "cardinality": 2, "base_width": None})
    stages = (
        Stage(block=block),
        Stage(blocks=2, stride=2, block=block, overrides=(Override(index=2, block=other),)),
    )
    return Network(input=Input(height=8, width=6), stem=Stem(width=8, activated=not block.preactivated), stages=stages)


def in_form(network: Network, form: str) -> Network:
    """The network with every block in that form."""
    stages = []
    for stage in network.stages:
        overrides = tuple(
            o.model_copy(update={"block": o.block.model_copy(update={"form": form})}) for o in stage.overrides
        )
        block = stage.block.model_copy(update={"form": form})
        stages.append(stage.model_copy(update={"block": block, "overrides": overrides}))
    return network.model_copy(update={"stages": tuple(stages)})


def shaken(network: Network) -> ResidualNetwork:
    """In float64, norms and biases away from their start."""
    model = build(network, seed=2).double()
    source = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.dim() == 1:
                value.add_(0.2 * torch.rand(value.shape, generator=source, dtype=value.dtype))
    return model


@pytest.mark.parametrize("order", get_args(Order))
@pytest.mark.parametrize("changes", [{}, {"bias": True, "stride_on": "1x1"}, {"norm": "none"}])
def test_forms_agree_in_training_and_evaluation(order: str, changes: dict[str, object]) -> None:
    if changes.get("norm") == "none" and order == "bn_after_addition":
        with pytest.raises(ValidationError):
            Block(norm="none", order="bn_after_addition")
        return
    base = grouped(order=order, **changes)
    x = torch.randn(3, 3, 8, 6, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    for first, second in pairwise((*FORMS, "grouped")):
        source, target = in_form(base, first), in_form(base, second)
        model, other = shaken(source), build(target).double()
        state = {key: value.clone() for key, value in model.state_dict().items()}
        for training in (False, True):
            other.load_state_dict(carry_forms(source, target, state), strict=True)
            expected, got = model.train(training)(x), other.train(training)(x)
            torch.testing.assert_close(got, expected, rtol=0, atol=1e-10)
        back = carry_forms(target, source, other.state_dict())  # the running statistics moved alike, too
        for key, value in model.state_dict().items():
            if not re.search(r"paths\.\d+\.conv3\.bias", key):  # of added biases only the sum is known
                torch.testing.assert_close(back[key], value, rtol=0, atol=1e-10)


def test_keys_are_in_the_targets_order() -> None:
    base = grouped()
    target = in_form(base, "split_sum")
    carried = carry_forms(base, target, build(base).state_dict())
    built = build(target).state_dict()
    assert [(k, v.shape) for k, v in carried.items()] == [(k, v.shape) for k, v in built.items()]


def test_what_is_not_the_same_function_is_refused() -> None:
    base = grouped()
    with pytest.raises(SpecError) as refusal:
        carry_forms(base, grouped(width=32), {})
    assert str(refusal.value) == "weights are carried between networks that differ in form only"
    with pytest.raises(SpecError) as refusal:
        carry_forms(base, in_form(base, "split_sum"), build(in_form(base, "split_sum"), "meta").state_dict())
    assert str(refusal.value) == (
        "these are not the weights of network: layer1.0.bn1.bias stands in one of the two only"
    )
    layered = in_form(grouped(norm="group"), "split_sum")
    with pytest.raises(SpecError) as refusal:
        carry_forms(grouped(norm="group"), layered, {})
    assert str(refusal.value) == "the forms are equal with batch norm or none, not with group norm"
