"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any


def ends(basic: float, bottleneck: float, grouped: float) -> list[dict[str, Any]]:
    """Test errors of the three nets."""
    rows: list[dict[str, Any]] = []
    for name, macs in (("basic", 1_640_768), ("bottleneck", 1_772_800), ("grouped", 1_819_904)):
        rows.append({"part": "cost", "net": name, "macs": macs, "params": 44_000, "step": macs / 2e7})
    for name, error in (("basic", basic), ("bottleneck", bottleneck), ("grouped", grouped)):
        for epoch, value in ((0, 0.9), (4, error)):
            rows.append({
                "part": "trained", "net": name, "epoch": epoch, "epochs": 4, "train_error": value, "test_error": value,
            })  # fmt: skip
    return [{"seed": 0, **row} for row in rows]


MADE_UP = {
    "present": ends(0.3, 0.2, 0.15),
    "absent": ends(0.3, 0.29, 0.3),
    "reversed": ends(0.3, 0.4, 0.45),
}
OUTCOMES = {
    "present": {"gain": "present", "groups": "better"},
    "absent": {"gain": "absent", "groups": "same"},
    "reversed": {"gain": "reversed", "groups": "worse"},
}
