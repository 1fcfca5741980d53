"""Images made up for a smoke test: two classes told apart by their brightness."""

from __future__ import annotations

import io

import numpy as np


def made_up(train: int = 24, test: int = 8, side: int = 8) -> bytes:
    """An ``.npz`` of your own images: uint8 [N, 3, side, side], labels 0 and 1 in turns."""
    draw = np.random.default_rng(0)
    y = np.arange(train + test) % 2
    x = (draw.random((train + test, 3, side, side)) * 120 + 100 * y[:, None, None, None]).astype(np.uint8)
    file = io.BytesIO()
    np.savez(file, train_x=x[:train], train_y=y[:train], test_x=x[train:], test_y=y[train:])
    return file.getvalue()
