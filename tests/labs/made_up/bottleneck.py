"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any

from tests.labs.rows import Rows, last

SMALL = {"basic": 1_640_768, "bottleneck": 1_772_800, "grouped": 1_819_904}
CIFAR = {"basic": 26_395_264, "bottleneck": 28_494_336, "grouped": 29_248_000}


def ends(
    basic: float, bottleneck: float, grouped: float, counts: dict[str, int] = SMALL, epochs: int = 4
) -> list[dict[str, Any]]:
    """Test errors of the three nets."""
    rows: list[dict[str, Any]] = []
    for name, macs in counts.items():
        rows.append({"part": "cost", "net": name, "macs": macs, "params": 44_000, "step": macs / 2e7})
    for name, error in (("basic", basic), ("bottleneck", bottleneck), ("grouped", grouped)):
        for epoch, value in ((0, 0.9), (epochs, error)):
            rows.append({
                "part": "trained", "net": name, "epoch": epoch, "epochs": epochs, "train_error": value,
                "test_error": value,
            })  # fmt: skip
    return [{"seed": 0, **row} for row in rows]


MADE_UP = {
    "present": ends(0.3, 0.2, 0.15),
    "absent": ends(0.3, 0.29, 0.3),
    "reversed": ends(0.3, 0.4, 0.45),
}
LARGE = {
    "present": ends(0.3, 0.2, 0.15, CIFAR, 10),
    "absent": ends(0.3, 0.29, 0.3, CIFAR, 10),
    "reversed": ends(0.3, 0.4, 0.45, CIFAR, 10),
}
OUTCOMES = {
    "present": {"gain": "present", "groups": "better"},
    "absent": {"gain": "absent", "groups": "same"},
    "reversed": {"gain": "reversed", "groups": "worse"},
}


def recompute(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What the lab prints once more, from one repeat's findings, without the lab's own code."""
    cost = {one["net"]: one for one in rows if one["part"] == "cost"}
    end = max(one.get("epoch", 0) for one in rows)
    test = {one["net"]: one["test_error"] for one in rows if one.get("epoch") == end}
    found: dict[str, float] = {f"{net}_macs": one["macs"] for net, one in cost.items()}
    found |= {f"{net}_test": error for net, error in test.items()}
    slower = cost["grouped"]["step"] / cost["basic"]["step"]
    return found | {"gain": test["basic"] - test["bottleneck"], "slower": slower}


def table(rows: Rows) -> list[dict[str, Any]]:
    """The table once more, from all repeats: a text for each label, None for other words, values for each number."""
    words = {"basic": ("basic", "14"), "bottleneck": ("bottleneck", "20"), "grouped": ("ResNeXt 4×24d", "20")}
    return [
        {
            "Blocks": said, "Layers": layers, "Multiply-adds": last(rows, "macs", net=net),
            "Parameters": last(rows, "params", net=net),
            "Forward and backward, 128 images": last(rows, "step", net=net),
            "Train error": last(rows, "train_error", net=net), "Test error": last(rows, "test_error", net=net),
        }
        for net, (said, layers) in words.items()
    ]  # fmt: skip
