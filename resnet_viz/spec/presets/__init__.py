"""Networks of the literature by name, each with its published figures and where they stand."""

from __future__ import annotations

from .info import Figure, PresetInfo
from .layouts import cifar, highway, imagenet
from .table import preset, preset_groups, preset_info, presets

__all__ = [
    "Figure",
    "PresetInfo",
    "cifar",
    "highway",
    "imagenet",
    "preset",
    "preset_groups",
    "preset_info",
    "presets",
]
