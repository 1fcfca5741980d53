"""Digits made hard by code: warped, cluttered with pieces of other digits, half of each image negative. 16 x 16 pixels.

After the cluttered digits of Mnih et al. 2014 ("Recurrent Models of Visual Attention", arXiv 1406.6247, Sect. 4.1),
from the 1,797 digits of the package alone: training images from its 1,500 training digits, test images from its 297
test digits, pieces included, so no source digit is in both. On these images depth helps (docs/datasets.md has the
figures): a filter that answers to a bright stroke is wrong in the negative half, and a piece has strokes of its own,
so several layers have to agree before a stroke counts.

The same bytes on every machine: numpy promises the raw numbers of a bit generator (NEP 19) but not what its
distributions make of them, and no two mathematical libraries agree on the last digit of a sine; so everything here
is made of raw numbers by addition, multiplication, division and rounding, which IEEE 754 fixes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..spec.datasets import DATASETS
from .dataset import Dataset, dataset, first
from .digits import BRIGHTEST, CLASSES, read_digits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

NAME = "cluttered_digits"
SIDE = 16
CHUNK = 500
"""Images that are made together, each chunk from a seed of its own; pieces come from images of the same chunk."""
TURN = 0.35
"""Rotation: twice the arc tangent of up to half of this, in radians; about 20 degrees."""
SCALE = (1.2, 1.8)
"""A source of 8 x 8 pixels becomes 9.6 to 14.4 wide."""
SHEAR, SHIFT = 0.2, 1.5
"""Shear as a share of the height, shift in pixels, both to either side."""
PIECES, PIECE = 2, 4
"""Pieces of other digits in each image, and their side in pixels."""
NOISE = 0.05
"""Standard deviation, where white is 1."""
EDGE = 4.0
"""How far the border between the two halves may pass from the centre, in pixels."""


class Draws:
    """Numbers from the raw stream of PCG64, whose values numpy promises to keep."""

    def __init__(self, *seed: int) -> None:
        import numpy as np

        self._bits = np.random.PCG64(list(seed))

    def between(self, low: float, high: float, *shape: int) -> Floats:
        """Uniform in [low, high): 53 bits each."""
        found: Floats = low + (high - low) * ((self._raw(shape) >> 11) * 2.0**-53)
        return found

    def below(self, bound: int, *shape: int) -> Ints:
        """Whole numbers from 0 to bound - 1, uniform up to bound / 2**32."""
        found: Ints = (((self._raw(shape) >> 32) * bound) >> 32).astype("int64")
        return found

    def bell(self, *shape: int) -> Floats:
        """Mean 0, standard deviation 1: the sum of eight bytes (Irwin and Hall 1927), a normal one to the eye."""
        raw = self._raw(shape)
        total = sum((raw >> 8 * byte & 255).astype("int64") for byte in range(8))
        found: Floats = (total - 8 * 255 / 2) / (8 * (256**2 - 1) / 12) ** 0.5
        return found

    def _raw(self, shape: tuple[int, ...]) -> Any:
        import numpy as np

        return self._bits.random_raw(int(np.prod(shape))).reshape(shape)


@dataclass(frozen=True, eq=False)
class Sources:
    """Digits to draw from: ``images`` float64 [N, 8, 8] from 0 to 1, ``labels`` [N]; ``seed`` tells parts apart."""

    images: Floats
    labels: Ints
    seed: int


def sources(part: str) -> Sources:
    """The digits behind the "train" or the "test" images: those of the data set "digits", split as there."""
    import numpy as np

    images, labels, test = read_digits()
    chosen = test if part == "test" else np.setdiff1d(np.arange(len(images)), test)
    return Sources(images[chosen] / BRIGHTEST, labels[chosen].astype(np.int64), 1 + (part == "test"))


def chunk(given: Sources, number: int) -> tuple[NDArray[np.uint8], Ints]:
    """Images [500, 16, 16] and labels [500] of that chunk (from 0): the classes in turn, so equally many of each."""
    import numpy as np

    draws = Draws(given.seed, number)
    labels = np.arange(CHUNK) % CLASSES
    draw = draws.between(0, 1, CHUNK)
    chosen = np.empty(CHUNK, np.int64)
    for label in range(CLASSES):
        places = np.flatnonzero(given.labels == label)
        mine = labels == label
        chosen[mine] = places[(draw[mine] * len(places)).astype(np.int64)]
    images = halved(noisy(cluttered(warped(given.images[chosen], draws), draws), draws), draws)
    return np.rint(images * 255).astype(np.uint8), labels


def warped(images: Floats, draws: Draws) -> Floats:
    """Each [8, 8] image turned, scaled, sheared and shifted onto [16, 16], bilinear between pixels."""
    import numpy as np

    count = len(images)
    half = draws.between(-TURN, TURN, count, 1, 1) / 2
    cosine, sine = (1 - half * half) / (1 + half * half), 2 * half / (1 + half * half)
    shrink = 1 / draws.between(*SCALE, count, 1, 1)
    shear = draws.between(-SHEAR, SHEAR, count, 1, 1)
    across, down = (draws.between(-SHIFT, SHIFT, count, 1, 1) for _ in range(2))
    places = np.arange(SIDE) - (SIDE - 1) / 2
    x, y = places[None, None, :] - across, places[None, :, None] - down
    v = shrink * (cosine * y - sine * x)
    u = shrink * (cosine * x + sine * y) + shear * v
    return _bilinear(np.pad(images, ((0, 0), (1, 1), (1, 1))), u, v)


def _bilinear(images: Floats, u: Floats, v: Floats) -> Floats:
    """Values at columns u and rows v from the centre of each image [S, S], whose rim is black and goes on outside."""
    import numpy as np

    side = images.shape[1]
    u, v = (np.clip(place + (side - 1) / 2, 0, side - 1) for place in (u, v))
    left, top = (np.minimum(np.floor(place), side - 2).astype(np.int64) for place in (u, v))
    right, low = u - left, v - top
    flat = images.reshape(-1)
    at = np.arange(len(images))[:, None, None] * side * side + top * side + left
    upper: Floats = flat[at] * (1 - right) + flat[at + 1] * right
    lower: Floats = flat[at + side] * (1 - right) + flat[at + side + 1] * right
    read: Floats = upper * (1 - low) + lower * low
    return read


def cluttered(images: Floats, draws: Draws) -> Floats:
    """Pieces of other images of the chunk laid over each one; where both are drawn the brighter shows."""
    import numpy as np

    count, steps = len(images), np.arange(PIECE)
    found = images.copy()
    mine = np.arange(count)[:, None, None]
    for _ in range(PIECES):
        other = (np.arange(count) + 1 + draws.below(count - 1, count)) % count
        # From the middle, where strokes are, to anywhere.
        row, column = (3 + draws.below(SIDE - 5 - PIECE, count) for _ in range(2))
        to_row, to_column = (draws.below(SIDE - PIECE + 1, count) for _ in range(2))
        piece = images[other[:, None, None], _rows(row, steps), _columns(column, steps)]
        there = (mine, _rows(to_row, steps), _columns(to_column, steps))
        found[there] = np.maximum(found[there], piece)
    return found


def _rows(first: Ints, steps: Ints) -> Ints:
    return (first[:, None] + steps)[:, :, None]


def _columns(first: Ints, steps: Ints) -> Ints:
    return (first[:, None] + steps)[:, None, :]


def noisy(images: Floats, draws: Draws) -> Floats:
    """Grain on every pixel, cut off at black and white."""
    import numpy as np

    return np.clip(images + NOISE * draws.bell(*images.shape), 0, 1)


def halved(images: Floats, draws: Draws) -> Floats:
    """On one side of a line across each image black is white: a line at most 45 degrees off either axis."""
    import numpy as np

    count = len(images)
    slope, passes = draws.between(-1, 1, count, 1, 1), draws.between(-EDGE, EDGE, count, 1, 1)
    upright, flipped = (draws.below(2, count, 1, 1) == 1 for _ in range(2))
    places = np.arange(SIDE) - (SIDE - 1) / 2
    x, y = places[None, None, :], places[None, :, None]
    side = np.where(upright, x + slope * y, y + slope * x) > passes
    return np.where(side ^ flipped, 1 - images, images)


@dataset(NAME)
def cluttered_digits() -> Dataset:
    """8,000 training and 1,500 test images, float32 [N, 1, 16, 16] from 0 to 1, equally many of each class."""
    import numpy as np
    import torch

    info = DATASETS[NAME]

    def part(name: str, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        given = sources(name)
        images, labels = zip(*(chunk(given, number) for number in range(count // CHUNK)), strict=True)
        pixels = np.concatenate(images).astype(np.float32) / 255
        return torch.from_numpy(pixels).unsqueeze(1), torch.from_numpy(np.concatenate(labels))

    return Dataset(NAME, *part("train", info.train), *part("test", info.test), tuple("0123456789"))


@first(NAME)
def first_chunk() -> tuple[NDArray[np.uint8], Ints]:
    """The first 500 training images, uint8 [500, 1, 16, 16], and their labels."""
    images, labels = chunk(sources("train"), 0)
    return images[:, None], labels
