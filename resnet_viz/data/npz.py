"""The images and labels of an ``.npz`` that may come from anybody: checked by its headers before anything is read."""

from __future__ import annotations

import io
import zipfile
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..spec import SpecError
from ..spec.datasets import MAX_CLASSES, MAX_SIDE, MAX_VALUES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[Any]]

KEYS = ("train_x", "train_y", "test_x", "test_y")
KERAS = {"train_x": "x_train", "train_y": "y_train", "test_x": "x_test", "test_y": "y_test"}
MOST_BYTES = 1 << 30
"""Bytes of the file, and of the four arrays once unpacked."""
MOST_HEADER = 10_000
CHANNELS = (1, 3)


def read(source: Path | bytes) -> Arrays:
    """The four arrays in their canonical form: images uint8 [N, C, H, W], labels int64 [N]. Raises ``SpecError``."""
    size = len(source) if isinstance(source, bytes) else _size(source)
    if size > MOST_BYTES:
        raise SpecError(f"The file has {size / 1e6:,.0f} MB: at most {MOST_BYTES // 10**6:,} MB are read.")
    try:
        with zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source) as archive:
            found = _arrays(archive)
    except SpecError:
        raise
    except Exception as error:  # zip, deflate and the header's parser raise many kinds
        raise SpecError("This is no .npz file that can be read: numpy.savez makes one.") from error
    train, test = _images(found, "train_x"), _images(found, "test_x")
    if train.shape[1:] != test.shape[1:]:
        raise SpecError(
            f"train_x has images of {_by(train.shape[1:])} and test_x of {_by(test.shape[1:])}: "
            "both need the same size."
        )
    labels = {key: _labels(found, key, len(images)) for key, images in (("train_y", train), ("test_y", test))}
    classes = int(labels["train_y"].max()) + 1
    if not 2 <= classes <= MAX_CLASSES:
        raise SpecError(
            f"train_y has labels up to {classes - 1}: 2 to {MAX_CLASSES} classes, counted from 0, are taken."
        )
    if labels["test_y"].max() >= classes:
        raise SpecError(f"test_y has the label {labels['test_y'].max()}, which train_y does not reach.")
    return {"train_x": train, "train_y": labels["train_y"], "test_x": test, "test_y": labels["test_y"]}


def _arrays(archive: zipfile.ZipFile) -> Arrays:
    """The four arrays as they are, after all their headers were found to be harmless."""
    from numpy.lib import format as npy

    members = {info.filename: info for info in archive.infolist()}
    chosen = {}
    for key in KEYS:
        name = next((n for n in (f"{key}.npy", f"{KERAS[key]}.npy") if n in members), None)
        if name is None:
            raise SpecError(f"The file has no {key} (or {KERAS[key]}): it needs {', '.join(KEYS)}.")
        chosen[key] = members[name]
    total = sum(info.file_size for info in chosen.values())
    if total > MOST_BYTES:
        raise SpecError(f"The arrays have {total / 1e6:,.0f} MB: at most {MOST_BYTES // 10**6:,} MB are read.")
    for key, info in chosen.items():
        with archive.open(info) as file:
            _check_header(key, file, info.file_size)
    found = {}
    for key, info in chosen.items():
        with archive.open(info) as file:
            found[key] = npy.read_array(file, allow_pickle=False)
    return found


def _check_header(key: str, file: IO[bytes], size: int) -> None:
    """Raise a refusal unless the type is one that is taken, and the shape fits the bytes that are there."""
    import numpy as np
    from numpy.lib import format as npy

    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    shape, _, kind = readers[npy.read_magic(file)](file, max_header_size=MOST_HEADER)
    images = key.endswith("_x")
    if images and kind != np.uint8:
        raise SpecError(f"{key} is {kind}: images are needed as uint8, 0 to 255.")
    if not images and kind.kind not in "iu":
        raise SpecError(f"{key} is {kind}: labels are needed as whole numbers from 0.")
    if not all(side >= 0 for side in shape) or prod(shape) * kind.itemsize > size:
        raise ValueError("the shape is larger than the data")
    if not images and prod(shape) > MAX_VALUES // 8:
        raise SpecError(f"{key} has {prod(shape):,} labels: that is too many.")


def _images(found: Arrays, key: str) -> NDArray[np.uint8]:
    import numpy as np

    x = found[key]
    if x.ndim == 3:
        x = x[:, None]
    elif x.ndim == 4 and x.shape[3] in CHANNELS:
        x = x.transpose(0, 3, 1, 2)
    if x.ndim != 4 or x.shape[1] not in CHANNELS:
        raise SpecError(
            f"{key} has the shape {_by(found[key].shape)}: images are needed as N x H x W, N x H x W x C or "
            "N x C x H x W with 1 or 3 channels."
        )
    if not len(x) or not 1 <= min(x.shape[2:]) <= max(x.shape[2:]) <= MAX_SIDE:
        raise SpecError(f"{key} has the shape {_by(found[key].shape)}: images have sides of 1 to {MAX_SIDE} pixels.")
    if x.size > MAX_VALUES:
        raise SpecError(
            f"{key} has {x.size / 1e6:,.0f} million values: at most {MAX_VALUES // 10**6} million are taken."
        )
    return np.ascontiguousarray(x)


def _labels(found: Arrays, key: str, images: int) -> NDArray[np.int64]:
    import numpy as np

    y = found[key]
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.shape != (images,):
        raise SpecError(f"{key} has the shape {_by(found[key].shape)}: one label for each of the {images:,} images.")
    if y.min() < 0 or y.max() > np.iinfo(np.int64).max:
        raise SpecError(f"{key} has the label {y.min() if y.min() < 0 else y.max()}: labels count from 0.")
    return np.ascontiguousarray(y.astype("<i8"))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise SpecError(f"{path} cannot be read ({error.strerror}).") from error


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "()"
