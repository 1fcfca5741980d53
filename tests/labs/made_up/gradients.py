"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any

from tests.labs.rows import Rows, last


def corner(net: str, norm: str, activation: str, start: float, later: float) -> list[dict[str, Any]]:
    cell = {"seed": 0, "net": net, "norm": norm, "activation": activation}
    return [
        cell | {"step": step, "ratio": ratio, "largest": max(ratio, 1.0), "norms": [ratio, 1.0, 1.0]}
        for step, ratio in ((0, start), (11, later))
    ] + [cell | {"epoch": 8, "epochs": 8, "train_error": 0.3}]


def cube(plain: tuple[float, float], residual: tuple[float, float], sigmoid: float) -> list[dict[str, Any]]:
    return [
        *corner("plain", "batch", "relu", *plain),
        *corner("residual", "batch", "relu", *residual),
        *corner("residual", "batch", "sigmoid", sigmoid, sigmoid),
        *corner("plain", "none", "sigmoid", 0.0, 0.0),
        *corner("plain", "none", "tanh", 1.0, 2.0),
        *corner("plain", "none", "relu", 3.0, 2.0),
    ]


MADE_UP = {
    "present": cube((1500.0, 0.03), (6.0, 1.0), 2e-5),
    "absent": cube((2.0, 1.0), (2.0, 1.0), 0.5),
    "reversed": cube((0.01, 1.0), (6.0, 1.0), 30.0),
}
LARGE = {
    verdict: [one | ({"epoch": 3, "epochs": 3} if "epoch" in one else {}) for one in rows]
    for verdict, rows in MADE_UP.items()
}
OUTCOMES = {
    "present": {
        "plain_batch_relu": "exploding", "residual_batch_relu": "healthy", "plain_none_sigmoid": "vanishing",
        "residual_batch_sigmoid": "vanishing",
    },
    "absent": {
        "plain_batch_relu": "healthy", "residual_batch_relu": "healthy", "plain_none_sigmoid": "vanishing",
        "residual_batch_sigmoid": "healthy",
    },
    "reversed": {
        "plain_batch_relu": "vanishing", "residual_batch_relu": "healthy", "plain_none_sigmoid": "vanishing",
        "residual_batch_sigmoid": "exploding",
    },
}  # fmt: skip


def recompute(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What the lab prints once more, from one repeat's findings, without the lab's own code."""
    found: dict[str, float] = {}
    for one in rows:
        name = f"{one['net']}_{one['norm']}_{one['activation']}"
        norms = one.get("norms", [])
        if norms and norms[-1] and all(norm is not None for norm in norms):
            found[f"{name}_{'init' if one['step'] == 0 else 'later'}"] = norms[0] / norms[-1]
        if one.get("epoch") == max(other.get("epoch", -1) for other in rows):
            found[f"{name}_train"] = one["train_error"]
    start = found["plain_batch_relu_init"]
    found["turn"] = start / found["plain_batch_relu_later"]
    found["tamed"] = start / found["residual_batch_relu_init"]
    return found


def table(rows: Rows) -> list[dict[str, Any]]:
    """The table once more, from all repeats: a text for each label, None for other words, values for each number."""
    known = [
        one | {"first": one["norms"][0] / one["norms"][-1], "most": max(one["norms"])}
        for one in rows
        if "norms" in one and one["norms"][-1]
    ]
    found = []
    for norm, said in (("batch", "batch norm"), ("none", "no norm")):
        for activation, called in (("relu", "ReLU"), ("tanh", "tanh"), ("sigmoid", "sigmoid")):
            for net in ("plain", "residual"):
                cell = {"net": net, "norm": norm, "activation": activation}
                if start := last(known, "first", step=0, **cell):
                    found.append({
                        "Network": f"{net}, {said}, {called}", "First over last at the start": start,
                        "is called": None, "After 11 steps": last(known, "first", step=11, **cell) or None,
                        "Largest gradient at the start": last(known, "most", step=0, **cell),
                        "Last train error": last(rows, "train_error", **cell) or None,
                    })  # fmt: skip
    return found
