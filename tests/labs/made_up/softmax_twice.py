"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any

from resnet_viz.labs.questions.softmax_twice import CASES
from tests.labs.rows import Rows, last


def ends(shrink: float, kaiming: float = 0.0, **errors: float) -> list[dict[str, Any]]:
    rows = []
    for case in CASES:
        gradient = 2.0 / shrink if case.softmax == "twice" else 2.0
        end = errors.get(f"{case.net}_{case.softmax}", 0.05) + (kaiming if case.scheme == "kaiming" else 0.0)
        for epoch, error in ((0, 0.9), (8, end)):
            losses = [2.3, error + 0.1] if epoch else []
            rows.append({
                "seed": 0, "case": case.name, "epoch": epoch, "train_error": error, "test_error": error,
                "losses": losses,
            } | ({} if epoch else {"gradient": gradient}))  # fmt: skip
    rows.append({"seed": 0, "case": "residual_none_kaiming_once", "failed": True})
    return rows


MADE_UP = {
    "present": ends(10.0, residual_once=0.0, residual_twice=0.04, plain_once=0.02, plain_twice=0.3),
    "absent": ends(2.0, kaiming=0.05),
    "reversed": ends(0.1, kaiming=-0.05, plain_once=0.4, plain_twice=0.2, residual_once=0.06, residual_twice=0.06),
}
OUTCOMES = {
    "present": {"softmax": "slower", "init": "same"},
    "absent": {"softmax": "same", "init": "xavier"},
    "reversed": {"softmax": "better", "init": "kaiming"},
}


def recompute(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What the lab prints once more, from one repeat's findings, without the lab's own code."""
    end = max(one.get("epoch", 0) for one in rows)
    last = {one["case"]: one for one in rows if one.get("epoch") == end}
    first = {one["case"]: one["gradient"] for one in rows if one.get("epoch") == 0}
    behind = [
        last[f"{pair}_twice"]["train_error"] - last[f"{pair}_once"]["train_error"]
        for pair in ("plain_batch_kaiming", "plain_batch_xavier", "residual_batch_kaiming", "residual_batch_xavier")
    ]
    losses = last["residual_batch_xavier_twice"]["losses"]
    return {f"{case}_train": one["train_error"] for case, one in last.items()} | {
        "plain_xavier_shrink": first["plain_batch_xavier_once"] / first["plain_batch_xavier_twice"],
        "residual_xavier_shrink": first["residual_batch_xavier_once"] / first["residual_batch_xavier_twice"],
        "residual_batch_xavier_twice_loss": sum(losses) / len(losses),
        "behind": sum(behind) / 4,
    }


def table(rows: Rows) -> list[dict[str, Any]]:
    """The table once more, from all repeats: a text for each label, None for other words, values for each number."""
    found = []
    for case in CASES:
        mine = [one for one in rows if one["case"] == case.name]
        losses = [
            [loss for one in mine if one["seed"] == seed for loss in one.get("losses", ()) if loss is not None]
            for seed in {one["seed"] for one in mine}
        ]
        steps = min(len(one) for one in losses)
        if last(mine, "gradient"):
            found.append({
                "Training": case.words, "Gradient at the start": last(mine, "gradient"),
                "Loss of the last step": [one[steps - 1] for one in losses] if steps else None,
                "Train error": last(mine, "train_error"), "Test error": last(mine, "test_error"),
            })  # fmt: skip
    return found
