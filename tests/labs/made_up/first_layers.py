"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any


def grown(frozen: float, free: float, plain: float, residual: float) -> list[dict[str, Any]]:
    """``frozen``, ``free``: test errors on the bad net; ``plain``, ``residual``: train errors at 32 layers."""
    rows: list[dict[str, Any]] = [{"part": "small", "net": "bad", "epoch": 8, "train_error": 0.9, "test_error": 0.9}]
    ends = {"good_frozen": 0.01, "good_free": 0.01, "bad_frozen": frozen, "bad_free": free}
    for epoch in (0, 4):
        for net, error in ends.items():
            value = error if epoch else 0.01 if net.startswith("good") else 0.9
            rows.append({"part": "top", "net": net, "epoch": epoch, "train_error": value, "test_error": value})
    for net, error, norm in (("residual", residual, 0.2), ("plain", plain, 0.05)):
        rows.append({"part": "deep", "net": net, "train_error": error, "norms": [10.0, *[norm] * 47]})
    return [{"seed": 0, **row} for row in rows]


MADE_UP = {
    "present": grown(0.16, 0.013, 0.4, 0.001),
    "absent": grown(0.05, 0.04, 0.05, 0.02),
    "reversed": grown(0.03, 0.1, 0.05, 0.2),
}
OUTCOMES = {
    "present": {"frozen": "stuck", "free": "over"},
    "absent": {"frozen": "repaired", "free": "over"},
    "reversed": {"frozen": "repaired", "free": "behind"},
}
