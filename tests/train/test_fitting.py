"""Fitting the identity against the same descent written out, and what the lab says of it."""

from __future__ import annotations

import pytest
import torch

from resnet_viz.nn import build
from resnet_viz.spec import Block, Init, Input, Network, Stage, Stem
from resnet_viz.train.fitting import fit_identity


def blocks(count: int = 1, *, zero: bool = False, **fields: object) -> torch.nn.Module:
    """A stage of such blocks at 8 channels."""
    block = Block.model_validate({"width": 8} | fields)
    network = Network(
        input=Input(channels=8, height=8, width=8), stem=Stem(width=8), stages=(Stage(blocks=count, block=block),),
        init=Init(zero_last=zero),
    )  # fmt: skip
    return build(network).layer1


def noise(count: int = 32) -> torch.Tensor:
    return torch.relu(torch.randn(count, 8, 8, 8, generator=torch.Generator().manual_seed(0)))


def test_each_error_is_that_of_plain_descent() -> None:
    x, module = noise(), blocks(norm="none")
    found = list(fit_identity(blocks(norm="none"), x, steps=5, learning_rate=0.05, momentum=0.8, weight_decay=0.01))
    weights = list(module.parameters())
    speed = [torch.zeros_like(weight) for weight in weights]
    for step in found:
        apart = (module(x) - x).pow(2).sum() / x.pow(2).sum()
        assert step.error == pytest.approx(apart.sqrt().item(), rel=1e-4)
        gradients = torch.autograd.grad(apart, weights)
        with torch.no_grad():
            for weight, gradient, buffer in zip(weights, gradients, speed, strict=True):
                buffer.mul_(0.8).add_(gradient + 0.01 * weight)
                weight.sub_(0.05 * buffer)
    assert [step.step for step in found] == [0, 1, 2, 3, 4, 5]


def test_with_a_shortcut_one_block_learns_it_and_without_it_does_not() -> None:
    x = noise()
    last = {merge: list(fit_identity(blocks(norm="none", merge=merge), x, steps=60))[-1] for merge in ("add", "none")}
    assert last["add"].error < 0.1 < 0.3 < last["none"].error


def test_blocks_of_zero_are_the_identity_from_the_start() -> None:
    assert next(fit_identity(blocks(9, zero=True), noise())).error == 0


def test_it_ends_where_it_is_no_number_and_when_nobody_asks() -> None:
    wild = blocks(norm="none", merge="none", activation="leaky_relu")
    found = list(fit_identity(wild, noise(4), steps=100, learning_rate=1e4))
    assert len(found) < 100 and not found[-1].error < float("inf")
    module = blocks(norm="none")
    before = module[0].conv1.weight.clone()
    steps = fit_identity(module, noise(4))
    next(steps)
    steps.close()
    assert torch.equal(module[0].conv1.weight, before)
