"""The grid of classes: its pictures decode to the very pixels, and a name is never markup."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from resnet_viz.draw.class_grid import class_grid


@pytest.mark.parametrize("channels", [1, 3])
def test_each_column_holds_the_pixels_of_its_class(channels: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 2, channels, 5, 6), dtype=np.uint8)
    html = class_grid(images, ["a", "b", "c", "d"])
    pictures = re.findall(r"base64,([^\"]+)\"", html)
    assert len(pictures) == 4
    for column, text in zip(images, pictures, strict=True):
        sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGBA"))
        assert sheet.shape == (11, 6, 4)
        for place, rows in enumerate((slice(0, 5), slice(6, 11))):
            assert np.array_equal(sheet[rows, :, :3], np.broadcast_to(column[place].transpose(1, 2, 0), (5, 6, 3)))
        assert sheet[:, :, 3].tolist() == [[0 if row == 5 else 255] * 6 for row in range(11)]


def test_a_class_is_named_above_and_in_the_text_alternative() -> None:
    html = class_grid(np.zeros((2, 1, 1, 2, 2), np.uint8), ["cat", '<b>"dog"'])
    assert 'alt="Images of class cat"' in html and ">cat</figcaption>" in html
    assert "<b>" not in html and html.count("&lt;b&gt;&quot;dog&quot;") == 2
