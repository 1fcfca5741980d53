"""A checkpoint: everything that one contestant needs to go on as if nothing had happened, and the file that holds it.

The file is safetensors: weights and buffers ("model/..."), momentum ("momentum/..."), gradients where a step was
computed but not yet applied ("gradient/..."), states of the random generators ("random/..."); all else is JSON in
its metadata, with a digest over both. Never pickle: reading one executes nothing. Batches come from the seed and the
step alone, so the step is all that there is to save of the data order.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from .changes import Change, in_order

KEY = "resnet_viz_checkpoint"
PART = ".part"
"""Ending of a file that is being written."""
MAX_TEXT = 8_000_000

Step = Annotated[int, Field(ge=0, le=1_000_000)]
Number = Annotated[float, Field(allow_inf_nan=False)]
EvalRow = tuple[Step, Step, Number, Number]
"""step, epoch, train error, test error."""


class CheckpointError(ValueError):
    """The file holds no checkpoint that can be used; the text is one sentence without its subject.

    ``lasting``: trying again will not help.
    """

    def __init__(self, message: str, *, lasting: bool = True) -> None:
        super().__init__(message)
        self.lasting = lasting


class Place(BaseModel):
    """Which moment of which run a checkpoint holds.

    ``step`` updates are done; with ``computed`` the row and the gradients of ``step`` are there as well, and what
    comes next is its update. ``experiment`` is :func:`digest_of` the run's experiment, ``changes`` is what was changed
    by hand. Files of before there was anything but learning rates to change have these as (first step, value).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    run: str
    contestant: str
    experiment: str
    engine: str = "eager"
    device: str
    torch: str = str(torch.__version__)
    step: Step
    computed: bool
    changes: tuple[Change, ...] = ()
    evals: tuple[EvalRow, ...] = ()

    @field_validator("changes", mode="before")
    @classmethod
    def _rates(cls, changes: Any) -> Any:
        if not isinstance(changes, list | tuple):
            return changes
        return [
            {"step": row[0], "kind": "lr", "value": row[1]} if isinstance(row, list | tuple) and len(row) == 2 else row
            for row in changes
        ]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """``tensors`` lie on the CPU and are nobody else's."""

    place: Place
    tensors: Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Past:
    """Where a run goes on: a checkpoint for each contestant that has one, what was changed by hand, and ``rows``,
    the telemetry rows that somebody may have seen: a change by hand comes after them, so that they stay true."""

    checkpoints: Mapping[str, Checkpoint] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    pace: float | None = None
    rows: int = 0

    def begin(self, contestant: str) -> tuple[int, bool]:
        """(step, whether its row is computed already) at which the contestant goes on; (0, False) at the start."""
        found = self.checkpoints.get(contestant)
        return (found.place.step, found.place.computed) if found else (0, False)

    def settled(self, contestant: str) -> tuple[Change, ...]:
        """The changes that hold in the contestant's checkpoint, in order."""
        step, computed = self.begin(contestant)
        return tuple(c for c in in_order(self.changes) if c.step < step + computed and c.concerns(contestant))

    def evals(self, contestant: str) -> tuple[EvalRow, ...]:
        """Evaluations of the contestant so far."""
        found = self.checkpoints.get(contestant)
        return found.place.evals if found else ()


def digest_of(text: str) -> str:
    """A short digest of an experiment's JSON."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def write(checkpoint: Checkpoint, path: Path) -> int:
    """Write the file whole or not at all, and through to the disk; gives its size in bytes.

    Raises ``OSError``, also when the directory is not there.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    about = checkpoint.place.model_dump_json()
    tensors = dict(checkpoint.tensors)
    draft = path.with_name(path.name + PART)
    try:
        save_file(tensors, draft, metadata={KEY: json.dumps({"about": about, "digest": _digest(about, tensors)})})
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
            size = os.fstat(file.fileno()).st_size
        draft.replace(path)
        _sync_directory(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        if isinstance(error, SafetensorError):  # safetensors wraps what the system said
            raise OSError(str(error)) from error
        raise
    return size


def read(path: Path) -> Checkpoint:
    """Read what :func:`write` wrote. Raises :class:`CheckpointError` for anything else."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(KEY, "")
            if not 0 < len(text) <= MAX_TEXT:
                raise CheckpointError("is no checkpoint of ResNet Viz")
            tensors = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118  (no dictionary)
        said = json.loads(text)
        about = said["about"]
        if said["digest"] != _digest(about, tensors):
            raise CheckpointError("is damaged")
        place = Place.model_validate_json(about)
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        raise CheckpointError("is not there" if gone else "cannot be read", lasting=gone) from error
    except (SafetensorError, ValidationError, RecursionError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise CheckpointError("is damaged") from error
    return Checkpoint(place, tensors)


def _digest(about: str, tensors: Mapping[str, torch.Tensor]) -> str:
    found = hashlib.blake2b(about.encode(), digest_size=16)
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(tensors[name].contiguous().reshape(-1).view(torch.uint8).numpy())  # type: ignore[arg-type]
    return found.hexdigest()


def _sync_directory(directory: Path) -> None:
    """A rename reaches the disk with its directory; Windows has no such call."""
    with contextlib.suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
