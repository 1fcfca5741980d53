"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any


def ends(plain: tuple[float, float], residual: tuple[float, float], test: float = 0.05) -> list[dict[str, Any]]:
    rows = []
    for kind, errors in (("plain", plain), ("residual", residual)):
        for layers, error in zip((8, 56), errors, strict=True):
            for epoch, value in ((0, 0.9), (8, error)):
                rows.append({
                    "seed": 0, "net": kind, "layers": layers, "epoch": epoch, "epochs": 8, "train_error": value,
                    "test_error": max(value, test),
                })  # fmt: skip
    return rows


MADE_UP = {
    "present": ends((0.0, 0.66), (0.0, 0.002)),
    "absent": ends((0.0, 0.03), (0.0, 0.002)),
    "reversed": ends((0.4, 0.1), (0.1, 0.5)),
}
OUTCOMES = {
    "present": {"curve": "rises"},
    "absent": {"curve": "stays"},
    "reversed": {"curve": "falls"},
}
