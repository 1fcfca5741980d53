"""Recorded runs of labs: small JSON files in the package, shown until the reader has a run, and in the list."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .catalogue import find
from .lab import Lab
from .observation import Observation

DIRECTORY = Path(__file__).parent / "recordings"
MAX_BYTES = 2_000_000
PLACES = 5
"""Digits that matter of a recorded number."""

Text = Annotated[str, Field(max_length=200)]


class _Recording(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    version: Literal[1] = 1
    lab: Text
    large: bool = False
    seeds: Annotated[list[int], Field(min_length=1, max_length=100)]
    started: float
    seconds: dict[str, float]
    device: dict[str, int | Text]
    versions: dict[str, Text]
    findings: Annotated[list[dict[str, Any]], Field(max_length=100_000)]


def save(observation: Observation, path: Path | None = None) -> Path:
    """Write a run into one file, by default the lab's own in the package; gives its path."""
    lab = observation.lab
    path = path or place(lab, large=observation.device.get("kind") != "cpu")
    about = _Recording(
        lab=lab.slug,
        large=lab.enlarged,
        seeds=list(observation.seeds),
        started=round(observation.started),
        seconds={str(seed): round(taken, 2) for seed, taken in observation.seconds.items()},
        device=dict(observation.device),
        versions=dict(observation.versions),
        findings=[_rounded(finding) for finding in observation.findings],
    )
    content = about.model_dump()
    lines = ",\n".join(json.dumps(finding, separators=(",", ":"), allow_nan=False) for finding in content["findings"])
    head = json.dumps(content | {"findings": []}, separators=(",", ":"), allow_nan=False).removesuffix("]}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{head}\n{lines}\n]}}\n", encoding="utf-8")
    return path


def place(lab: Lab, *, large: bool = False) -> Path:
    """Where the lab's recording lies; ``large``: the one that a GPU made."""
    return DIRECTORY / f"{lab.slug}{'.gpu' if large else ''}.json"


def load(path: Path) -> Observation:
    """Read what :func:`save` wrote. Raises ``ValueError``, one sentence, for anything else."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path.name} is larger than a lab's recording may be ({MAX_BYTES // 1_000_000} MB).")
        about = _Recording.model_validate_json(path.read_text(encoding="utf-8"))
        lab = find(about.lab).at(large=about.large)
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror or 'it is no file'}.") from error
    except (ValidationError, KeyError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is damaged or is not a recording of a lab.") from error
    return Observation(
        lab, tuple(about.seeds), tuple(about.findings), about.device, about.versions, about.started,
        {int(seed): taken for seed, taken in about.seconds.items()}, recorded=True,
    )  # fmt: skip


@cache
def recording(slug: str, *, large: bool = False) -> Observation | None:
    """The recorded run that comes with the package; None where there is none."""
    path = place(find(slug), large=large)
    return load(path) if path.exists() else None


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{PLACES}g}")
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list) else value
