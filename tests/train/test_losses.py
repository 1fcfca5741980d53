"""The losses against their formulas, and through the engine."""

from __future__ import annotations

import math

import pytest
import torch

from resnet_viz.data import load
from resnet_viz.nn import build
from resnet_viz.spec import Recipe, preset
from resnet_viz.train.engine import EagerEngine
from resnet_viz.train.losses import LOSSES, double_softmax
from resnet_viz.train.selection import selected


def by_hand(scores: torch.Tensor, labels: torch.Tensor, softmaxes: int) -> float:
    total = 0.0
    for row, label in zip(scores.double().tolist(), labels.tolist(), strict=True):
        for _ in range(softmaxes):
            powers = [math.exp(value) for value in row]
            row = [power / sum(powers) for power in powers]
        total -= math.log(row[label])
    return total / len(labels)


@pytest.mark.parametrize(("name", "softmaxes"), [("cross_entropy", 1), ("double_softmax", 2)])
def test_a_loss_is_its_formula(name: str, softmaxes: int) -> None:
    scores = torch.randn(7, 10, generator=torch.Generator().manual_seed(0)) * 3
    labels = torch.arange(7)
    assert LOSSES[name](scores, labels).item() == pytest.approx(by_hand(scores, labels, softmaxes), rel=1e-6)


def test_two_softmaxes_have_a_floor_and_a_ceiling() -> None:
    right = 1000 * torch.eye(10)
    assert double_softmax(right, torch.arange(10)).item() == pytest.approx(math.log(math.e + 9) - 1, rel=1e-6)
    assert double_softmax(right, (torch.arange(10) + 1) % 10).item() == pytest.approx(math.log(math.e + 9), rel=1e-6)
    assert math.log(math.e + 9) - 1 == pytest.approx(1.461, abs=5e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_the_engine_trains_with_the_recipes_loss_on_the_recipes_images(name: str) -> None:
    recipe = Recipe(loss=name, train_images=100, label_noise=0.3, batch=128, seed=2)
    network, data = preset("tiny_resnet8"), selected(load("digits"), recipe)
    engine = EagerEngine(network, recipe, data, ["conv1", "fc"], torch.device("cpu"))
    engine.compute(0, 0.1)
    row = dict(zip(engine.probe.signals, engine.probe.take()[1][0].tolist(), strict=True))
    model = build(network, seed=2)
    scores = model(data.train_x)
    assert row["loss"] == pytest.approx(by_hand(scores.detach(), data.train_y, 1 + (name != "cross_entropy")), rel=1e-5)
    loss = LOSSES[name](scores, data.train_y)
    gradient = torch.autograd.grad(loss, model.fc.weight)[0]
    assert row["grad_norm/fc"] == pytest.approx(gradient.norm().item(), rel=1e-4)
    assert row["train_error"] == pytest.approx((scores.argmax(1) != data.train_y).double().mean().item())
