"""What the first page says about its recording: each sentence computed from the recording itself."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from resnet_viz.draw.verdict import verdict
from resnet_viz.draw.wording import cut_middle, listed, percent, times
from resnet_viz.runs import RunData, load_recording


@cache
def story(path: Path) -> tuple[str, str]:
    """(what is seen, as two sentences; where the recording is from). Raises ``ValueError`` for a damaged file."""
    data = load_recording(path)
    rows = verdict(data).facts["contestants"]
    return f"{_ending(data, rows)} {_gradients(rows)}", _label(data)


def _ending(data: RunData, rows: list[dict[str, Any]]) -> str:
    shortcuts = {card["name"]: "no shortcut" not in card["description"] for card in data.header["contestants"]}
    kinds = {True: "with shortcuts", False: "without shortcuts"}
    ends = [f"{cut_middle(row['name'])}, {kinds[shortcuts[row['name']]]}," for row in rows]
    first, *others = (percent(row["error"]) for row in rows)
    ends[0] += f" gets {first} of the training images wrong"
    said = [ends[0], *(f"{end} {error}" for end, error in zip(ends[1:], others, strict=True))]
    return f"After {data.steps} steps on the same batches, {', and '.join(said)}."


def _gradients(rows: list[dict[str, Any]]) -> str:
    first, *others = (
        (times(row["init"]), f"in {cut_middle(row['name'])} ({row['init_label']})")
        for row in rows
        if row["init"] is not None
    )
    ratios = [f"{first[0]} that of the last {first[1]}", *(" ".join(other) for other in others)]
    return f"Before training, the gradient of the first block layer is {listed(ratios)}."


def _label(data: RunData) -> str:
    day = datetime.fromtimestamp(float(data.header["started"]), UTC)
    device = data.header["device"]
    cores = f"{device['cores']} CPU cores" if device["kind"] == "cpu" else device["name"]
    return f"A recording: {cores}, {day.day} {day:%B %Y}"
