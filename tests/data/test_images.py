"""Images from outside: torchvision's own preprocessing as the oracle, hostile files as sentences."""

from __future__ import annotations

import io
from contextlib import suppress
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from resnet_viz.data.images import MOST_BYTES, ImageError, pattern, prepare, read_image

NO_IMAGE = "This is no PNG or JPEG image that can be read: choose another file."


def encoded(values: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("height", "width", "resize"), [(300, 500, 256), (231, 224, 232), (100, 70, 256), (256, 256, 256)]
)
def test_preparing_is_torchvisions(tv: ModuleType, height: int, width: int, resize: int) -> None:
    from torchvision.transforms._presets import ImageClassification

    image = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (3, height, width), dtype=np.uint8))
    expected = ImageClassification(crop_size=224, resize_size=resize)(image)
    # One grey level in rounding, divided by the smallest deviation.
    torch.testing.assert_close(prepare(image, resize)[0], expected, atol=1.01 / 255 / 0.224, rtol=0)
    assert (prepare(image, resize)[0] - expected).abs().mean() < 1e-3


def test_png_and_jpeg_alpha_grey_and_turned() -> None:
    values = np.zeros((4, 6, 3), np.uint8)
    values[0, 0] = (255, 128, 0)
    assert torch.equal(read_image(encoded(values)), torch.from_numpy(values).permute(2, 0, 1))
    assert read_image(encoded(values, "JPEG")).shape == (3, 4, 6)
    assert read_image(encoded(np.zeros((4, 6, 4), np.uint8))).shape == (3, 4, 6)
    assert read_image(encoded(np.zeros((4, 6), np.uint8))).shape == (3, 4, 6)
    turned = Image.Exif()
    turned[0x0112] = 6
    assert read_image(encoded(values, "JPEG", exif=turned)).shape == (3, 6, 4)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", NO_IMAGE),
        (b"GIF89a" + bytes(100), NO_IMAGE),
        (encoded(np.zeros((40, 40, 3), np.uint8))[:60], NO_IMAGE),
        (b"x" * (MOST_BYTES + 1), "The file has 10 MB: at most 10 MB are read."),
        (encoded(np.zeros((1, 13), np.uint8)), "The image is 13 × 1: one side may be 12 times the other at most."),
        (encoded(np.zeros((7000, 6000), np.uint8)), "The image is 6,000 × 7,000: at most 40 million pixels are read."),
    ],
)
def test_what_cannot_be_read_is_one_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(ImageError) as caught:
        read_image(data)
    assert str(caught.value) == sentence


def test_a_decompression_bomb_is_not_decoded() -> None:
    header = bytearray(encoded(np.zeros((2, 2), np.uint8)))
    header[16:24] = (50_000).to_bytes(4, "big") * 2  # the size that it claims
    header[29:33] = __import__("zlib").crc32(bytes(header[12:29])).to_bytes(4, "big")
    with pytest.raises(ImageError) as caught:
        read_image(bytes(header))
    assert str(caught.value) == "The image is too large: at most 40 million pixels are read."


GOOD = encoded(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=6), st.integers(0, len(GOOD)))
def test_damaged_files_never_raise_anything_else(changes: list[tuple[int, int]], length: int) -> None:
    data = bytearray(GOOD)
    for place, value in changes:
        data[place] = value
    with suppress(ImageError):
        assert prepare(read_image(bytes(data[:length]))).shape == (1, 3, 224, 224)


def test_the_pattern_is_always_the_same() -> None:
    assert torch.equal(pattern(), pattern())
    assert pattern().float().std() > 30
