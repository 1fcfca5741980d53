"""The ring: exact norms, nothing lost, nothing twice."""

import numpy as np
import pytest
import torch
from torch import nn

from resnet_viz.train.probes import Probe, signal_names

CPU = torch.device("cpu")


class Two(nn.Module):
    """Two linear layers and a block in between, whose input has two readers, as in a residual network."""

    def __init__(self):
        super().__init__()
        self.first, self.block, self.last = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        x = self.first(x)
        return self.last(self.block(x) + x)


@pytest.fixture
def measured():
    torch.manual_seed(0)
    model = Two()
    return model, Probe(model, ["first", "last"], ["block"], CPU, capacity=4)


def step(model: nn.Module, probe: Probe, scale: float = 1.0, rate: float = 0.5) -> None:
    model.zero_grad()
    loss = scale * model(torch.ones(5, 3)).square().mean()
    loss.backward()
    with torch.no_grad():
        probe.record(loss, torch.tensor(0.25), rate)


def test_columns_have_the_order_of_the_signals(measured):
    model, probe = measured
    assert probe.signals == ("loss", "train_error", "lr", "grad_norm/first", "grad_norm/last", "input_grad/block")
    assert probe.signals == signal_names(["first", "last"], ["block"])
    step(model, probe)
    first, values = probe.take()
    assert first == 0 and values.dtype == np.float32
    middle = model.first(torch.ones(5, 3)).detach().requires_grad_()
    loss = model.last(model.block(middle) + middle).square().mean()
    expected = [
        loss.item(), 0.25, 0.5, model.first.weight.grad.double().norm().item(),
        model.last.weight.grad.double().norm().item(), torch.autograd.grad(loss, middle)[0].double().norm().item(),
    ]  # fmt: skip
    assert values[0] == pytest.approx(expected, rel=1e-6)


def test_rows_survive_the_end_of_the_ring_and_come_once(measured):
    model, probe = measured
    taken = []
    for count in (3, 3, 1, 4):
        for _ in range(count):
            step(model, probe, rate=sum(len(rows) for _, rows in taken) + probe.waiting)
        taken.append(probe.take())
    assert [first for first, _ in taken] == [0, 3, 6, 7]
    rows = np.concatenate([rows for _, rows in taken])
    assert rows[:, 2].tolist() == list(range(11))
    assert np.ptp(rows[:, 3:], axis=0).tolist() == [0, 0, 0]
    assert probe.waiting == 0 and len(probe.take()[1]) == 0


def test_a_full_ring_refuses_to_lose_a_row(measured):
    model, probe = measured
    for _ in range(4):
        step(model, probe)
    with pytest.raises(BufferError, match=r"^4 rows wait in the ring: take them first$"):
        step(model, probe)


@pytest.mark.parametrize("scale", [1e-27, 1e24])
def test_norms_whose_squares_leave_single_precision_are_exact(measured, scale):
    model, probe = measured
    step(model, probe)
    step(model, probe, scale)
    _, (usual, scaled) = probe.take()
    assert scaled[3:] / scale == pytest.approx(usual[3:], rel=1e-4)


def test_a_forward_pass_without_gradients_is_not_measured(measured):
    model, probe = measured
    step(model, probe)
    with torch.no_grad():
        model(torch.zeros(2, 3))
    probe.record(torch.tensor(0.0), torch.tensor(0.0), 0.0)
    _, values = probe.take()
    assert values[0, 5] == values[1, 5] > 0
