"""Findings that nobody counted, one set for each verdict."""

from __future__ import annotations

from typing import Any


def counts(macs50: float, macs152: float, vgg: float = 19.6e9) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name, layers, macs in (("resnet34", 34, 3.7e9), ("resnet50", 50, macs50), ("resnet152", 152, macs152)):
        part = {"part": "stage 1", "blocks": 3, "size": 56, "params": 1000, "macs": int(macs)}
        rows.append({
            "seed": 0, "net": name, "layers": layers, "params": 25_000_000, "macs": int(macs),
            "macs_paper": int(macs), "memory": 2**30, "field": 400, "stages": [part],
        })  # fmt: skip
    return [*rows, {"seed": 0, "net": "vgg19", "layers": 19, "params": 143_667_240, "macs": int(vgg)}]


MADE_UP = {
    "present": counts(4.1e9, 11.5e9),
    "absent": counts(4.1e9, 19e9),
    "reversed": counts(9e9, 30e9),
}
OUTCOMES = {
    "present": {"vgg": "less", "bottleneck": "close"},
    "absent": {"vgg": "same", "bottleneck": "close"},
    "reversed": {"vgg": "more", "bottleneck": "double"},
}


def recompute(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Some of the lab's numbers once more, from the findings, without the lab's own code."""
    macs = {one["net"]: sum(part["macs"] for part in one.get("stages", ())) for one in rows}
    (vgg,) = [one["macs"] for one in rows if one["net"] == "vgg19"]
    return {
        "resnet152_macs": macs["resnet152"],
        "bottleneck_ratio": macs["resnet50"] / macs["resnet34"],
        "vgg_ratio": vgg / macs["resnet152"],
    }
