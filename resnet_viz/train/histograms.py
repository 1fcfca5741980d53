"""How the values of each layer's weight, or of its gradient, are distributed: counted on request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

BINS = 32
Subject = Literal["weight", "gradient"]


@dataclass(frozen=True)
class Histogram:
    """``counts`` of values in bins of equal width from ``low`` to ``high``, the least and the greatest value."""

    low: float
    high: float
    counts: tuple[int, ...]


def histogram(values: torch.Tensor, bins: int = BINS) -> Histogram:
    """Counted in double precision; a tensor whose values are all equal has them in its first bin.

    Values that are not finite are left out; without any other the histogram is of nothing, from 0 to 0.
    """
    flat = values.detach().cpu().double().flatten()  # not every device has doubles
    flat = flat[flat.isfinite()]
    if not flat.numel():
        return Histogram(0.0, 0.0, (0,) * bins)
    low, high = (float(end) for end in flat.aminmax())
    if low == high:
        return Histogram(low, high, (flat.numel(), *(0,) * (bins - 1)))
    # Places are found by division, as the definition says; the greatest value belongs to the last bin.
    places = ((flat - low) / (high - low) * bins).long().clamp_(max=bins - 1)
    return Histogram(low, high, tuple(torch.bincount(places, minlength=bins).tolist()))
