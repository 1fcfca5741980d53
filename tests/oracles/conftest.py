"""torchvision as an oracle, also beside a build of torch that its C extension was not made for."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import pytest
import torch

# With torchvision's default wheel beside the CPU build of torch, its C extension does not load, and
# `import torchvision` then fails on the first operator that it expects there. The ResNets need none of them,
# so their schemas alone, without code, let the import pass.
SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_kept: list[torch.library.Library] = []
"""A library takes its operators along when it is collected."""


@pytest.fixture(scope="session")
def tv() -> ModuleType:
    """``torchvision.models``."""
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "does not exist" not in str(error):
            raise
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")
        for schema in SCHEMAS:
            library.define(schema)
        _kept.append(library)
        importlib.import_module("torchvision")
    return importlib.import_module("torchvision.models")
