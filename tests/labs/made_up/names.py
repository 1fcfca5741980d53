"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.labs.rows import Rows, last


def blocks(rest: float, share: float) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for moment in ("start", "end"):
        for number in (1, 2, 3):
            rows.append({
                "seed": 0, "moment": moment, "block": f"1.{number}", "number": number, "x": 100.0,
                "branch": 100.0 * share, "sum": 120.0, "rest": rest,
            })  # fmt: skip
    return [*rows, {"seed": 0, "epoch": 8, "train_error": 0.0, "test_error": 0.01}]


MADE_UP = {
    "present": blocks(2e-8, 0.5),
    "absent": blocks(1e-5, 1.0),
    "reversed": blocks(0.3, 2.0),
}
OUTCOMES = {
    "present": {"names": "same", "size": "smaller"},
    "absent": {"names": None, "size": "alike"},
    "reversed": {"names": "other", "size": "larger"},
}


def recompute(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What the lab prints once more, from one repeat's findings, without the lab's own code."""
    looked = {moment: [one for one in rows if one.get("moment") == moment] for moment in ("start", "end")}
    rest = max(one["rest"] for one in rows if "rest" in one)
    return {
        "share_start": float(np.median([one["branch"] / one["x"] for one in looked["start"]])),
        "share_end": float(np.median([one["branch"] / one["x"] for one in looked["end"]])),
        "blocks": len(looked["end"]),
        "rest": rest,
        "identity": -float(np.log10(rest)),
    }


def table(rows: Rows) -> list[dict[str, Any]]:
    """The table once more, from all repeats: a text for each label, None for other words, values for each number."""
    columns = {
        "x": "x", "g(x), the paper's F(x)": "branch", "f(x), the paper's H(x)": "sum",
        "what is left of f - x - g": "rest",
    }  # fmt: skip
    return [
        {"Block": str(number), "Moment": {"start": "at initialisation", "end": "after training"}[moment]}
        | {column: last(rows, value, moment=moment, number=number) for column, value in columns.items()}
        for moment, number in dict.fromkeys((one["moment"], one["number"]) for one in rows if "moment" in one)
    ]
