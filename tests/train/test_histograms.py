from __future__ import annotations

import numpy as np
import pytest
import torch

from resnet_viz.train.histograms import BINS, Histogram, histogram


@pytest.mark.parametrize("values", [torch.randn(16, 8, 3, 3), torch.arange(33.0), 1e-30 * torch.rand(500) - 3e-31])
def test_it_counts_as_numpy_does(values: torch.Tensor) -> None:
    found = histogram(values)
    counts, edges = np.histogram(values.double().numpy(), BINS)
    assert (found.low, found.high) == (edges[0], edges[-1])
    assert found.counts == tuple(counts)


def test_equal_values_and_none_at_all() -> None:
    assert histogram(torch.full((7,), 2.0), 4) == Histogram(2.0, 2.0, (7, 0, 0, 0))
    assert histogram(torch.tensor([torch.nan, torch.inf]), 2) == Histogram(0.0, 0.0, (0, 0))
    assert histogram(torch.tensor([0.0, torch.nan, 1.0]), 2) == Histogram(0.0, 1.0, (1, 1))
