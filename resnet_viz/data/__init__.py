"""Data sets as tensors; importing this package does not import torch."""

from __future__ import annotations

from . import own_images
from .dataset import Dataset, dataset, examples, load

__all__ = ["Dataset", "dataset", "examples", "load", "own_images"]
