"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any

from resnet_viz.labs.questions.identity import FITS, SCALES, STEPS


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
    """Some of the lab's numbers once more, from one repeat's findings, without the lab's own code."""
    last = {one["fit"]: one["error"] for one in rows if "fit" in one}
    nets = {(one["net"], one["scale"]): one for one in rows if "scale" in one}
    plain = [last["one_plain_none"], last["one_plain_batch"]]
    skip = [last["one_skip_none"], last["one_skip_batch"]]
    return {
        "one_plain_none": plain[0],
        "one_gain": min(plain) - max(skip),
        "stack_gain": last["nine_skip_batch"] - last["nine_skip_zero"],
        "residual_10": nets["residual", 0.1]["test_error"],
        "residual_50_stale": nets["residual", 0.5]["convs_stale"],
        "tolerance": nets["residual", 0.1]["test_error"] - nets["plain", 0.1]["test_error"],
    }
