"""A model of the person's own: ``package.module:factory`` from their command line, never from a visitor."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..settings import settings
from ..spec.errors import SpecError

if TYPE_CHECKING:
    from torch import nn

MOST_AXES = 4
MOST_VALUES = 50_000_000
"""Largest input: 200 MB as float32."""
_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
HOSTED = "A hosted app runs no code of its visitors: start it on your own machine to look at a model of your own."


def input_shape(text: str) -> tuple[int, ...]:
    """The shape of one input without the batch, from "3x224x224". Raises ``SpecError``."""
    sizes = re.split(r"[x×,]", text.strip().lower())
    if not 1 <= len(sizes) <= MOST_AXES or not all(re.fullmatch(r"[1-9]\d{0,6}", size.strip()) for size in sizes):
        raise SpecError(f"{text[:40]!r} is no input size: write channels, height and width, as in 3x224x224.")
    shape = tuple(int(size) for size in sizes)
    values = 1
    for size in shape:
        values *= size
    if values > MOST_VALUES:
        raise SpecError(f"An input of {text[:40]} has {values:,} values: at most {MOST_VALUES:,} are taken.")
    return shape


def load_model(text: str, directory: str | Path | None = None) -> nn.Module:
    """Import ``package.module``, call ``factory`` without arguments, and give the module that it returns.

    A module that is an ``nn.Module`` already is taken as it is. ``directory`` is searched first, as Python searches
    the directory of a script. Runs the person's code: only for what they named themselves. Raises ``SpecError`` with
    one sentence for whatever goes wrong, and in hosted mode always.
    """
    if settings().hosted:
        raise SpecError(HOSTED)
    place, separator, attribute = text.partition(":")
    if not separator or not _NAME.fullmatch(place) or not _NAME.fullmatch(attribute):
        raise SpecError(f"{text[:80]!r} names no model: write package.module:factory, as in my_nets.vision:build.")
    if directory is not None and str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    found = _attribute(_module(place), place, attribute)
    return _made(found, text)


def _module(place: str) -> Any:
    importlib.invalidate_caches()
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name and (place == error.name or place.startswith(f"{error.name}.")):
            raise SpecError(
                f"There is no module {error.name!r} here: start the app in the directory that has it, or install it."
            ) from error
        raise SpecError(f"{place} needs the module {error.name!r}, which is not installed.") from error
    except (Exception, SystemExit) as error:
        raise SpecError(f"Importing {place} raised {told(error)}.") from error


def _attribute(module: Any, place: str, attribute: str) -> Any:
    found = module
    for name in attribute.split("."):
        if not hasattr(found, name):
            raise SpecError(f"{place} has no {attribute!r}{_near(module)}.")
        found = getattr(found, name)
    return found


def _near(module: Any) -> str:
    """The names in a module that could be meant: its own public callables."""
    names = [
        name
        for name, value in vars(module).items()
        if callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
    ]
    return f": it has {', '.join(names[:6])}{' and more' if len(names) > 6 else ''}" if names else ""


def _made(found: Any, text: str) -> nn.Module:
    import torch
    from torch import nn

    if isinstance(found, nn.Module):
        return found
    if not callable(found):
        raise SpecError(f"{text} is {_article(found)}: it must be a function that returns a torch.nn.Module.")
    try:
        with torch.random.fork_rng(devices=[]):
            made = found()
    except (Exception, SystemExit) as error:
        raise SpecError(f"Calling {text} without arguments raised {told(error)}.") from error
    if not isinstance(made, nn.Module):
        raise SpecError(f"{text} returned {_article(made)}: it must return a torch.nn.Module.")
    return made


def _article(thing: Any) -> str:
    name = "None" if thing is None else type(thing).__name__
    return name if thing is None else f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def told(error: BaseException, most: int = 160) -> str:
    """An exception in some words: its type and the first line of its message."""
    lines = str(error).strip().splitlines()
    words = lines[0].strip().rstrip(".") if lines else ""
    words = words if len(words) <= most else f"{words[: most - 1]}…"
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
