"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any

from tests.labs.rows import Rows, last


def orders(original: float, full: float, relu_only: float, bn_after: float, relu_before: float) -> list[dict[str, Any]]:
    ends = {
        "original": original, "preactivation": full, "relu_only_preactivation": relu_only,
        "bn_after_addition": bn_after, "relu_before_addition": relu_before,
    }  # fmt: skip
    rows: list[dict[str, Any]] = []
    for order, end in ends.items():
        start = {"seed": 0, "order": order, "epoch": 0, "epochs": 8, "train_error": 0.9, "test_error": 0.9}
        rows += [start | {"flow": [4.0, None, 2.0]}, start | {"epoch": 8, "train_error": end, "test_error": end}]
    return rows


MADE_UP = {
    "present": orders(0.2, 0.006, 0.009, 0.85, 0.56),
    "absent": orders(0.01, 0.006, 0.009, 0.85, 0.56),
    "reversed": orders(0.1, 0.5, 0.4, 0.2, 0.3),
}
LARGE = {
    verdict: [one | {"epoch": min(one["epoch"], 3), "epochs": 3} for one in rows] for verdict, rows in MADE_UP.items()
}
OUTCOMES = {
    "present": {"best": "preactivation", "moved": "fail"},
    "absent": {"best": "equal", "moved": "fail"},
    "reversed": {"best": "original", "moved": "train"},
}


def recompute(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What the lab prints once more, from one repeat's findings, without the lab's own code."""
    end = max(one["epoch"] for one in rows)
    last = {one["order"]: one["train_error"] for one in rows if one["epoch"] == end}
    return {f"{order}_train": error for order, error in last.items()} | {
        "gain": last["original"] - last["preactivation"],
        "blocked": min(last["bn_after_addition"], last["relu_before_addition"]) - last["preactivation"],
    }


def table(rows: Rows) -> list[dict[str, Any]]:
    """The table once more, from all repeats: a text for each label, None for other words, values for each number."""
    words = {
        "original": "original", "preactivation": "full pre-activation",
        "relu_only_preactivation": "ReLU-only pre-activation", "bn_after_addition": "BN after addition",
        "relu_before_addition": "ReLU before addition",
    }  # fmt: skip
    return [
        {
            "Order (He 2016b, Fig. 4)": said, "Epochs": last(rows, "epoch", order=order),
            "Train error": last(rows, "train_error", order=order), "Test error": last(rows, "test_error", order=order),
        }
        for order, said in words.items()
    ]  # fmt: skip
