"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any

from tests.labs.rows import Rows, last

LAYERS = ("conv1", "bn1", "conv2", "bn2", "conv3")


def looks(lazy: int, explicit: int, same: bool) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for moment in ("before", "after"):
        for style, known in (("lazy", lazy), ("explicit", explicit)):
            for name in LAYERS:
                there = moment == "after" or LAYERS.index(name) < known
                rows.append({
                    "seed": 0, "style": style, "moment": moment, "layer": name, "shape": [32, 16] if there else None,
                    "params": 512 if there else 0,
                })  # fmt: skip
    rows.append({"seed": 0, "same": same, "difference": 0.0 if same else None})
    numbers = {f"{where}_{what}": 1.0 for where in ("before", "train", "eval") for what in ("mean", "deviation")}
    return [*rows, {"seed": 0, "norm": "bn1", "t": 0.1} | numbers]


MADE_UP = {
    "present": looks(0, 5, True),
    "absent": looks(5, 5, True),
    "reversed": looks(0, 5, False),
}
OUTCOMES = {
    "present": {"weights": "none", "same": "equal"},
    "absent": {"weights": "all", "same": "equal"},
    "reversed": {"weights": "none", "same": "other"},
}


def recompute(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What the lab prints once more, from one repeat's findings, without the lab's own code."""
    found: dict[str, float] = {}
    for style in ("lazy", "explicit"):
        for moment in ("before", "after"):
            there = [one for one in rows if one.get("style") == style and one["moment"] == moment]
            found[f"{style}_{moment}"] = sum(one["params"] for one in there)
            found[f"{style}_{moment}_unknown"] = len([one for one in there if one["shape"] is None])
    (compared,) = [one for one in rows if "same" in one]
    (normed,) = [one for one in rows if "norm" in one]
    if compared["same"]:
        found["difference"] = compared["difference"]
    return found | {
        "unknown": (found["lazy_before_unknown"] - found["explicit_before_unknown"]) / 5,
        "agree": 1 if compared["same"] and compared["difference"] < 1e-6 else -1,
        "bn_before_mean": normed["before_mean"],
        "bn_before_deviation": normed["before_deviation"],
        "bn_train_mean": normed["train_mean"],
        "bn_train_deviation": normed["train_deviation"],
        "bn_eval_mean": normed["eval_mean"],
    }


def table(rows: Rows) -> list[dict[str, Any]]:
    """The table once more, from all repeats: a text for each label, None for other words, values for each number."""
    shapes = {(one["style"], one["moment"], one["layer"]): one["shape"] for one in rows if "style" in one}

    def shape(style: str, moment: str, layer: str) -> str:
        sides = shapes[style, moment, layer]
        return "unknown" if sides is None else " × ".join(str(side) for side in sides)

    found: list[dict[str, Any]] = [
        {
            "Layer": layer, "Lazy, before": shape("lazy", "before", layer),
            "Lazy, after": shape("lazy", "after", layer), "Explicit": shape("explicit", "before", layer),
        }
        for layer in LAYERS
    ]  # fmt: skip
    norm = next(one for one in rows if "norm" in one)
    found.append({
        "Layer": "bn1, one channel: mean, deviation", "Lazy, before": (norm["before_mean"], norm["before_deviation"]),
        "Lazy, after": (norm["train_mean"], norm["train_deviation"]),
        "Explicit": (norm["eval_mean"], norm["eval_deviation"]),
    })  # fmt: skip
    if worst := last(rows, "difference"):
        found.append({"Layer": "Largest difference of outputs", "Lazy, before": "-", "Lazy, after": (max(worst),),
                      "Explicit": "-"})  # fmt: skip
    return found
