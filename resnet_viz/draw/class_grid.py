"""One column of pictures for each class of a data set, as HTML: pixels stay pixels, labels stand above them."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GAP = 1
"""Pixels of nothing between two images of a column."""


def class_grid(images: NDArray[np.uint8], names: Sequence[str], side: int = 56) -> str:
    """HTML of a grid as wide as its place; ``images`` uint8 [classes, each, C, H, W] with C 1 or 3.

    A column of ``each`` images is at most ``side`` wide; its text alternative names the class.
    """
    columns = "".join(
        f'<figure style="margin:0;max-width:{side}px"><figcaption style="text-align:center;font-size:13px;'
        f'opacity:0.75">{escape(name)}</figcaption><img src="{_png(column)}" alt="Images of class {escape(name)}" '
        'style="width:100%;image-rendering:pixelated;display:block;outline:1px solid rgba(128,128,128,0.35)"></figure>'
        for name, column in zip(names, images, strict=True)
    )
    tracks = f"repeat(auto-fit,minmax({side * 3 // 4}px,1fr))"
    return (
        f'<div style="display:grid;gap:6px;padding:1px;grid-template-columns:{tracks};'
        f'max-width:{(side + 6) * len(names)}px">{columns}</div>'
    )


def _png(column: NDArray[np.uint8]) -> str:
    """Images [each, C, H, W] one below the other, as a data URI; the gaps are transparent."""
    import numpy as np
    from PIL import Image

    each, _, height, width = column.shape
    sheet = np.zeros((each * (height + GAP) - GAP, width, 4), np.uint8)
    for place, image in enumerate(column):
        rows = slice(place * (height + GAP), place * (height + GAP) + height)
        sheet[rows, :, :3] = image.transpose(1, 2, 0)
        sheet[rows, :, 3] = 255
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
