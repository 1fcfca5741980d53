"""What a network and an experiment are: frozen pydantic models, presets, share texts. No torch, no streamlit."""

from __future__ import annotations

from .block import Block, Lane, LaneConv
from .comparison import Comparison
from .datasets import DATASETS, DatasetInfo, OwnImages
from .errors import ShareError, SpecError, sentence
from .experiment import Experiment, Recipe
from .files import read_spec, write_spec
from .network import DropPath, Head, Init, Input, Network, Override, Stage, Stem, checked
from .presets import Figure, PresetInfo, preset, preset_groups, preset_info, presets
from .share import decode, encode
from .twins import differences, fit_to_dataset, plain_twin, residual_twin

__all__ = [
    "DATASETS",
    "Block", "Comparison",
    "DatasetInfo",
    "DropPath",
    "Experiment",
    "Figure",
    "Head",
    "Init",
    "Input",
    "Lane",
    "LaneConv",
    "Network",
    "Override",
    "OwnImages",
    "PresetInfo",
    "Recipe",
    "ShareError",
    "SpecError",
    "Stage",
    "Stem",
    "checked",
    "decode",
    "differences",
    "encode",
    "fit_to_dataset",
    "plain_twin",
    "preset",
    "preset_groups",
    "preset_info",
    "presets",
    "read_spec",
    "residual_twin",
    "sentence",
    "write_spec",
]  # fmt: skip
