"""All labs: every module of ``questions`` declares one as ``LAB``; nothing else has to name it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from . import questions
from .lab import Lab


@cache
def labs() -> tuple[Lab, ...]:
    """The labs in the order of the course."""
    found = [import_module(f"{questions.__name__}.{module.name}").LAB for module in iter_modules(questions.__path__)]
    return tuple(sorted(found, key=lambda lab: lab.number))


def find(slug: str) -> Lab:
    """The lab of that name. Raises ``KeyError``, which lists the names."""
    for lab in labs():
        if lab.slug == slug:
            return lab
    raise KeyError(f"there is no lab {slug[:40]!r}: the labs are {', '.join(lab.slug for lab in labs())}")
