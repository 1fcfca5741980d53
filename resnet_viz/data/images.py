"""One image for a network trained on ImageNet: read from hostile bytes, scaled and cut as torchvision does."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

from ..settings import settings

if TYPE_CHECKING:
    import torch
    from PIL import Image

MOST_BYTES = 10_000_000
MOST_PIXELS, HOSTED_PIXELS = 24_000_000, 12_000_000
"""A small file can hold many pixels, and each takes four bytes while it is decoded; a hosted app takes fewer."""
MOST_RATIO = 12
"""Longer side over shorter side: scaling a strip to 256 pixels in height would make it huge."""
SHORT = 512
"""A picture is averaged down until its shorter side is less than twice this: twice what any network is shown."""
WIDEST = 2
"""Longer side over shorter side of what is kept: the rest would be cut off anyway."""
STRIP = 16
"""Rows of the small picture that are made at a time."""
CROP = 224
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""Of ImageNet's training images, for each channel; torchvision's weights were trained with them."""


class ImageError(ValueError):
    """Why an image cannot be read, as one sentence."""


def read_image(data: bytes) -> torch.Tensor:
    """A PNG or JPEG as uint8 [3, H, W], upright. Raises :class:`ImageError`; the size is checked before decoding.

    A large picture comes smaller, by a whole factor, with a shorter side of ``SHORT`` at least; of a long one the
    middle. Nothing but the decoder holds it whole.
    """
    import numpy as np
    import torch
    from PIL import Image, ImageOps

    if len(data) > MOST_BYTES:
        raise ImageError(f"The file has {len(data) / 1e6:.0f} MB: at most {MOST_BYTES // 1_000_000} MB are read.")
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            _check_size(*image.size)
            image.draft(None, (SHORT, SHORT))  # a JPEG is decoded smaller from the start
            upright = ImageOps.exif_transpose(_small(image))
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"The image is too large: at most {_most() // 1_000_000} million pixels are read.") from error
    except Exception as error:  # Pillow's decoders raise many kinds
        raise ImageError("This is no PNG or JPEG image that can be read: choose another file.") from error
    return torch.from_numpy(np.array(upright, dtype=np.uint8)).permute(2, 0, 1).contiguous()


def _most() -> int:
    return HOSTED_PIXELS if settings().hosted else MOST_PIXELS


def _check_size(width: int, height: int) -> None:
    if width * height > _most():
        raise ImageError(
            f"The image is {width:,} × {height:,}: at most {_most() // 1_000_000} million pixels are read."
        )
    if max(width, height) > MOST_RATIO * min(width, height):
        raise ImageError(f"The image is {width:,} × {height:,}: one side may be {MOST_RATIO} times the other at most.")


def _small(image: Image.Image) -> Image.Image:
    """The middle of an image in RGB, averaged down strip by strip; its orientation is still to be applied."""
    from PIL import Image

    short = min(image.size)
    factor = max(1, short // SHORT)
    width, height = (min(side, WIDEST * short) for side in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    small = Image.new("RGB", (math.ceil(width / factor), math.ceil(height / factor)))
    for row in range(0, small.height, STRIP):
        upper, lower = top + row * factor, top + min((row + STRIP) * factor, height)
        strip = image.crop((left, upper, left + width, lower)).convert("RGB")
        small.paste(strip.reduce(factor), (0, row))
    small.info = dict(image.info)
    return small


def prepare(image: torch.Tensor, resize: int = 256) -> torch.Tensor:
    """torchvision's ``ImageClassification``: uint8 [3, H, W] -> float32 [1, 3, 224, 224].

    The shorter side is scaled to ``resize`` (bilinear, antialiased), the middle 224 x 224 cut out, and each channel
    normalised.
    """
    import numpy as np
    import torch
    from PIL import Image

    _, height, width = image.shape
    short = min(height, width)
    size = (int(resize * height / short), int(resize * width / short))
    picture = Image.fromarray(image.permute(1, 2, 0).contiguous().numpy())
    scaled = picture.resize(size[::-1], Image.Resampling.BILINEAR)
    top, left = (round((side - CROP) / 2.0) for side in size)
    cut = np.array(scaled.crop((left, top, left + CROP, top + CROP)))
    values = torch.from_numpy(cut).permute(2, 0, 1)[None].float() / 255
    mean, deviation = (torch.tensor(row).view(1, 3, 1, 1) for row in (MEAN, DEVIATION))
    return (values - mean) / deviation


def pattern(side: int = 256) -> torch.Tensor:
    """A generated picture, uint8 [3, side, side]: rings and stripes of several colours and widths, always the same."""
    import torch

    steps = torch.linspace(-1, 1, side)
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    radius = (x**2 + y**2).sqrt()
    waves = (
        torch.sin(math.pi * (6 * radius**2 + x)),
        torch.sin(math.pi * (9 * x + 3 * y)) * (radius < 0.8),
        torch.sin(math.pi * 14 * y) * (x > 0) + torch.cos(math.pi * 5 * radius),
    )
    return torch.stack([(127.5 + 63.0 * wave).clamp(0, 255) for wave in waves]).round().to(torch.uint8)
