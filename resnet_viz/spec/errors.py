"""The refusals of this package: each is a ``ValueError`` whose text is one sentence for a person.

pydantic's own ``ValidationError`` is the third kind of refusal; :func:`sentence` turns any of them
into the one line that a page or a terminal shows.
"""

from __future__ import annotations

from pydantic import ValidationError


class SpecError(ValueError):
    """A network or an experiment that can be written down but not built.

    ``stage`` and ``block`` (both counted from 1) and ``field`` say where, when it is one place.
    """

    def __init__(
        self, message: str, *, stage: int | None = None, block: int | None = None, field: str | None = None
    ) -> None:
        super().__init__(message)
        self.stage = stage
        self.block = block
        self.field = field


class ShareError(ValueError):
    """A share text that is not one of ours, is damaged, too large, or of an unknown version."""


_BOUNDS = {
    "greater_than_equal": ("ge", "must be at least"),
    "greater_than": ("gt", "must be above"),
    "less_than_equal": ("le", "must be at most"),
    "less_than": ("lt", "must be below"),
}

_LENGTHS = {"too_short": ("min_length", "at least"), "too_long": ("max_length", "at most")}


def sentence(error: BaseException) -> str:
    """The one sentence of a refusal: pydantic's first complaint with place and value, or the error's own text."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False)[0]
    parts = [str(part + 1) if isinstance(part, int) else _shown(part) for part in first["loc"]]
    place = _short(".".join(parts), 80) or "it"
    value = _short(_quoted(first["input"]), 40)
    if first["type"] in _BOUNDS:
        key, words = _BOUNDS[first["type"]]
        bound = first["ctx"][key]
        return f"{place} is {value}: it {words} {int(bound) if bound == int(bound) else bound}."
    if first["type"] in _LENGTHS and first["ctx"]["field_type"] == "Tuple":
        key, words = _LENGTHS[first["type"]]
        return f"{place} has {first['ctx']['actual_length']} entries: it must have {words} {first['ctx'][key]}."
    if first["type"] == "extra_forbidden":
        return f"{place} is not a field that this version knows."
    if first["type"] == "value_error":
        return first["msg"].removeprefix("Value error, ")
    return f"{place} is {value}: {first['msg'][:1].lower()}{first['msg'][1:]}."


def stopped(text: str) -> str:
    """The sentence with its full stop."""
    return text if text.endswith((".", "?")) else text + "."


def _shown(name: str) -> str:
    """A field's name as it may stand in a sentence: those of a file or a link are the sender's own."""
    name = name[:81]
    return name if name.isprintable() else repr(name)


def _quoted(value: object) -> str:
    try:
        return repr(value)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        return "a number of thousands of digits"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."
