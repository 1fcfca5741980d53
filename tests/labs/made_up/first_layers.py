"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any

from tests.labs.rows import Rows, last


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


def recompute(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What the lab prints once more, from one repeat's findings, without the lab's own code."""
    small = [one for one in rows if one["part"] == "small" and one["net"] == "bad" and "test_error" in one]
    top = {(one["net"], one["epoch"]): one["test_error"] for one in rows if one["part"] == "top"}
    deep = {one["net"]: one for one in rows if one["part"] == "deep"}
    end = max(epoch for _, epoch in top)
    found: dict[str, float] = {"small_bad": small[-1]["test_error"]} if small else {}
    for arm in ("good_frozen", "good_free", "bad_frozen", "bad_free"):
        found |= {arm: top[arm, end], f"{arm}_at_first": top[arm, 0]}
    return found | {
        "stuck": top["bad_frozen", end] - top["bad_free", end],
        "deep_plain": deep["plain"]["train_error"],
        "deep_residual": deep["residual"]["train_error"],
        "gap": deep["plain"]["train_error"] - deep["residual"]["train_error"],
        "start_plain": deep["plain"]["norms"][0],
        "norm_plain": deep["plain"]["norms"][11],
        "norm_residual": deep["residual"]["norms"][11],
        "arrives": deep["residual"]["norms"][11] / deep["plain"]["norms"][11],
    }


def table(rows: Rows) -> list[dict[str, Any]]:
    """The table once more, from all repeats: a text for each label, None for other words, values for each number."""
    found = []
    for net in ("good", "bad"):
        for how, said in (("frozen", "frozen"), ("free", "all learn")):
            top = [one for one in rows if one["part"] == "top" and one["net"] == f"{net}_{how}"]
            found.append({
                "Net": f"12 layers on a {net} net, {said}",
                "Test error when grown": last(top, "test_error", epoch=0),
                "Error 4 epochs later": last(top, "test_error", epoch=4), "First block's gradient, step 11": "-",
            })  # fmt: skip
    for net in ("residual", "plain"):
        deep = [one | {"norm": one["norms"][11]} for one in rows if one["part"] == "deep" and one["net"] == net]
        found.append({
            "Net": f"32 layers, {net}, on a bad net, all learn", "Test error when grown": "-",
            "Error 4 epochs later": last(deep, "train_error"), "First block's gradient, step 11": last(deep, "norm"),
        })  # fmt: skip
    return found
