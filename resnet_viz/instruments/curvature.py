"""How a surface of losses curves. Without torch: pages read recorded surfaces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def negative_curvature(losses: Sequence[Sequence[float]], spacing: float = 1.0) -> float:
    """Share of the inner points at which the surface's Hessian has a negative eigenvalue (after Li 2018, Sect. 7).

    ``losses`` [rows][columns], three or more each; second differences with that ``spacing``. The eigenvalue is that
    of the 2 x 2 matrix on the plane, not of the network's. Points with a value that is not finite are left out; NaN
    where none is left. Raises ``ValueError`` for a smaller surface.
    """
    values = np.array(losses, dtype=np.float64)
    if values.ndim != 2 or min(values.shape) < 3:
        raise ValueError("the curvature of a surface needs three rows and columns or more")
    with np.errstate(invalid="ignore", over="ignore"):
        middle = values[1:-1, 1:-1]
        across = values[1:-1, 2:] - 2 * middle + values[1:-1, :-2]
        down = values[2:, 1:-1] - 2 * middle + values[:-2, 1:-1]
        mixed = (values[2:, 2:] - values[2:, :-2] - values[:-2, 2:] + values[:-2, :-2]) / 4
        least = ((across + down) / 2 - np.sqrt(((across - down) / 2) ** 2 + mixed**2)) / spacing**2
    known = least[np.isfinite(least)]
    return float((known < 0).mean()) if len(known) else float("nan")
