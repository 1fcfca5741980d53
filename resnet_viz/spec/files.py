"""Spec files: a network, an experiment or a comparison as JSON with its version, and back."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import from_json

from .compact import CALLED, Shared
from .comparison import Comparison
from .errors import SpecError, sentence, stopped
from .experiment import Experiment
from .network import Network

MAX_FILE = 1_000_000
"""Bytes of a spec file; a preset takes about 3,000."""

_TOLD_BY: dict[str, type[Shared]] = {"contestants": Experiment, "networks": Comparison}
"""The field by which a file's kind is told; one that has none of them is a network's."""


def write_spec(thing: Shared) -> bytes:
    """The file of it; :func:`read_spec` gives an equal object back."""
    return (thing.model_dump_json(indent=2) + "\n").encode()


def read_spec(data: bytes) -> Shared:
    """What a file holds. Raises :class:`SpecError`, one sentence, for anything else."""
    if len(data) > MAX_FILE:
        raise SpecError(f"This file has {len(data):,} bytes, and a spec file has at most {MAX_FILE:,}.")
    try:
        raw = from_json(data.removeprefix(b"\xef\xbb\xbf"))
    except ValueError as error:
        raise SpecError("This file is not JSON: open one that was saved here.") from error
    keys = raw if isinstance(raw, dict) else {}
    model = next((model for field, model in _TOLD_BY.items() if field in keys), Network)
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise SpecError(f"This file holds no {CALLED[model]} that can be: {stopped(sentence(error))}") from error
