"""Spec files: a network, an experiment or a comparison as JSON with its version, and back."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import from_json

from .compact import Shared
from .comparison import Comparison
from .errors import SpecError, sentence
from .experiment import Experiment
from .network import Network

MAX_FILE = 1_000_000
"""Bytes of a spec file; a preset takes about 3,000."""

_MARKS: tuple[tuple[str, type[Shared], str], ...] = (
    ("contestants", Experiment, "race"),
    ("networks", Comparison, "comparison"),
    ("", Network, "network"),
)
"""By which field a file's kind is told, and what the kind is called; a network is what has none of them."""


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
    keys = raw.keys() if isinstance(raw, dict) else ()
    _, model, called = next(row for row in _MARKS if not row[0] or row[0] in keys)
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        said = sentence(error)
        said = said if said.endswith((".", "?")) else said + "."
        raise SpecError(f"This file holds no {called} that can be: {said}") from error


def kind_of(thing: Shared) -> str:
    """What it is called in a sentence: "network", "race", "comparison"."""
    return next(called for _, model, called in _MARKS if isinstance(thing, model))
