"""The data sets by name: shapes and sizes only; ``resnet_viz.data`` loads the tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, model_validator

from .block import Frozen

OWN = "own:"
"""What stands before the name of a person's own images, in a header and on the command line."""
MAX_SIDE = 512
MAX_CLASSES = 1000
MAX_VALUES = 2**28
"""Pixel values of all images together: 1 GiB once they are float32. CIFAR-10 has 184 million."""


@dataclass(frozen=True)
class DatasetInfo:
    """Name, image shape, classes, number of training and test images, where it is from, and how images are made.

    ``made`` is one sentence a step for those that code makes, empty for others.
    """

    name: str
    title: str
    channels: int
    height: int
    width: int
    classes: int
    train: int
    test: int
    source: str
    made: tuple[str, ...] = ()


DATASETS: dict[str, DatasetInfo] = {
    "digits": DatasetInfo(
        "digits", "Digits, 8 × 8", 1, 8, 8, 10, 1500, 297,
        "Alpaydin and Kaynak 1998, UCI Optical Recognition of Handwritten Digits (test part), CC BY 4.0",
    ),
    "cluttered_digits": DatasetInfo(
        "cluttered_digits", "Cluttered digits, 16 × 16", 1, 16, 16, 10, 8000, 1500,
        "made by code from the 8 × 8 digits, after Mnih et al. 2014 (arXiv 1406.6247)",
        (
            "A digit, turned by up to 20 degrees, scaled, sheared and shifted, is drawn onto 16 × 16 pixels.",
            "Two pieces of other digits, 4 × 4 pixels each, are laid over it, wherever they fall.",
            "Every pixel gets some grain.",
            "A line across the image parts it in two: on one side black is white.",
        ),
    ),
}  # fmt: skip


class OwnImages(Frozen):
    """Images of a person's own as an experiment names them: everything about them but the pixels.

    ``sha256`` is that of the pixels and labels (:func:`resnet_viz.data.own_images.digest`), so an experiment means
    the same images everywhere, or is refused. A file or a link carries this, never an image.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    channels: Annotated[int, Field(ge=1, le=4)]
    height: Annotated[int, Field(ge=1, le=MAX_SIDE)]
    width: Annotated[int, Field(ge=1, le=MAX_SIDE)]
    classes: Annotated[int, Field(ge=2, le=MAX_CLASSES)]
    train: Annotated[int, Field(ge=2, le=MAX_VALUES)]
    test: Annotated[int, Field(ge=1, le=MAX_VALUES)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        values = (self.train + self.test) * self.channels * self.height * self.width
        if values > MAX_VALUES:
            raise ValueError(
                f"{self.train + self.test:,} images of {self.channels} x {self.height} x {self.width} have "
                f"{values / 1e6:,.0f} million values: at most {MAX_VALUES // 10**6} million are taken, "
                "use fewer or smaller images"
            )
        return self

    @property
    def info(self) -> DatasetInfo:
        """The same as for a data set of the package."""
        return DatasetInfo(
            OWN + self.name, f"{self.name} (your own images), {self.height} × {self.width}",
            self.channels, self.height, self.width, self.classes, self.train, self.test, f"SHA-256 {self.sha256}",
        )  # fmt: skip


def info_of(dataset: str | OwnImages) -> DatasetInfo:
    """What is known of a data set by its name in :data:`DATASETS`, or of a person's own. Raises ``KeyError``."""
    return DATASETS[dataset] if isinstance(dataset, str) else dataset.info
