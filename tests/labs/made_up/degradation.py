"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any

from tests.labs.rows import Rows, last


def ends(
    plain: tuple[float, ...], residual: tuple[float, ...], test: float = 0.05, depths: tuple[int, ...] = (8, 56)
) -> list[dict[str, Any]]:
    rows = []
    for kind, errors in (("plain", plain), ("residual", residual)):
        for layers, error in zip(depths, errors, strict=True):
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
CIFAR = (20, 32, 56)
LARGE = {
    "present": ends((0.2, 0.3, 0.45), (0.2, 0.17, 0.15), depths=CIFAR),
    "absent": ends((0.2, 0.21, 0.22), (0.2, 0.2, 0.21), depths=CIFAR),
    "reversed": ends((0.4, 0.3, 0.1), (0.1, 0.3, 0.5), depths=CIFAR),
}
OUTCOMES = {
    "present": {"curve": "rises"},
    "absent": {"curve": "stays"},
    "reversed": {"curve": "falls"},
}


def recompute(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What the lab prints once more, from one repeat's findings, without the lab's own code."""
    end = max(one["epoch"] for one in rows)
    last = {(one["net"], one["layers"]): one for one in rows if one["epoch"] == end}
    found: dict[str, float] = {}
    for (net, layers), one in last.items():
        found |= {f"{net}_{layers}_train": one["train_error"], f"{net}_{layers}_test": one["test_error"]}
    low, high = min(layers for _, layers in last), max(layers for _, layers in last)
    for net in ("plain", "residual"):
        for which in ("train", "test"):
            found[f"{net}_first_{which}"] = last[net, low][f"{which}_error"]
            found[f"{net}_last_{which}"] = last[net, high][f"{which}_error"]
    rise = last["plain", high]["train_error"] - last["plain", low]["train_error"]
    gap = last["plain", high]["train_error"] - last["residual", high]["train_error"]
    return found | {"first_layers": low, "layers": high, "plain_rise_train": rise, "gap": gap}


def table(rows: Rows) -> list[dict[str, Any]]:
    """The table once more, from all repeats: a text for each label, None for other words, values for each number."""
    return [
        {
            "Network": net, "Layers": str(layers), "Epochs": last(rows, "epoch", net=net, layers=layers),
            "Train error": last(rows, "train_error", net=net, layers=layers),
            "Test error": last(rows, "test_error", net=net, layers=layers),
        }
        for net in ("plain", "residual")
        for layers in sorted({one["layers"] for one in rows})
    ]  # fmt: skip
