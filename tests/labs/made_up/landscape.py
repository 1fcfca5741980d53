"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.labs.rows import Rows, each, last

SIDE = 5
BOWL = [[1.0 + (row - 2) ** 2 + (column - 2) ** 2 for column in range(SIDE)] for row in range(SIDE)]
HILL = [[9.0 - loss for loss in row] for row in BOWL]
COARSE = [[BOWL[row][column] if row % 2 == column % 2 == 0 else None for column in range(SIDE)] for row in range(SIDE)]


def around(
    plain: list[list[float]], residual: list[list[float]], alike: tuple[float, float], shallow: int = 8, epochs: int = 8
) -> list[dict[str, Any]]:
    """``plain``, ``residual``: losses on the plane; ``alike``: of the gradients one step apart at 56 layers."""
    rows: list[dict[str, Any]] = []
    lags = [1, 2, 4, 8, 15]
    for layers in (shallow, 56):
        for net, first in (("plain", alike[0]), ("residual", alike[1])):
            start = first if layers == 56 else 0.97
            rows += [
                {"part": "line", "net": net, "layers": layers, "line": number, "lags": lags,
                 "alike": [start, start / 2, start / 3, start / 4, start / 5]}
                for number in (1, 2)
            ]  # fmt: skip
    for net, error in (("plain", 0.57), ("residual", 0.002)):
        for epoch, value in ((0, 0.9), (epochs, error)):
            rows.append({
                "part": "trained", "net": net, "epoch": epoch, "epochs": epochs, "train_error": value,
                "test_error": value,
            })  # fmt: skip
    for whole in (False, True):
        for net, losses in (("plain", plain), ("residual", residual)):
            rows.append({
                "part": "surface", "net": net, "level": int(whole), "whole": whole,
                "losses": losses if whole else COARSE,
            })  # fmt: skip
    return [{"seed": 0, **row} for row in rows]


MADE_UP = {
    "present": around(HILL, BOWL, (0.02, 0.9)),
    "absent": around(BOWL, BOWL, (0.6, 0.7)),
    "reversed": around(BOWL, HILL, (0.9, 0.4)),
}
LARGE = {
    "present": around(HILL, BOWL, (0.02, 0.9), 20, 10),
    "absent": around(BOWL, BOWL, (0.6, 0.7), 20, 10),
    "reversed": around(BOWL, HILL, (0.9, 0.4), 20, 10),
}
OUTCOMES = {
    "present": {"surface": "plain", "noise": "noise"},
    "absent": {"surface": "same", "noise": "half"},
    "reversed": {"surface": "residual", "noise": "alike"},
}


def recompute(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What the lab prints once more, from one repeat's findings, without the lab's own code."""
    end = max(one["epoch"] for one in rows if one["part"] == "trained")
    found: dict[str, float] = {}
    for net in ("plain", "residual"):
        for layers in {one["layers"] for one in rows if one["part"] == "line"}:
            lines = [one for one in rows if one["part"] == "line" and (one["net"], one["layers"]) == (net, layers)]
            for lag, alike in zip(lines[0]["lags"], zip(*(one["alike"] for one in lines), strict=True), strict=True):
                found[f"alike_{net}_{layers}_{lag}"] = float(np.mean(alike))
        (surface,) = [one["losses"] for one in rows if one["part"] == "surface" and one["net"] == net and one["whole"]]
        (trained,) = [one for one in rows if one["part"] == "trained" and (one["net"], one["epoch"]) == (net, end)]
        found |= {f"curved_{net}": falling(surface), f"train_{net}": trained["train_error"]}
    shallow = min(one["layers"] for one in rows if one["part"] == "line")
    return found | {
        "shallow": shallow,
        "alike_shallow": found[f"alike_plain_{shallow}_1"],
        "rougher": found["curved_plain"] - found["curved_residual"],
        "remembers": found["alike_residual_56_1"] - found["alike_plain_56_1"],
    }


def falling(losses: Any) -> float:
    """The share of the inner points whose matrix of second differences has a negative eigenvalue."""
    values = np.array(losses, dtype=float)
    down = []
    for row in range(1, len(values) - 1):
        for column in range(1, len(values) - 1):
            near = values[row - 1 : row + 2, column - 1 : column + 2]
            across, along = near[1] @ (1, -2, 1), near[:, 1] @ (1, -2, 1)
            mixed = (near[2, 2] - near[2, 0] - near[0, 2] + near[0, 0]) / 4
            matrix = np.array([[across, mixed], [mixed, along]])
            if np.isfinite(matrix).all():
                down.append(np.linalg.eigvalsh(matrix)[0] < 0)
    return float(np.mean(down))


def table(rows: Rows) -> list[dict[str, Any]]:
    """The table once more, from all repeats: a text for each label, None for other words, values for each number."""
    found = []
    for net, layers in dict.fromkeys((one["net"], one["layers"]) for one in rows if one["part"] == "line"):
        lines = [one for one in rows if one["part"] == "line" and (one["net"], one["layers"]) == (net, layers)]
        alike = {
            lag: each(lines, lambda own, lag=lag: float(np.mean([one["alike"][one["lags"].index(lag)] for one in own])))
            for lag in (1, 4, 15)
        }
        whole = [one for one in rows if one["part"] == "surface" and one["net"] == net and one["whole"]]
        found.append(
            {"Network": f"{net}, {layers} layers"}
            | {f"Alike at distance {lag}": values for lag, values in alike.items()}
            | {
                "Points that curve down": [falling(one["losses"]) for one in whole] if layers == 56 else "-",
                "Train error": last(rows, "train_error", part="trained", net=net) if layers == 56 else "-",
            }
        )
    return found
