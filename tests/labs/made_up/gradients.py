"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any


def corner(net: str, norm: str, activation: str, start: float, later: float) -> list[dict[str, Any]]:
    cell = {"seed": 0, "net": net, "norm": norm, "activation": activation}
    return [
        cell | {"step": step, "ratio": ratio, "largest": 1.0, "norms": [ratio, 1.0, 1.0]}
        for step, ratio in ((0, start), (11, later))
    ] + [cell | {"epoch": 8, "epochs": 8, "train_error": 0.3}]


def cube(plain: tuple[float, float], residual: tuple[float, float], sigmoid: float) -> list[dict[str, Any]]:
    return [
        *corner("plain", "batch", "relu", *plain),
        *corner("residual", "batch", "relu", *residual),
        *corner("residual", "batch", "sigmoid", sigmoid, sigmoid),
        *corner("plain", "none", "sigmoid", 0.0, 0.0),
        *corner("plain", "none", "tanh", 1.0, 2.0),
    ]


MADE_UP = {
    "present": cube((1500.0, 0.03), (6.0, 1.0), 2e-5),
    "absent": cube((2.0, 1.0), (2.0, 1.0), 0.5),
    "reversed": cube((0.01, 1.0), (6.0, 1.0), 30.0),
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
    """Some of the lab's numbers once more, from one repeat's findings, without the lab's own code."""

    def ratio(net: str, activation: str, step: int) -> float:
        (norms,) = [
            one["norms"]
            for one in rows
            if (one["net"], one["norm"], one["activation"], one.get("step")) == (net, "batch", activation, step)
        ]
        return float(norms[0] / norms[-1])

    start = ratio("plain", "relu", 0)
    return {
        "plain_batch_relu_init": start,
        "residual_batch_sigmoid_init": ratio("residual", "sigmoid", 0),
        "turn": start / ratio("plain", "relu", 11),
        "tamed": start / ratio("residual", "relu", 0),
    }
