"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any

SIDE = 5
BOWL = [[1.0 + (row - 2) ** 2 + (column - 2) ** 2 for column in range(SIDE)] for row in range(SIDE)]
HILL = [[9.0 - loss for loss in row] for row in BOWL]
COARSE = [[BOWL[row][column] if row % 2 == column % 2 == 0 else None for column in range(SIDE)] for row in range(SIDE)]


def around(plain: list[list[float]], residual: list[list[float]], alike: tuple[float, float]) -> list[dict[str, Any]]:
    """``plain``, ``residual``: losses on the plane; ``alike``: of the gradients one step apart at 56 layers."""
    rows: list[dict[str, Any]] = []
    lags = [1, 2, 4, 8, 15]
    for layers in (8, 56):
        for net, first in (("plain", alike[0]), ("residual", alike[1])):
            start = first if layers == 56 else 0.97
            rows += [
                {"part": "line", "net": net, "layers": layers, "line": number, "lags": lags,
                 "alike": [start, start / 2, start / 3, start / 4, start / 5]}
                for number in (1, 2)
            ]  # fmt: skip
    for net, error in (("plain", 0.57), ("residual", 0.002)):
        for epoch, value in ((0, 0.9), (8, error)):
            rows.append({
                "part": "trained", "net": net, "epoch": epoch, "epochs": 8, "train_error": value, "test_error": value,
            })  # fmt: skip
    for whole in (False, True):
        for net, losses in (("plain", plain), ("residual", residual)):
            rows.append({
                "part": "surface", "net": net, "level": int(whole), "whole": whole,
                "losses": losses if whole else COARSE,
            })  # fmt: skip
    return [{"seed": 0, **row} for row in rows]


MADE_UP = {
    "present": around(HILL, BOWL, (0.02, 0.9)),
    "absent": around(BOWL, BOWL, (0.6, 0.7)),
    "reversed": around(BOWL, HILL, (0.9, 0.4)),
}
OUTCOMES = {
    "present": {"surface": "plain", "noise": "noise"},
    "absent": {"surface": "same", "noise": "half"},
    "reversed": {"surface": "residual", "noise": "alike"},
}
