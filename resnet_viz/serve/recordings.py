"""A run as a whole as messages of the live view: the header and one delta that a stream would send."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from resnet_viz.spec.probes import DEFAULT

from .messages import Message, asked_rows, eval_rows, mark_rows, planned
from .thinning import Segment, Signals, frame_messages
from .witness import Witness

if TYPE_CHECKING:
    from resnet_viz.runs.telemetry import RunData


def messages_of(data: RunData, quantity: str = DEFAULT) -> list[Message]:
    """A header and one delta with the whole run, thinned out; the live view replays them as a recording.

    ``quantity`` is what the pictures of layers show. The header's ``recording`` says on which device and on which day
    it was made.
    """
    contestants: list[dict[str, Any]] = list(data.header.get("contestants", ()))
    plan = planned(data.experiment_json)
    total = int(data.header.get("steps", plan.steps))
    segments = [Segment(name, 0, values) for name, values in data.frames.items() if len(values)]
    witness = Witness(data.header)
    witness.add(segments, data.events)
    signals = {str(c.get("name")): Signals.of(c, quantity) for c in contestants}
    started = float(data.header.get("started", data.created))
    device = data.header.get("device", {})
    header: Message = {
        "t": started, "kind": "header", "id": data.id, "name": data.name, "state": data.state, "reason": data.reason,
        "header": data.header, "experiment_steps": total, "pace": plan.pace, "lr": plan.lr,
        "warmup": plan.warmup, "shortcuts": plan.shortcuts, "quantity": quantity,
        "knobs": plan.knobs,
        "recording": {
            "device": device_words(device),
            "date": datetime.datetime.fromtimestamp(started, datetime.UTC).strftime("%d %B %Y").lstrip("0"),
        },
    }  # fmt: skip
    frames = [m for s in segments if s.contestant in signals for m in frame_messages(s, signals[s.contestant], total)]
    delta: Message = {
        "t": max([started, *(event.t for event in data.events)]), "kind": "delta", "cursor": "0.0",
        "state": data.state, "reason": data.reason,
        "frames": frames,
        "evals": eval_rows(data.events), "marks": mark_rows(data.events), "asked": asked_rows(data.events),
        "verdicts": witness.history(),
    }  # fmt: skip
    return [header, delta]


def device_words(device: dict[str, Any]) -> str:
    """The device as the page names it: "2 CPU cores", "NVIDIA H100"."""
    cores = device.get("cores")
    if device.get("kind") == "cpu" and isinstance(cores, int):
        return f"{cores} CPU core{'' if cores == 1 else 's'}"
    return str(device.get("name") or device.get("kind") or "unknown device")
