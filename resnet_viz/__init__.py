"""ResNet Viz: assemble residual networks, see them, count them, and watch every layer's gradient while they train.

``import resnet_viz as rv`` is cheap: each public name loads its module on first use, and nothing here needs
torch until a network is built, traced or trained.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "resnet_viz.spec": (
        "Block", "Comparison", "DropPath", "Experiment", "Head", "Init", "Input", "Lane", "LaneConv", "Network",
        "Override", "PresetInfo", "Recipe", "ShareError", "SpecError", "Stage", "Stem", "decode", "encode",
        "plain_twin", "preset", "preset_groups", "preset_info", "presets", "residual_twin",
    ),
    "resnet_viz.codegen": ("to_source",),
    "resnet_viz.data.own_images": ("own_images",),
    "resnet_viz.nn": ("build",),
    "resnet_viz.inspect": ("Graph", "Summary", "summarize", "trace"),
    "resnet_viz.labs": ("run_lab",),
    "resnet_viz.runs": ("Run", "RunStore", "open_runs", "record", "resume", "train"),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    *_HOME_OF,
    "__version__",
]

if TYPE_CHECKING:
    from .codegen import to_source as to_source
    from .data.own_images import own_images as own_images
    from .inspect import Graph as Graph
    from .inspect import Summary as Summary
    from .inspect import summarize as summarize
    from .inspect import trace as trace
    from .labs import run_lab as run_lab
    from .nn import build as build
    from .runs import Run as Run
    from .runs import RunStore as RunStore
    from .runs import open_runs as open_runs
    from .runs import record as record
    from .runs import resume as resume
    from .runs import train as train
    from .spec import Block as Block
    from .spec import Comparison as Comparison
    from .spec import DropPath as DropPath
    from .spec import Experiment as Experiment
    from .spec import Head as Head
    from .spec import Init as Init
    from .spec import Input as Input
    from .spec import Lane as Lane
    from .spec import LaneConv as LaneConv
    from .spec import Network as Network
    from .spec import Override as Override
    from .spec import PresetInfo as PresetInfo
    from .spec import Recipe as Recipe
    from .spec import ShareError as ShareError
    from .spec import SpecError as SpecError
    from .spec import Stage as Stage
    from .spec import Stem as Stem
    from .spec import decode as decode
    from .spec import encode as encode
    from .spec import plain_twin as plain_twin
    from .spec import preset as preset
    from .spec import preset_groups as preset_groups
    from .spec import preset_info as preset_info
    from .spec import presets as presets
    from .spec import residual_twin as residual_twin


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'resnet_viz' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
