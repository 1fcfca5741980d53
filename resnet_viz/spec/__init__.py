"""What a network and an experiment are: frozen pydantic models, presets, share texts. No torch, no streamlit."""

from __future__ import annotations

from .datasets import DATASETS, DatasetInfo
from .errors import ShareError, SpecError, sentence
from .experiment import Experiment, Recipe
from .network import Block, Head, Init, Input, Network, Stage, Stem, checked
from .presets import PresetInfo, preset, preset_groups, preset_info, presets
from .share import decode, encode
from .twins import differences, fit_to_dataset, plain_twin, residual_twin

__all__ = [
    "DATASETS", "Block", "DatasetInfo", "Experiment", "Head", "Init", "Input", "Network", "PresetInfo", "Recipe",
    "ShareError", "SpecError", "Stage", "Stem", "checked", "decode", "differences", "encode", "fit_to_dataset",
    "plain_twin", "preset", "preset_groups", "preset_info", "presets", "residual_twin", "sentence",
]  # fmt: skip
