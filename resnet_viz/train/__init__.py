"""From an experiment to its steps: batches, schedule, engine, probes, evaluation, the race of all contestants.

Importing this package does not import torch; :class:`Race` and :func:`estimate` load it when first asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .roles import ROLES, role_names

if TYPE_CHECKING:
    from ..spec import Experiment
    from .estimates import estimate
    from .race import Race

__all__ = ["ROLES", "Race", "estimate", "role_names"]

_LAZY = {"Race": "race", "estimate": "estimates"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)


class _Train(ModuleType):
    """``resnet_viz.train`` is two things: this package, and in the public API the function that trains.

    Python binds a sub-package as an attribute of its package and would hide the function; so the package can be
    called. The function lives two layers above, and is looked up by name for this one purpose.
    """

    def __call__(
        self,
        experiment: Experiment,
        store: Any = None,
        engine: str = "auto",
        name: str | None = None,
        progress: Callable[[Any], None] | None = None,
        *,
        deterministic: bool = False,
    ) -> Any:
        """See :func:`resnet_viz.runs.training.train`."""
        return import_module("resnet_viz.runs").train(
            experiment, store, engine, name, progress, deterministic=deterministic
        )


sys.modules[__name__].__class__ = _Train
