"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.labs.rows import Rows, each, last


def errors(whole: float, gone: float, again: float, *, identity: float, difference: float) -> list[dict[str, Any]]:
    """``gone``, ``again``: test error of Inception without a path; ``identity``: of residual without it in a block."""
    rows: list[dict[str, Any]] = []

    def trained(net: str, path: str, error: float) -> None:
        how = "retrained" if path else "whole"
        for epoch, value in ((0, 0.9), (8, error)):
            rows.append({
                "seed": 0, "net": net, "path": path, "how": how, "epoch": epoch, "epochs": 8, "train_error": value,
                "test_error": value,
            })  # fmt: skip

    def lesion(net: str, path: str, error: float, one: float) -> None:
        for how, place, value in (("everywhere", "", error), ("one", "layer1.0", one), ("one", "layer1.1", one)):
            rows.append({
                "seed": 0, "net": net, "path": path, "how": how, "place": place, "test_error": value, "stale": 0.9,
            })  # fmt: skip

    trained("inception", "", whole)
    for i, path in enumerate("1234"):
        lesion("inception", path, gone + 0.01 * i, 0.07)
    trained("residual", "", 0.02)
    lesion("residual", "branch", 0.85, 0.08)
    lesion("residual", "identity", 0.6, identity)
    for path in "1234":
        trained("inception", path, again)
    trained("residual", "identity", 0.03)
    return [*rows, {"seed": 0, "net": "resnext", "difference": difference}]


MADE_UP = {
    "present": errors(0.03, 0.45, 0.035, identity=0.2, difference=2e-15),
    "absent": errors(0.03, 0.05, 0.04, identity=0.09, difference=0.0),
    "reversed": errors(0.3, 0.1, 0.4, identity=0.01, difference=2e-15),
}
OUTCOMES = {
    "present": {"ruin": "all", "again": "close", "special": "identity"},
    "absent": {"ruin": "none", "again": "close", "special": "same"},
    "reversed": {"ruin": "none", "again": "worse", "special": "branch"},
}


def recompute(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What the lab prints once more, from one repeat's findings, without the lab's own code."""
    end = max(one.get("epoch", 0) for one in rows)
    ends = {(one["net"], one["path"]): one["test_error"] for one in rows if one.get("epoch") == end}
    gone = {one["path"]: one for one in rows if one.get("how") == "everywhere"}
    ones = {path: [one for one in rows if one.get("how") == "one" and one["path"] == path] for path in gone}
    (difference,) = [one["difference"] for one in rows if "difference" in one]
    four = ("1", "2", "3", "4")

    def mean(path: str, value: str) -> float:
        return float(np.mean([one[value] for one in ones[path]]))

    everywhere = float(np.mean([gone[path]["test_error"] for path in four]))
    again = float(np.mean([ends["inception", path] for path in four]))
    return {
        "inception_whole": ends["inception", ""],
        "residual_whole": ends["residual", ""],
        "everywhere_mean": everywhere,
        "everywhere_least": min(gone[path]["test_error"] for path in four),
        "everywhere_mean_stale": float(np.mean([gone[path]["stale"] for path in four])),
        "one_mean": float(np.mean([mean(path, "test_error") for path in four])),
        "one_mean_stale": float(np.mean([mean(path, "stale") for path in four])),
        "residual_one_branch": mean("branch", "test_error"),
        "residual_one_identity": mean("identity", "test_error"),
        "retrained_mean": again,
        "rise": everywhere - ends["inception", ""],
        "regained": everywhere - again,
        "difference": difference,
        "digits": 16.0 if difference < 1e-16 else -float(np.log10(difference)),
    }


def table(rows: Rows) -> list[dict[str, Any]]:
    """The table once more, from all repeats: a text for each label, None for other words, values for each number."""
    words = {
        "1": "1×1", "2": "1×1, 3×3", "3": "1×1, 3×3, 3×3", "4": "pool, 1×1", "branch": "branch", "identity": "identity",
    }  # fmt: skip
    found = []
    for path, said in words.items():
        net = "residual" if path in ("branch", "identity") else "inception"
        ones = [one for one in rows if (one["net"], one.get("path"), one.get("how")) == (net, path, "one")]
        found.append({
            "Network": net, "Path": said, "Test error, whole": last(rows, "test_error", net=net, how="whole"),
            "Without it in all blocks": last(rows, "test_error", net=net, path=path, how="everywhere"),
            "Without it in one block, mean": each(ones, lambda own: float(np.mean([one["test_error"] for one in own]))),
            "Trained anew without it": last(rows, "test_error", net=net, path=path, how="retrained") or "-",
        })  # fmt: skip
    return found
