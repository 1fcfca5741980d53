"""Presets for ImageNet, 3 x 224 x 224 and a thousand classes; ten of them take torchvision's weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from ..block import Block
from .info import HE_A, HE_B, SQUEEZE, TIMM, TORCHVISION, WIDE, XIE, Entry, Figure, PresetInfo
from .layouts import imagenet

IMAGENET = "ImageNet"
TEN_CROP, ONE_CROP = "ImageNet top-1, 10-crop", "ImageNet top-1, 1-crop"
WEIGHTS = "ImageNet top-1, 1-crop, torchvision's weights IMAGENET1K_V1"
THREE_BY_THREE = "The stride stands on the 3x3, as in torchvision; the paper has it on the first 1x1"
WITH_A, ON_1X1 = "with shortcut A", "with the stride on the first 1x1"
EIGHTEEN, FIFTY, HUNDRED = (2, 2, 2, 2), (3, 4, 6, 3), (3, 4, 23, 3)


@dataclass(frozen=True)
class Row:
    """One of torchvision's networks: exact count, its table's multiply-adds in billions, its weights' error.

    ``error``, ``protocol`` and ``table`` are the paper's; without them torchvision's own weights speak.
    """

    name: str
    counts: tuple[int, ...]
    block: Block
    parameters: int
    macs: float
    weights: float
    error: float | None = None
    protocol: str = ""
    table: str = ""
    note: str = ""
    error_of: str = ""

    def info(self, family: str, source: str) -> PresetInfo:
        """The row as a preset's information; the table rounds parameters to a tenth of a million."""
        return PresetInfo(
            self.name, family, source, self.parameters,
            self.error if self.error is not None else self.weights, self.protocol or WEIGHTS, IMAGENET, self.table,
            round(self.parameters / 1e6, 1), self.macs, TORCHVISION, self.note,
            (Figure(IMAGENET, self.weights, WEIGHTS),) if self.error is not None else (),
            self.error_of,
        )  # fmt: skip


BOTTLENECK = Block(branch="bottleneck")
RESIDUAL = (
    Row("resnet18", EIGHTEEN, Block(), 11_689_512, 1.81, 30.242, 27.88, f"{TEN_CROP}, Table 2, {WITH_A}",
        "Table 2", "Shortcut B, as in torchvision; the paper's figure is for shortcut A.", WITH_A),
    Row("resnet34", FIFTY, Block(), 21_797_672, 3.66, 26.686, 24.52, f"{TEN_CROP}, Table 3, with shortcut B",
        "Table 3"),
    Row("resnet50", FIFTY, BOTTLENECK, 25_557_032, 4.09, 23.87, 22.85,
        f"{TEN_CROP}, Table 3, {ON_1X1}", "Table 3",
        f"{THREE_BY_THREE}, where it takes 3.8 G multiply-adds.", ON_1X1),
    Row("resnet101", HUNDRED, BOTTLENECK, 44_549_160, 7.80, 22.626, 21.75,
        f"{TEN_CROP}, Table 3, {ON_1X1}", "Table 3",
        f"{THREE_BY_THREE}, where it takes 7.6 G multiply-adds.", ON_1X1),
    Row("resnet152", (3, 8, 36, 3), BOTTLENECK, 60_192_808, 11.51, 21.688, 21.43,
        f"{TEN_CROP}, Table 3, {ON_1X1}", "Table 3",
        f"{THREE_BY_THREE}, where it takes 11.3 G multiply-adds.", ON_1X1),
)  # fmt: skip
RESNEXT = (
    Row("resnext50_32x4d", FIFTY, Block(branch="bottleneck", cardinality=32, base_width=4), 25_028_904, 4.23, 22.382,
        22.2, f"{ONE_CROP}, Table 3", "Table 3"),
    Row("resnext101_32x8d", HUNDRED, Block(branch="bottleneck", cardinality=32, base_width=8), 88_791_336, 16.41,
        20.688, note="The paper has no 32x8d network for ImageNet alone: layout and figures are torchvision's."),
    Row("resnext101_64x4d", HUNDRED, Block(branch="bottleneck", cardinality=64, base_width=4), 83_455_272, 15.46,
        16.754, note="The error is that of torchvision's weights, trained with a newer recipe than the paper's."),
)  # fmt: skip
WIDENED = (
    Row("wide_resnet50_2", FIFTY, Block(branch="bottleneck", base_width=128), 68_883_240, 11.40, 21.532, 21.9,
        f"{ONE_CROP}, Table 8", "Table 8"),
    Row("wide_resnet101_2", HUNDRED, Block(branch="bottleneck", base_width=128), 126_886_696, 22.75, 21.152,
        note="The paper has no 101 layers of it: layout and figures are torchvision's."),
)  # fmt: skip


def torchvision() -> list[Entry]:
    """The ten networks that torchvision has, in its layout: its weights load strictly."""
    groups = (
        ("ImageNet, residual", f"{HE_A}, Table 1", RESIDUAL),
        ("ImageNet, ResNeXt", f"{XIE}, Table 1", RESNEXT),
        ("ImageNet, wide", f"{WIDE}, Sect. 3.4", WIDENED),
    )
    return [
        (row.info(family, source), partial(imagenet, row.name, row.counts, row.block))
        for family, source, rows in groups
        for row in rows
    ]


def plain() -> list[Entry]:
    """He 2016a, Table 2: the networks of 18 and 34 layers without shortcuts."""
    table = (("plain18", EIGHTEEN, 27.94, 1.8), ("plain34", FIFTY, 28.54, 3.6))
    return [
        (
            PresetInfo(name, "ImageNet, plain", f"{HE_A}, Table 1", None, error, f"{TEN_CROP}, Table 2", IMAGENET,
                       "Table 2", published_macs=macs, counts_from="Table 1"),
            partial(imagenet, name, counts, Block(merge="none")),
        )
        for name, counts, error, macs in table
    ]  # fmt: skip


def timm() -> list[Entry]:
    """Pre-activated networks and squeeze-excitation as timm builds them."""
    shape = Block(branch="bottleneck", order="preactivation")
    table = (
        ("resnetv2_50", FIFTY, 25_549_352), ("resnetv2_101", HUNDRED, 44_541_480),
        ("resnetv2_152", (3, 8, 36, 3), 60_185_128),
    )  # fmt: skip
    rows: list[Entry] = [
        (
            PresetInfo(name, "ImageNet, pre-activation", f"{HE_B}, Sect. 5 and appendix", count, dataset=IMAGENET,
                       published_parameters=round(count / 1e6, 1), counts_from=TIMM,
                       note="Layout and count are timm's, with the stride on the 3x3; its layers have other names."),
            partial(imagenet, name, counts, shape),
        )
        for name, counts, count in table
    ]  # fmt: skip
    info = PresetInfo(
        "seresnet50", "ImageNet, squeeze-excitation", f"{SQUEEZE}, Table 1", 28_088_024, dataset=IMAGENET,
        published_parameters=28.1, counts_from=TIMM,
        note="Layout and count are timm's, with the stride on the 3x3; its layers have other names.",
    )  # fmt: skip
    block = Block(branch="bottleneck", attention="squeeze_excitation")
    return [*rows, (info, partial(imagenet, "seresnet50", FIFTY, block))]
