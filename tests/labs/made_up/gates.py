"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any

from resnet_viz.labs.questions.gates import BLOCKS, WAYS
from tests.labs.rows import Rows, last

GATES = {"both_0": 0.5, "both_1": 0.27, "both_3": 0.05, "both_6": 0.0025, "shortcut_0": 0.5, "shortcut_6": 0.0025}


def ends(growth: float, **errors: float) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name, way in WAYS.items():
        if name in GATES:
            gates = [GATES[name]] * BLOCKS
            rows.append({"net": name, "moment": "start", "gates": gates, "share": (1 - GATES[name]) ** BLOCKS})
            rows.append({"net": name, "moment": "end", "gates": gates})
        elif name in ("conv", "dropout"):
            rows.append({"net": name, "moment": "start"})
        else:
            rows.append({"net": name, "moment": "start", "share": way.block.get("alpha", 1.0) ** BLOCKS})
        gradient = 2.0 * growth if name == "alpha_50" else 2.0
        rows.append({"net": name, "epoch": 0, "train_error": 0.9, "test_error": 0.9, "gradient": gradient})
        if name == "dropout":
            rows.append({"net": name, "failed": True})
        else:
            error = errors.get(name, 0.6)
            rows.append({"net": name, "epoch": 8, "train_error": error, "test_error": error})
    rows.append({"opened": 0.0})
    return [row | {"seed": 0} for row in rows]


MADE_UP = {
    "present": ends(20.0, identity=0.002, both_6=0.1, both_3=0.4, alpha_90=0.016),
    "absent": ends(1.0),
    "reversed": ends(0.1, identity=0.7, half=0.3, both_6=0.7, both_3=0.7, both_1=0.7, both_0=0.7),
}
OUTCOMES = {
    "present": {"best": "identity", "bias": "from_3", "gradient": "larger"},
    "absent": {"best": "identity", "bias": "none", "gradient": "same"},
    "reversed": {"best": "half", "bias": "none", "gradient": "smaller"},
}


def recompute(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What the lab prints once more, from one repeat's findings, without the lab's own code."""
    end = max(one.get("epoch", 0) for one in rows)
    found: dict[str, float] = {one["net"] + "_train": one["train_error"] for one in rows if one.get("epoch") == end}
    for one in rows:
        if one.get("epoch") == 0:
            found[f"{one['net']}_gradient"] = one["gradient"]
        for gate in one.get("gates", ()) if one.get("moment") == "start" else ():
            found[f"{one['net']}_share"] = found.get(f"{one['net']}_share", 1.0) * (1 - gate)
        if "gates" in one:
            found[f"{one['net']}_gate_{one['moment']}"] = sum(one["gates"]) / len(one["gates"])
        found |= {"opened": one["opened"]} if "opened" in one else {}
    return found | {
        "alpha_90_share": 0.9**27,
        "closing": found["both_0_train"] - found["both_6_train"],
        "halving": found["half_train"] - found["identity_train"],
        "growth": found["alpha_50_gradient"] / found["identity_gradient"],
    }


def table(rows: Rows) -> list[dict[str, Any]]:
    """The table once more, from all repeats: a text for each label, None for other words, values for each number."""
    return [
        {
            "Shortcut": way.words, "Handed on by all": last(rows, "share", net=name) or None,
            "Gradient of the first layer at the start": last(rows, "gradient", net=name),
            "Train error": last(rows, "train_error", net=name), "Test error": last(rows, "test_error", net=name),
            "Published test error": way.published or "-",
        }
        for name, way in WAYS.items()
        if last(rows, "gradient", net=name)
    ]  # fmt: skip
