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

from resnet_viz.data.images import MOST_BYTES, SHORT, ImageError, pattern, prepare, read_image

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
    expected = ImageClassification(crop_size=224, resize_size=resize)(Image.fromarray(image.permute(1, 2, 0).numpy()))
    torch.testing.assert_close(prepare(image, resize)[0], expected)


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
        (encoded(np.zeros((7000, 6000), np.uint8)), "The image is 6,000 × 7,000: at most 24 million pixels are read."),
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
    assert str(caught.value) == "The image is too large: at most 24 million pixels are read."


def test_a_hosted_app_takes_half_as_many_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(np.zeros((3600, 3400), np.uint8))
    assert read_image(data).shape == (3, 600, 567)
    monkeypatch.setenv("RESNET_VIZ_HOSTED", "1")
    with pytest.raises(ImageError) as caught:
        read_image(data)
    assert str(caught.value) == "The image is 3,400 × 3,600: at most 12 million pixels are read."


@pytest.mark.parametrize(
    ("kind", "shape"), [("PNG", (4800, 5000, 4)), ("PNG", (1400, 16_800)), ("JPEG", (4800, 5000, 3))]
)
def test_a_large_image_is_never_converted_whole(
    kind: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    converted: list[int] = []
    convert = Image.Image.convert

    def watched(image: Image.Image, *args: object, **options: object) -> Image.Image:
        converted.append(image.width * image.height)
        return convert(image, *args, **options)  # type: ignore[arg-type]

    data = encoded(np.zeros(shape, np.uint8), kind, **({"compress_level": 1} if kind == "PNG" else {}))
    monkeypatch.setattr(Image.Image, "convert", watched)
    read = read_image(data)
    assert min(read.shape[1:]) >= SHORT
    assert read.numel() < 7_000_000
    assert max(converted) < 3_000_000


@pytest.mark.parametrize("shape", [(1100, 1300), (1030, 2301), (2301, 1030)])
@pytest.mark.parametrize("turn", [1, 6])
def test_a_large_image_looks_as_it_does_whole(shape: tuple[int, int], turn: int) -> None:
    """A smooth one, so that a shift by a pixel is seen and the way of averaging is not."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]] / min(shape)
    values = np.stack([127 + 100 * np.sin(4 * x + 3 * y), 127 + 100 * np.cos(5 * y), 127 + 90 * np.sin(6 * x)], -1)
    turned = Image.Exif()
    turned[0x0112] = turn
    values = values.round().astype(np.uint8)
    upright = torch.from_numpy(np.rot90(values, -1).copy() if turn == 6 else values).permute(2, 0, 1)
    for kind, options in (("PNG", {"compress_level": 1}), ("JPEG", {"quality": 95, "subsampling": 0})):
        shown = prepare(read_image(encoded(values, kind, exif=turned, **options)))
        torch.testing.assert_close(shown, prepare(upright), atol=4 / 255 / 0.224, rtol=0)


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
