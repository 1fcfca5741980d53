"""Findings that nobody measured, one set for each verdict."""

from __future__ import annotations

from typing import Any

from resnet_viz.labs.questions.lesion import BLOCKS, DRAWS, SEVERAL, SWAPS
from tests.labs.rows import Rows, each, last


def lesions(worst: int, stale: float = 0.05, **errors: float) -> list[dict[str, Any]]:
    """Every block costs the same but for the ``worst``, which costs ten points more; 0: none does."""
    rows: list[dict[str, Any]] = []
    for net in ("residual", "plain", "dropped"):
        error = errors.get(net, errors["residual"])
        rows.append({"net": net, "blocks": [], "epoch": 20, "error": 0.02})
        rows.append({"net": net, "blocks": [], "error": 0.02, "stale": 0.02})
        for block in range(1, BLOCKS + 1):
            this = error + (0.1 if block == worst else 0.0)
            rows.append({"net": net, "blocks": [block], "error": this, "stale": this + stale})
        for count in SEVERAL:
            for first in range(1, DRAWS + 1):
                blocks = list(range(first, first + count))
                rows.append({"net": net, "blocks": blocks, "error": error * count, "stale": error * count})
        rows += [{"net": net, "swapped": ["layer1.1", "layer1.2"], "error": error}] * SWAPS
    return [row | {"seed": 0} for row in rows]


MADE_UP = {
    "present": lesions(2, residual=0.02, plain=0.85),
    "absent": lesions(0, residual=0.02, plain=0.1),
    "reversed": lesions(12, residual=0.85, plain=0.1),
}
LARGE = {
    "present": lesions(2, residual=0.2, plain=0.85),
    "absent": lesions(0, residual=0.2, plain=0.4),
    "reversed": lesions(12, residual=0.85, plain=0.3),
}
OUTCOMES = {
    "present": {"residual": "hardly", "where": "first"},
    "absent": {"residual": "hardly", "where": "none"},
    "reversed": {"residual": "ruined", "where": "last"},
}


def recompute(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What the lab prints once more, from one repeat's findings, without the lab's own code."""
    found: dict[str, float] = {}
    for net in ("plain", "residual", "dropped"):
        mine = [one for one in rows if one["net"] == net]
        (whole,) = [one["error"] for one in mine if one.get("blocks") == [] and "epoch" not in one]
        single = {one["blocks"][0]: one for one in mine if len(one.get("blocks", ())) == 1}
        five = [one["error"] for one in mine if len(one.get("blocks", ())) == 5]
        swaps = [one["error"] for one in mine if "swapped" in one]
        assert sorted(single) == list(range(1, 16))
        found |= {
            f"{net}_whole": whole,
            f"{net}_mean": sum(one["error"] for one in single.values()) / 15,
            f"{net}_worst": max(one["error"] for one in single.values()),
            f"{net}_matter": sum(one["error"] - whole >= 0.02 for one in single.values()),
            f"{net}_stale": sum(one["stale"] for one in single.values()) / 15,
            f"{net}_stale_worst": max(one["stale"] for one in single.values()),
            f"{net}_several_5": sum(five) / 4,
            f"{net}_swap": sum(swaps) / 10,
        }
    return found | {
        "contrast": found["plain_mean"] - found["residual_mean"],
        "staleness": found["residual_stale_worst"] - found["residual_worst"],
    }


def table(rows: Rows) -> list[dict[str, Any]]:
    """The table once more, from all repeats: a text for each label, None for other words, values for each number."""
    words = {"Residual": "residual", "Plain": "plain", "Residual, stochastic depth": "dropped"}
    found = []
    for block in range(16):
        gone = [block] if block else []
        found.append(
            {"Deleted": f"block {block}" if block else "nothing"}
            | {column: last(rows, "error", net=net, blocks=gone) for column, net in words.items()}
            | {"Residual, stale statistics": last(rows, "stale", net="residual", blocks=gone)}
        )
    for count in (2, 3, 5):
        few = [one for one in rows if len(one.get("blocks", ())) == count]
        found.append(
            {"Deleted": f"{count} blocks, mean of 4 draws"}
            | {
                column: each(
                    [one for one in few if one["net"] == net], lambda own: sum(one["error"] for one in own) / 4
                )
                for column, net in words.items()
            }
            | {"Residual, stale statistics": "-"}
        )
    return found
