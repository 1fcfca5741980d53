"""The data sets by name: shapes and sizes only; ``resnet_viz.data`` loads the tensors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DatasetInfo:
    """Name, image shape, classes, number of training and test images, and where it is from."""

    name: str
    title: str
    channels: int
    height: int
    width: int
    classes: int
    train: int
    test: int
    source: str


DATASETS: dict[str, DatasetInfo] = {
    "digits": DatasetInfo(
        "digits", "Digits, 8 × 8", 1, 8, 8, 10, 1500, 297,
        "Alpaydin and Kaynak 1998, UCI Optical Recognition of Handwritten Digits (test part), CC BY 4.0",
    ),
}  # fmt: skip
