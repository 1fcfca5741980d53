"""What a data set is once it is loaded, and the registry of loaders by name.

To add a data set: one function that gives a :class:`Dataset`, decorated with :func:`dataset`, in a module of this
package with the data set's name, and one line in ``resnet_viz.spec.datasets`` that says its shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from ..spec.datasets import DATASETS, OwnImages
from . import own_images

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels as tensors on the CPU.

    ``train_x`` and ``test_x`` are float32 [N, C, H, W] with values from 0 to 1 (a person's own images are normalised
    by channel), ``train_y`` and ``test_y`` int64 [N] with values below ``len(classes)``; ``classes`` are the labels'
    names in order. Loaded once a process and shared: never write into them.
    """

    name: str
    train_x: torch.Tensor
    train_y: torch.Tensor
    test_x: torch.Tensor
    test_y: torch.Tensor
    classes: tuple[str, ...]


Loader = Callable[[], Dataset]
_LOADERS: dict[str, Loader] = {}


def dataset(name: str) -> Callable[[Loader], Loader]:
    """Register the function as the loader of that name."""

    def register(loader: Loader) -> Loader:
        _LOADERS[name] = cache(loader)
        return loader

    return register


def load(data: str | OwnImages) -> Dataset:
    """The data set of that name, read once a process, or a person's own images.

    Raises ``KeyError`` listing the names when there is none, ``SpecError`` when this machine has not those images.
    """
    if isinstance(data, OwnImages):
        return own_images.load(data)
    if data not in _LOADERS and data in DATASETS:
        import_module(f"{__package__}.{data}")
    if data not in _LOADERS:
        raise KeyError(f"no data set is called {data[:40]!r}; the data sets are: {', '.join(DATASETS | _LOADERS)}")
    return _LOADERS[data]()
