"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.labs.rows import Rows, last


def grown(apart: float, jump: float, noisy: tuple[float, float, float]) -> list[dict[str, Any]]:
    """``apart``: change of a score with zero blocks; ``jump``: of the loss; ``noisy``: test errors by width."""
    rows: list[dict[str, Any]] = [{"part": "before", "net": "residual", "epoch": 1, "train_error": 0.4}]
    for net, by in (("zero", jump), ("random", 1.2), ("plain", 0.9), ("control", 0.0)):
        change = apart if net == "zero" else 0.0 if net == "control" else 4.0
        rows.append({"part": "moment", "net": net, "apart": change, "loss_before": 1.1, "loss_after": 1.1 + by})
    for net in ("zero", "random", "plain", "control"):
        rows.append({"part": "after", "net": net, "train_error": 0.01, "losses": [1.1, 0.9, 0.5]})
    for layers, width, noise, error in (
        (8, 2, 0.0, 0.2), (8, 8, 0.0, 0.07), (8, 32, 0.0, 0.05), (56, 8, 0.0, 0.1),
        *((8, width, 0.2, error) for width, error in zip((2, 8, 32), noisy, strict=True)),
    ):  # fmt: skip
        for epoch in (0, 40):
            rows.append({
                "part": "price", "layers": layers, "width": width, "noise": noise, "epoch": epoch, "epochs": 40,
                "train_error": 0.0, "test_error": error if epoch else 0.9, "seconds": epoch / 20,
                "macs": layers * width * 1000,
            })  # fmt: skip
    return [{"seed": 0, **row} for row in rows]


MADE_UP = {
    "present": grown(0.0, 0.0, (0.4, 0.25, 0.2)),
    "absent": grown(1e-5, 0.1, (0.22, 0.21, 0.24)),
    "reversed": grown(2.0, 0.9, (0.2, 0.25, 0.35)),
}
OUTCOMES = {
    "present": {"jump": "same", "wider": "falls"},
    "absent": {"jump": "little", "wider": "same"},
    "reversed": {"jump": "much", "wider": "rises"},
}


def recompute(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What the lab prints once more, from one repeat's findings, without the lab's own code."""
    at = {one["net"]: one for one in rows if one["part"] == "moment"}
    after = {one["net"]: one["train_error"] for one in rows if one["part"] == "after"}
    end = max(one["epoch"] for one in rows if one["part"] == "price")
    price = {
        (one["layers"], one["width"], "noisy" if one["noise"] > 0 else "clean"): one
        for one in rows
        if one["part"] == "price" and one["epoch"] == end
    }
    errors = {which: one["test_error"] for which, one in price.items()}
    jumps = {net: one["loss_after"] - one["loss_before"] for net, one in at.items()}
    found: dict[str, float] = {f"price_{layers}_{width}_{kind}": one for (layers, width, kind), one in errors.items()}
    for net, one in at.items():
        found |= {f"before_{net}": one["loss_before"], f"at_{net}": one["loss_after"], f"jump_{net}": jumps[net]}
    return found | {
        "apart_zero": at["zero"]["apart"],
        "digits": 16.0 if at["zero"]["apart"] < 1e-16 else -float(np.log10(at["zero"]["apart"])),
        "spared": jumps["random"] - jumps["zero"],
        "train_zero": after["zero"],
        "train_plain": after["plain"],
        "no_curve": min(errors[8, 2, "noisy"], errors[8, 8, "noisy"]) - errors[8, 32, "noisy"],
        "dearer": price[56, 8, "clean"]["macs"] / price[8, 8, "clean"]["macs"],
    }


def table(rows: Rows) -> list[dict[str, Any]]:
    """The table once more, from all repeats: a text for each label, None for other words, values for each number."""
    words = {
        "zero": "zero blocks, shortcuts", "random": "random blocks, shortcuts", "plain": "random blocks, plain",
        "control": "not grown",
    }  # fmt: skip
    found: list[dict[str, Any]] = [
        {
            "What": said, "Scores move by": last(rows, "apart", net=net),
            "Loss before": last(rows, "loss_before", net=net), "Loss after": last(rows, "loss_after", net=net),
            "Error": last(rows, "train_error", part="after", net=net), "Seconds": "-",
        }
        for net, said in words.items()
    ]  # fmt: skip
    for layers, width, noise in sorted({(o["layers"], o["width"], o["noise"]) for o in rows if o["part"] == "price"}):
        cell = {"part": "price", "layers": layers, "width": width, "noise": noise}
        labels = ", a fifth of the labels wrong" if noise else ""
        found.append({
            "What": f"200 images, {layers} layers, width {width}{labels}", "Scores move by": "-", "Loss before": "-",
            "Loss after": "-", "Error": last(rows, "test_error", **cell), "Seconds": last(rows, "seconds", **cell),
        })  # fmt: skip
    return found
