"""Norms against sums in double precision: large tensors are where torch's own norm in single precision drifts."""

from __future__ import annotations

import pytest
import torch

from resnet_viz.train.norms import Norms

CPU = torch.device("cpu")
TENSORS = {
    "equal values": lambda: torch.full((512, 512), 0.1),
    "conv": lambda: torch.randn(128, 128, 3, 3),
    "channels last": lambda: torch.randn(128, 100, 3, 3).to(memory_format=torch.channels_last),
    "activations": lambda: torch.randn(8, 16, 32, 32).relu().to(memory_format=torch.channels_last),
    "a view": lambda: torch.randn(300, 700)[:, ::2].t(),
    "primes": lambda: torch.rand(2309, 101),
    "a prime": lambda: torch.rand(104_729),
    "linear": lambda: torch.rand(40, 2500),
    "short rows": lambda: torch.rand(5000, 10),
    "long rows": lambda: torch.rand(3, 9000),
    "small": lambda: torch.rand(2560),
    "one": lambda: torch.tensor([-3.0]),
    "none": lambda: torch.empty(0),
}


@pytest.mark.parametrize("scale", [1.0, 1e-22, 1e18])
@pytest.mark.parametrize("name", TENSORS)
def test_a_norm_is_exact_to_two_millionths_whatever_the_size(name: str, scale: float) -> None:
    torch.manual_seed(0)
    tensor = TENSORS[name]() * scale
    expected = float(tensor.double().square().sum().sqrt())
    norms = Norms(CPU)
    found = [norms.of([torch.ones(2), tensor])[1], norms.one(tensor)]
    assert [norm.shape for norm in found] == [(), ()]
    assert [float(norm) for norm in found] == pytest.approx([expected] * 2, rel=2e-6, abs=0)


def test_other_kinds_of_numbers_are_added_up_wide_enough() -> None:
    half = torch.rand(300, 500).bfloat16()
    expected = float(half.double().square().sum().sqrt())
    assert float(Norms(CPU).one(half)) == pytest.approx(expected, rel=1e-6)
