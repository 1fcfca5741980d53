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


def recompute(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Some of the lab's numbers once more, from one repeat's findings, without the lab's own code."""
    last = {(one["net"], one["layers"]): one for one in rows if one["epoch"] == 8}
    return {
        "plain_56_train": last["plain", 56]["train_error"],
        "residual_20_test": last["residual", 20]["test_error"],
        "plain_rise_train": last["plain", 56]["train_error"] - last["plain", 8]["train_error"],
        "gap": last["plain", 56]["train_error"] - last["residual", 56]["train_error"],
    }
