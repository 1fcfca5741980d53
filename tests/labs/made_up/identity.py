"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any

from resnet_viz.labs.questions.identity import FITS, SCALES, STEPS
from tests.labs.rows import Rows, last


def fitted(residual_loses: float = 0.0, **errors: float) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"mean": 0.83}]
    for name, (fit, _) in FITS.items():
        kind = name if name in errors else name.removesuffix(f"_{fit.norm}")
        end = 0.0 if fit.zero and kind not in errors else errors[kind]
        rows += [{"fit": name, "step": 0, "error": 1.1}, {"fit": name, "step": STEPS[fit.blocks], "error": end}]
    for scale in SCALES:
        for net in ("plain", "residual"):
            error = 0.02 + (1 - scale) * (0.3 + (residual_loses if net == "residual" else 0.0))
            row = {"net": net, "scale": scale, "test_error": error, "convs_error": 0.02, "convs_stale": 0.9}
            rows.append(row | ({"spread": 0.2, "chain": 0.0} if scale == 0 else {}))
    return [row | {"seed": 0} for row in rows]


MADE_UP = {
    "present": fitted(0.4, one_plain=0.42, one_skip=0.001, nine_plain=0.82, nine_skip=0.99),
    "absent": fitted(0.0, one_plain=0.05, one_skip=0.001, nine_plain=0.82, nine_skip=0.05),
    "reversed": fitted(-0.2, one_plain=0.01, one_skip=0.42, nine_plain=0.82, nine_skip=0.9),
}
OUTCOMES = {
    "present": {"one": "skip", "nine": "no", "weaker": "residual"},
    "absent": {"one": "both", "nine": "yes", "weaker": "same"},
    "reversed": {"one": "plain", "nine": "no", "weaker": "plain"},
}


def recompute(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What the lab prints once more, from one repeat's findings, without the lab's own code."""
    fits = {name: [one for one in rows if one.get("fit") == name] for name in {one.get("fit") for one in rows} - {None}}
    found: dict[str, float] = {name: max(fit, key=lambda one: one["step"])["error"] for name, fit in fits.items()}
    nets = {(one["net"], one["scale"]): one for one in rows if "scale" in one}
    (found["mean"],) = [one["mean"] for one in rows if "mean" in one]
    plain = [found["one_plain_none"], found["one_plain_batch"]]
    skip = [found["one_skip_none"], found["one_skip_batch"]]
    return found | {
        "one_gain": min(plain) - max(skip),
        "stack_gain": found["nine_skip_batch"] - found["nine_skip_zero"],
        "plain_10": nets["plain", 0.1]["test_error"],
        "residual_10": nets["residual", 0.1]["test_error"],
        "residual_50_convs": nets["residual", 0.5]["convs_error"],
        "residual_50_stale": nets["residual", 0.5]["convs_stale"],
        "plain_spread": nets["plain", 0]["spread"],
        "residual_spread": nets["residual", 0]["spread"],
        "residual_chain": nets["residual", 0]["chain"],
    }


def table(rows: Rows) -> list[dict[str, Any]]:
    """The table once more, from all repeats: a text for each label, None for other words, values for each number."""
    fitted = [
        {
            "What": f"{fit.blocks} block{'s' if fit.blocks > 1 else ''}, {fit.words}",
            "Step": last(rows, "step", fit=name),
            "Relative error": last(rows, "error", fit=name), "Test error": "-",
            "Weaker convolutions, statistics again": "-", "the same, stale statistics": "-",
        }
        for name, (fit, _) in FITS.items()
    ]  # fmt: skip
    return fitted + [
        {
            "What": f"{net}, branches × {scale:g}", "Step": "-", "Relative error": "-",
            "Test error": last(rows, "test_error", net=net, scale=scale),
            "Weaker convolutions, statistics again": last(rows, "convs_error", net=net, scale=scale),
            "the same, stale statistics": last(rows, "convs_stale", net=net, scale=scale),
        }
        for net, scale in dict.fromkeys((one["net"], one["scale"]) for one in rows if "scale" in one)
    ]  # fmt: skip
