"""What a data set is once it is loaded, and the registry of loaders by name.

To add a data set: one function that gives a :class:`Dataset`, decorated with :func:`dataset`, in a module of this
package with the data set's name, and one line in ``resnet_viz.spec.datasets`` that says its shapes. A second
function, decorated with :func:`first`, shows its first images to pages that do without torch.
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
    import numpy as np
    import torch
    from numpy.typing import NDArray


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


First = Callable[[], "tuple[NDArray[np.uint8], NDArray[np.int64]]"]
_FIRST: dict[str, First] = {}


def first(name: str) -> Callable[[First], First]:
    """Register the function as that which gives the first training images of that name without torch.

    uint8 [N, C, H, W] from 0 to 255, and labels [N], with a few of every class among them.
    """

    def register(show: First) -> First:
        _FIRST[name] = show
        return show

    return register


def examples(name: str, each: int = 2) -> NDArray[np.uint8]:
    """The first ``each`` training images of every class, uint8 [classes, each, C, H, W] from 0 to 255.

    Raises ``KeyError`` when there is no such data set. Imports no torch.
    """
    import numpy as np

    _find(name)
    images, labels = _FIRST[name]()
    return np.stack([images[labels == label][:each] for label in range(DATASETS[name].classes)])


def load(data: str | OwnImages) -> Dataset:
    """The data set of that name, read once a process, or a person's own images.

    Raises ``KeyError`` listing the names when there is none, ``SpecError`` when this machine has not those images.
    """
    if isinstance(data, OwnImages):
        return own_images.load(data)
    _find(data)
    return _LOADERS[data]()


def _find(name: str) -> None:
    if name not in _LOADERS and name in DATASETS:
        import_module(f"{__package__}.{name}")
    if name not in _LOADERS:
        raise KeyError(f"no data set is called {name[:40]!r}; the data sets are: {', '.join(DATASETS | _LOADERS)}")
