"""Findings that nobody counted, one set for each verdict."""

from __future__ import annotations

from typing import Any

from tests.labs.rows import Rows


def counts(macs50: float, macs152: float, vgg: float = 19.6e9) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name, layers, macs in (
        ("resnet18", 18, 1.8e9), ("resnet34", 34, 3.7e9), ("resnet50", 50, macs50), ("resnet101", 101, 7.8e9),
        ("resnet152", 152, macs152),
    ):  # fmt: skip
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
    """What the lab prints once more, from one repeat's findings, without the lab's own code."""
    nets = {one["net"]: one for one in rows}
    macs = {name: sum(part["macs"] for part in one.get("stages", ())) for name, one in nets.items()}
    layers = nets["resnet50"]["layers"] / nets["resnet34"]["layers"]
    return {f"{name}_macs_paper": one["macs_paper"] for name, one in nets.items() if "macs_paper" in one} | {
        "resnet50_params": nets["resnet50"]["params"],
        "resnet152_macs": macs["resnet152"],
        "vgg19_macs": nets["vgg19"]["macs"],
        "bottleneck_layers": layers,
        "bottleneck_ratio": macs["resnet50"] / macs["resnet34"],
        "cheaper_layers": layers * macs["resnet34"] / macs["resnet50"],
        "vgg_layers": nets["resnet152"]["layers"] / nets["vgg19"]["layers"],
        "vgg_ratio": nets["vgg19"]["macs"] / macs["resnet152"],
    }


def table(rows: Rows) -> list[dict[str, Any]]:
    """The table once more, from all repeats: a text for each label, None for other words, values for each number."""
    found = []
    for one in rows:
        stages = [part for part in one.get("stages", ()) if part["part"].startswith("stage")]
        found.append({
            "Network": one["net"].replace("resnet", "ResNet-").replace("vgg", "VGG-"), "Layers": str(one["layers"]),
            "Blocks": " + ".join(str(part["blocks"]) for part in stages) or "none",
            "Map sizes": " · ".join(str(part["size"]) for part in stages) or "-", "Parameters": [one["params"]],
            "Multiply-adds": [one["macs"]],
            "Stride on 1×1": [one["macs_paper"]] if "macs_paper" in one else "-",
            "Training step, batch 32": [one["memory"] / 2**30] if "memory" in one else "-",
            "Receptive field": [one["field"]] if "field" in one else "-",
        })  # fmt: skip
    return found
