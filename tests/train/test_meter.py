"""The norms of somebody else's model against autograd's own gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from resnet_viz.train.meter import Layers, Meter, is_shortcut


class Mixed(nn.Module):
    """One layer of every kind, used in another order than they are made, and one that is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(6, 3)
        self.unused = nn.Linear(2, 2)
        self.volume = nn.Conv3d(1, 2, 3, padding=1)
        self.image = nn.Conv2d(4, 4, 3, padding=1)
        self.line = nn.Conv1d(4, 6, 3, padding=1)
        self.normed = nn.utils.parametrizations.weight_norm(nn.Linear(3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.volume(x).flatten(1, 2)
        x = self.image(x).mean(2)
        return self.normed(self.last(self.line(x).mean(2)))


def trained(model: nn.Module, scale: float = 1.0) -> torch.Tensor:
    torch.manual_seed(0)
    loss = scale * model(torch.randn(5, 1, 2, 4, 4)).square().mean()
    loss.backward()
    return loss


def exact(model: nn.Module, path: str) -> float:
    return float(model.get_submodule(path).weight.grad.double().square().sum().sqrt())


def test_layers_are_found_in_forward_order_with_the_size_of_their_output():
    model = Mixed()
    layers = Layers(model)
    trained(model)
    model(torch.randn(5, 1, 2, 4, 4))
    found = {row.path: (row.kind, row.size) for row in layers.found()}
    assert found == {
        "last": ("linear", (3, 1, 1)), "unused": ("linear", (2, 1, 1)), "volume": ("conv", (2, 4, 4)),
        "image": ("conv", (4, 4, 4)), "line": ("conv", (6, 1, 4)),
    }  # fmt: skip
    assert not any(module._forward_hooks for module in model.modules())
    del model.unused
    layers = Layers(model)
    trained(model)
    assert [row.path for row in layers.found()] == ["volume", "image", "line", "last"]


@pytest.mark.parametrize("scale", [1.0, 1e-18, 1e15])
def test_norms_are_those_of_autograd_whatever_their_size(scale):
    model = Mixed()
    layers = Layers(model)
    loss = trained(model, scale)
    rows = layers.found()
    meter = Meter([row.weight for row in rows])
    meter.record(loss)
    first, values = meter.take()
    assert (first, values.shape) == (0, (1, 6))
    assert values[0, 0] == np.float32(loss.item())
    for row, value in zip(rows, values[0, 1:], strict=True):
        if row.path == "unused":
            assert np.isnan(value)
        else:
            assert value == pytest.approx(exact(model, row.path), rel=1e-6)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64])
def test_other_kinds_of_numbers_are_measured_too(kind):
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4).to(kind))
    x = torch.randn(3, 4)
    model[1](model[0](x).to(kind)).float().square().sum().backward()
    meter = Meter([layer.weight for layer in model])
    meter.record(1.5)
    _, values = meter.take()
    assert values[0].tolist() == pytest.approx([1.5, exact(model, "0"), exact(model, "1")], rel=1e-6)


def test_rows_wait_in_order_until_they_are_taken():
    weight = nn.Parameter(torch.ones(2, 2))
    meter = Meter([weight], capacity=4)
    seen = []
    for step in range(11):
        weight.grad = torch.full((2, 2), float(step))
        meter.record(float(step))
        if step % 3 == 2:
            first, values = meter.take()
            assert first == len(seen)
            seen += values.tolist()
    assert seen == [[step, 2 * step] for step in range(9)]
    for _ in range(2):
        meter.record(0.0)
    with pytest.raises(BufferError) as refused:
        meter.record(0.0)
    assert str(refused.value) == "4 rows wait in the ring: take them first"


def test_a_step_that_a_scaler_left_out_is_missing():
    weight = nn.Parameter(torch.ones(2))
    weight.grad = torch.tensor([1.0, float("inf")])
    meter = Meter([weight])
    meter.record(2.0, skipped_is_missing=True)
    meter.record(2.0)
    _, values = meter.take()
    assert np.isnan(values[0, 1]) and np.isinf(values[1, 1])


def test_a_model_without_such_layers_has_its_loss():
    meter = Meter([])
    meter.record(torch.tensor([3.0]))
    assert meter.take()[1].tolist() == [[3.0]]


def test_names_of_shortcuts():
    assert is_shortcut("layer2.0.downsample.0") and not is_shortcut("layer2.0.conv1")
