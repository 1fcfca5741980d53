"""What every command prints to, and how a refusal looks: one sentence on standard error, exit status 2."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from pydantic import ValidationError
from rich.console import Console

from ..spec import ShareError, SpecError, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

out = Console(width=None if sys.stdout.isatty() else 120)  # a pipe has no width: keep the columns whole
err = Console(stderr=True)


@contextmanager
def refusals() -> Iterator[None]:
    """Turn every refusal into one sentence and exit status 2."""
    try:
        yield
    except (SpecError, ShareError, ValidationError, KeyError, ValueError, OSError) as error:
        text = error.args[0] if isinstance(error, KeyError) and error.args else sentence(error)
        err.print(str(text), style="red", markup=False, highlight=False)
        raise typer.Exit(2) from error
    except sqlite3.Error as error:
        err.print(f"The runs cannot be read or written ({error}).", style="red", markup=False, highlight=False)
        raise typer.Exit(2) from error
