"""A finished run as one small file: telemetry as safetensors, everything else as JSON in its metadata.

Readable without torch. A file from elsewhere is hostile: nothing in it is executed, its size is capped before it is
read, and whatever does not fit is refused in one sentence.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..spec import Experiment
from .store import Event
from .telemetry import RunData, Telemetry

KEY = "resnet_viz_recording"
MAX_BYTES = 64_000_000
MAX_TEXT = 4_000_000
MAX_EVENTS = 100_000

Text = Annotated[str, Field(max_length=400)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Layer(_Strict):
    path: Text
    kind: Literal["conv", "linear"]
    stage: Count
    block: Count
    projection: bool
    channels: Count
    height: Count
    width: Count


class _Card(_Strict):
    name: Text
    role: Literal["plain", "residual", "third", "fourth", "fifth", "sixth"]
    network_name: Text
    parameters: Count
    description: Text
    signals: Annotated[list[Text], Field(max_length=20_000)]
    layers: Annotated[list[_Layer], Field(max_length=10_000)]


class _Device(_Strict):
    kind: Text
    name: Text
    cores: Count
    threads: Count


class _Header(_Strict):
    versions: dict[str, Text]
    device: _Device
    dataset: Text
    classes: Annotated[int, Field(ge=2, le=100_000)] | None = None
    images_sha256: Text | None = None
    engine: Text | None = None
    engine_reason: Annotated[str, Field(max_length=2000)] | None = None
    seed: Count
    seeds: Annotated[int, Field(ge=1, le=5)] | None = None
    steps: Count
    steps_per_epoch: Annotated[int, Field(ge=1, le=1_000_000)]
    started: Number
    deterministic: bool = False
    contestants: Annotated[list[_Card], Field(min_length=1, max_length=6)]


class _Event(_Strict):
    seq: Count
    kind: Literal[
        "state", "eval", "engine", "lr", "pace", "alpha", "shortcut", "drop_path", "weight_decay", "sharpness",
        "histogram",
    ]  # fmt: skip
    contestant: Text | None
    step: Count | None
    data: dict[str, int | Number | Text | None]
    t: Number


class _Recording(_Strict):
    version: Literal[1]
    id: Text
    name: Text
    state: Text
    reason: Annotated[str, Field(max_length=2000)] | None
    created: Number
    experiment: str
    header: _Header
    events: Annotated[list[_Event], Field(max_length=MAX_EVENTS)]


def save_recording(run: RunData, path: str | Path) -> Path:
    """Write the run into one file, whole or not at all; gives its path.

    Takes what :func:`~resnet_viz.runs.telemetry.run_data` gives or a ``Run``'s ``data``. Raises ``ValueError`` for a
    run that never started.
    """
    from safetensors.numpy import save

    if not run.contestants:
        raise ValueError("This run never started, so there is nothing to record.")
    if run.header.get("recorded"):
        raise ValueError("This run comes from a training loop of somebody's own: only its tables can be saved.")
    about = {
        "version": 1,
        "id": run.id,
        "name": run.name,
        "state": run.state,
        "reason": run.reason,
        "created": run.created,
        "experiment": run.experiment_json,
        "header": run.header,
        "events": [asdict(event) for event in run.events],
    }
    arrays = {
        str(i): np.ascontiguousarray(run.frames[name]) for i, name in enumerate(run.contestants) if name in run.frames
    }
    content = save(arrays, metadata={KEY: json.dumps(about, separators=(",", ":"))})
    path = Path(path)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(draft).replace(path)
    return path


def load_recording(path: str | Path) -> RunData:
    """Read what :func:`save_recording` wrote. Raises ``ValueError``, one sentence, for anything else."""
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path.name} is larger than a recording may be ({MAX_BYTES // 1_000_000} MB).")
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(KEY)
            if text is None or len(text) > MAX_TEXT:
                raise ValueError(f"{path.name} is not a recording of ResNet Viz.")
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (not a dictionary)
        about = _Recording.model_validate_json(text)
        Experiment.model_validate_json(about.experiment)
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror or 'it is no file'}.") from error
    except (SafetensorError, ValidationError, TypeError, RecursionError) as error:
        raise ValueError(f"{path.name} is damaged or is not a recording of ResNet Viz.") from error
    return RunData(
        id=about.id,
        name=about.name,
        state=about.state,
        reason=about.reason,
        created=about.created,
        experiment_json=about.experiment,
        header=about.header.model_dump(exclude_defaults=True),
        frames=_frames(path.name, about, arrays),
        events=tuple(Event(**event.model_dump()) for event in about.events),
    )


def _frames(file: str, about: _Recording, arrays: dict[str, Any]) -> dict[str, Telemetry]:
    frames = {}
    for i, card in enumerate(about.header.contestants):
        values = arrays.pop(str(i), None)
        if values is None:
            continue
        fits = values.dtype == np.float32 and values.ndim == 2 and values.shape[1] == len(card.signals)
        if not fits or values.shape[0] > about.header.steps or len(set(card.signals)) != len(card.signals):
            raise ValueError(f"{file} is damaged: the telemetry of {card.name[:80]!r} does not fit its header.")
        frames[card.name] = values
    if arrays:
        raise ValueError(f"{file} is damaged: it has telemetry that belongs to no contestant.")
    return frames
