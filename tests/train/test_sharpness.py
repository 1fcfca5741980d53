"""The largest eigenvalue of the Hessian, against the whole Hessian and against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from resnet_viz.data import load
from resnet_viz.nn import build
from resnet_viz.spec import Block, Network, Stage, Stem, preset
from resnet_viz.train import sharpness as module
from resnet_viz.train.losses import LOSSES
from resnet_viz.train.sharpness import sharpness


def spectrum(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """All eigenvalues, from the Hessian that torch writes out."""
    names = [name for name, _ in model.named_parameters()]
    sizes = [weight.shape for weight in model.parameters()]

    def loss(flat: torch.Tensor) -> torch.Tensor:
        parts = [part.view(size) for part, size in zip(flat.split([s.numel() for s in sizes]), sizes, strict=True)]
        return functional.cross_entropy(functional_call(model, dict(zip(names, parts, strict=True)), (x,)), y)

    flat = torch.cat([weight.detach().flatten() for weight in model.parameters()])
    return torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, flat))


def test_it_is_the_largest_eigenvalue_also_where_the_most_negative_one_is_larger_in_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "TOLERANCE", 1e-8)
    monkeypatch.setattr(module, "ITERATIONS", 5000)
    kinds = set()
    for seed in range(8):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).double()
        with torch.no_grad():
            model[2].weight *= 0.1 if seed % 2 else 30  # far from the labels the loss curves downwards, too
        x, y = torch.randn(6, 3, dtype=torch.float64), torch.randint(3, (6,))
        values = spectrum(model, x, y)
        kinds.add(bool(values[0].abs() > values[-1]))
        found = sharpness(model, x, y)
        assert found.value == pytest.approx(values[-1].item(), rel=1e-3), seed
        assert all(weight.grad is None for weight in model.parameters())
    assert kinds == {True, False}


def test_it_is_that_of_the_recipes_loss() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    x, y = torch.randn(6, 3, dtype=torch.float64), torch.randint(3, (6,))
    twice = sharpness(nn.Sequential(model, nn.Softmax(1)), x, y)
    assert sharpness(model, x, y, loss=LOSSES["double_softmax"]).value == pytest.approx(twice.value, rel=1e-9)
    assert twice.value != pytest.approx(sharpness(model, x, y).value, rel=0.05)


def test_for_a_residual_network_it_is_the_one_that_finite_differences_of_the_gradient_have() -> None:
    """Batch statistics are part of the function; tanh, since a finite step would cross a ReLU's kink."""
    data = load("digits")
    x, y = data.train_x[:16].double(), data.train_y[:16]
    block = Block(width=4, activation="tanh")
    net = Network(
        input=preset("tiny_resnet8").input, stem=Stem(width=4, activation="tanh"), stages=(Stage(block=block),)
    )
    model = build(net, seed=0).double().train()
    weights = list(model.parameters())
    sizes = [weight.numel() for weight in weights]

    def gradient(along: torch.Tensor) -> torch.Tensor:
        parts = [part.view_as(w) for part, w in zip(along.split(sizes), weights, strict=True)]
        with torch.no_grad():
            torch._foreach_add_(weights, parts)
        made = torch.autograd.grad(functional.cross_entropy(model(x), y), weights)
        with torch.no_grad():
            torch._foreach_sub_(weights, parts)
        return torch.cat([part.flatten() for part in made])

    def product(vector: np.ndarray) -> np.ndarray:
        step = 1e-5 * torch.from_numpy(vector.ravel() / np.linalg.norm(vector))
        return ((gradient(step) - gradient(-step)) / 2e-5).numpy() * np.linalg.norm(vector)

    operator = LinearOperator((sum(sizes),) * 2, matvec=product, dtype=np.float64)
    top = eigsh(operator, k=1, which="LA", tol=1e-4, return_eigenvectors=False, v0=np.ones(sum(sizes)))
    found = sharpness(model, x, y)
    assert found.value == pytest.approx(top[0], rel=0.05)
    assert found.residual < 0.3 * found.value and found.iterations <= 2 * module.ITERATIONS


def test_it_ends_when_the_race_does() -> None:
    model = nn.Sequential(nn.Linear(3, 3))
    found = sharpness(model, torch.randn(4, 3), torch.zeros(4, dtype=torch.int64), go_on=lambda: False)
    assert found.iterations == 1
