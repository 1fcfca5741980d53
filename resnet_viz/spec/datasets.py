"""The data sets by name: shapes and sizes only; ``resnet_viz.data`` loads the tensors."""

from __future__ import annotations

from dataclasses import dataclass


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
