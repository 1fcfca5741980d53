"""Which versions compute here: with the same ones the same experiment gives the same numbers. Imports no torch."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from .. import __version__


@cache
def versions() -> dict[str, str]:
    """Of python, torch and this package, as a run's header has them."""
    try:
        torch = version("torch")
    except PackageNotFoundError:
        torch = ""
    return {"python": platform.python_version(), "torch": torch, "resnet_viz": __version__}
