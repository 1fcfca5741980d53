"""The digits that ship with the package: 1,797 handwritten ones, 8 x 8 pixels with values from 0 to 16.

Alpaydin and Kaynak 1998, "Optical Recognition of Handwritten Digits" (UCI, CC BY 4.0), the test part of that
collection as scikit-learn 1.x ships it (``sklearn.datasets.load_digits``), in its order and unchanged.
``digits.npz`` holds ``images`` uint8 [1797, 8, 8], ``labels`` uint8 [1797] and ``test`` int64 [297]: the sorted
places of the test images. They are the last 297 of ``numpy.random.RandomState(0).permutation(1797)``; numpy
promises that this generator never changes, and a test draws them again.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .dataset import Dataset, dataset, first

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PATH = Path(__file__).with_name("digits.npz")
BRIGHTEST = 16
CLASSES = 10


def read_digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
    """``images``, ``labels`` and ``test`` as the file holds them."""
    import numpy as np

    with np.load(PATH, allow_pickle=False) as file:
        return file["images"], file["labels"], file["test"]


@dataset("digits")
def digits() -> Dataset:
    """1,500 training and 297 test images, float32 [N, 1, 8, 8] = pixel / 16, in the order of the collection."""
    import numpy as np
    import torch

    images, labels, test = read_digits()
    train = np.setdiff1d(np.arange(len(images)), test)
    x = torch.from_numpy(images.astype(np.float32) / BRIGHTEST).unsqueeze(1)
    y = torch.from_numpy(labels.astype(np.int64))
    return Dataset("digits", x[train], y[train], x[test], y[test], tuple("0123456789"))


@first("digits")
def first_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All training images, uint8 [1500, 1, 8, 8] from 0 to 255, and their labels."""
    import numpy as np

    images, labels, test = read_digits()
    train = np.setdiff1d(np.arange(len(images)), test)
    grey = np.rint(images[train] * (255 / BRIGHTEST)).astype(np.uint8)
    return grey[:, None], labels[train].astype(np.int64)
