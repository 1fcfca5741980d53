"""Instruments: what can be measured on a network that is built, trained or not, as pure functions.

Each takes a module from :func:`resnet_viz.nn.build` and tensors, never changes the module, and yields its result bit
by bit where it takes long, so that whoever stops asking has stopped it. Importing this package does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .curvature import negative_curvature as negative_curvature
    from .gates import GateMean as GateMean
    from .gates import gate_means as gate_means
    from .growth import grown as grown
    from .growth import growth_problem as growth_problem
    from .growth import taller as taller
    from .landscape import Point as Point
    from .landscape import directions as directions
    from .landscape import grid as grid
    from .landscape import surface as surface
    from .lesion import Lesion as Lesion
    from .lesion import block_paths as block_paths
    from .lesion import exchangeable as exchangeable
    from .lesion import lesions as lesions
    from .lesion import permuted as permuted
    from .lesion import without as without
    from .routes import GradientShare as GradientShare
    from .routes import gradient_shares as gradient_shares
    from .shattering import autocorrelation as autocorrelation
    from .shattering import line as line
    from .shattering import line_gradients as line_gradients
    from .shrinking import shrunk as shrunk
    from .start import Start as Start
    from .start import shares_at_start as shares_at_start
    from .statistics import error_of as error_of
    from .statistics import restated as restated

_HOMES = {
    "curvature": ("negative_curvature",),
    "gates": ("GateMean", "gate_means"),
    "growth": ("grown", "growth_problem", "taller"),
    "landscape": ("Point", "directions", "grid", "surface"),
    "lesion": ("Lesion", "block_paths", "exchangeable", "lesions", "permuted", "without"),
    "routes": ("GradientShare", "gradient_shares"),
    "shattering": ("autocorrelation", "line", "line_gradients"),
    "shrinking": ("shrunk",),
    "start": ("Start", "shares_at_start"),
    "statistics": ("error_of", "restated"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_HOME_OF]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
