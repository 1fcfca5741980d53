"""A person's own images: an ``.npz`` taken in once under a name, then a data set like any other.

The file holds ``train_x`` uint8 [N, H, W], [N, H, W, C] or [N, C, H, W], ``train_y`` whole numbers from 0 [N] or
[N, 1], ``test_x`` and ``test_y`` (Keras's names ``x_train`` and so on do as well). It may come from anybody: nothing
in it is executed, and what its headers promise is checked before anything is read. What is kept is our own copy of
the arrays, uncompressed, beside a small JSON with their shapes and their SHA-256.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pydantic import ValidationError

from ..settings import settings
from ..spec import OwnImages, SpecError, sentence
from .npz import KEYS, read

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .dataset import Dataset
    from .npz import Arrays

GREYS = 256


def directory() -> Path:
    """Where the images lie."""
    return settings().images_directory


def known() -> tuple[OwnImages, ...]:
    """All that this machine has, by name; a damaged entry is left out."""
    found = []
    for path in sorted(directory().glob("*.json")):
        with contextlib.suppress(SpecError):
            found.append(own_images(path.stem))
    return tuple(found)


def own_images(name: str) -> OwnImages:
    """The images of that name, as ``Experiment(dataset=...)`` takes them. Raises ``SpecError`` when there are none."""
    path = _path(name, "json")
    try:
        return OwnImages.model_validate_json(path.read_bytes()[:10_000])
    except FileNotFoundError as error:
        raise SpecError(_missing(name), field="dataset") from error
    except (OSError, ValidationError) as error:
        raise SpecError(f"The images {name!r} of this machine are damaged: add them again.", field="dataset") from error


def add(source: Path | bytes, name: str) -> OwnImages:
    """Take in an ``.npz`` file, or its bytes, under a name; one of that name is replaced.

    Raises ``SpecError``, one sentence, for a name that cannot be, for a file that holds no such images, for too many
    of them, and for a directory that cannot be written.
    """
    import numpy as np

    path = _path(name, "npz")
    arrays = read(source)
    try:
        own = describe(arrays, name)
    except ValidationError as error:
        raise SpecError(sentence(error), field="dataset") from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _whole(path) as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # it takes any names
        with _whole(_path(name, "json")) as file:
            file.write(own.model_dump_json().encode())
    except OSError as error:
        raise SpecError(f"The images cannot be kept in {path.parent} ({error.strerror or error}).") from error
    return own


def add_beside(data: bytes, name: str) -> OwnImages:
    """As :func:`add`, but other images of that name stay: these get a part of their SHA-256 behind theirs.

    Raises ``SpecError`` as :func:`add` does.
    """
    try:
        sha256 = describe(read(data), name).sha256
    except ValidationError as error:
        raise SpecError(sentence(error), field="dataset") from error
    if any(own.name == name and own.sha256 != sha256 for own in known()):
        name = f"{name[:33]}-{sha256[:6]}"
    return add(data, name)


def remove(name: str) -> None:
    """Forget the images of that name; runs that used them stay. Raises ``SpecError`` when there are none."""
    own_images(name)
    for ending in ("json", "npz"):
        _path(name, ending).unlink(missing_ok=True)


def check(own: OwnImages) -> None:
    """Raise ``SpecError`` unless this machine has these very images, by what is written beside them."""
    here = own_images(own.name)
    if here.sha256 != own.sha256:
        raise SpecError(
            f"The images {own.name!r} of this machine are not those of the experiment (SHA-256 {here.sha256[:12]}..., "
            f"not {own.sha256[:12]}...): add those, or choose the data set anew.",
            field="dataset",
        )


@lru_cache(maxsize=2)
def load(own: OwnImages) -> Dataset:
    """The images as tensors: each channel less the mean of its training pixels, over their standard deviation.

    float32 [N, C, H, W]. Their SHA-256 is taken anew. Raises ``SpecError`` when this machine has other images of
    that name or none, or when what it has is damaged.
    """
    import torch

    from .dataset import Dataset

    check(own)
    arrays = read(_path(own.name, "npz"))
    if digest(arrays) != own.sha256:
        raise SpecError(f"The images {own.name!r} of this machine are damaged: add them again.", field="dataset")
    table = normalisation(arrays["train_x"])
    x = {key: torch.from_numpy(_looked_up(arrays[key], table)) for key in ("train_x", "test_x")}
    y = {key: torch.from_numpy(arrays[key]) for key in ("train_y", "test_y")}
    names = tuple(str(label) for label in range(own.classes))
    return Dataset(own.info.name, x["train_x"], y["train_y"], x["test_x"], y["test_y"], names)


def normalisation(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What each of the 256 values of each channel becomes, float32 [C, 256]; ``images`` uint8 [N, C, H, W].

    (value - mean) / standard deviation over all pixels of the channel, from whole-number counts: the same on every
    machine. A channel of one value becomes zero.
    """
    import numpy as np

    values = np.arange(GREYS)
    rows = []
    for channel in range(images.shape[1]):
        counts = np.bincount(images[:, channel].reshape(-1), minlength=GREYS)
        mean = (counts * values).sum() / counts.sum()
        deviation = np.sqrt((counts * (values - mean) ** 2).sum() / counts.sum())
        rows.append((values - mean) / (deviation or 1.0))
    return np.stack(rows).astype(np.float32)


def _looked_up(images: NDArray[np.uint8], table: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    found = np.empty(images.shape, np.float32)
    for channel in range(images.shape[1]):
        np.take(table[channel], images[:, channel], out=found[:, channel], mode="clip")
    return found


def digest(arrays: Arrays) -> str:
    """SHA-256 over name, shape and little-endian bytes of the four canonical arrays: packing plays no part."""
    found = hashlib.sha256()
    for key in KEYS:
        array = arrays[key]
        found.update(f"{key} {array.dtype.str} {array.shape}\n".encode())
        found.update(array.data.cast("B"))
    return found.hexdigest()


def describe(arrays: Arrays, name: str) -> OwnImages:
    """What an experiment carries of canonical arrays. Raises ``ValidationError`` for more than is taken."""
    _, channels, height, width = arrays["train_x"].shape
    return OwnImages(
        name=name, channels=channels, height=height, width=width, classes=int(arrays["train_y"].max()) + 1,
        train=len(arrays["train_x"]), test=len(arrays["test_x"]), sha256=digest(arrays),
    )  # fmt: skip


def _path(name: str, ending: str) -> Path:
    try:
        OwnImages.model_validate({"name": name})
    except ValidationError as error:
        if any(part["loc"] == ("name",) for part in error.errors(include_url=False)):
            raise SpecError(
                f"{name[:50]!r} cannot be a name: use 1 to 40 of a to z, 0 to 9, '-' and '_', a letter or digit first.",
                field="dataset",
            ) from error
    return directory() / f"{name}.{ending}"


def _missing(name: str) -> str:
    return (
        f"This machine has no images called {name!r}: `python -m resnet_viz data add FILE.npz --name {name}` adds them."
    )


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that stands at ``path`` whole or not at all."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
