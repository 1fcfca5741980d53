"""Presets for CIFAR, 3 x 32 x 32 and ten classes."""

from __future__ import annotations

from functools import partial

from ..block import Block
from .info import HE_A, HE_B, HIGHWAY, WIDE, XIE, Entry, Figure, PresetInfo
from .layouts import cifar, highway

COUNTS = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962, 1202: 19_421_274}
TABLE_6 = {20: (8.75, 0.27), 32: (7.51, 0.46), 44: (7.17, 0.66), 56: (6.97, 0.85), 110: (6.43, 1.7), 1202: (7.93, 19.4)}
"""He 2016a: error in per cent and parameters in millions by depth."""
TEN, HUNDRED = "CIFAR-10", "CIFAR-100"


def residual() -> list[Entry]:
    """He 2016a, Sect. 4.2, with shortcut A."""
    rows: list[Entry] = []
    for depth, count in COUNTS.items():
        name, (error, millions) = f"cifar_resnet{depth}", TABLE_6[depth]
        protocol = "CIFAR-10 test, Table 6" + (", best of 5 (mean 6.61 +- 0.16)" if depth == 110 else "")
        info = PresetInfo(
            name, "CIFAR, residual", f"{HE_A}, Sect. 4.2", count, error, protocol, TEN, "Table 6", millions,
            counts_from="Table 6",
            note="The error did not repeat elsewhere: Huang et al. 2016 (arXiv 1603.09382) report 6.67 %."
            if depth == 1202 else "",
        )  # fmt: skip
        rows.append((info, partial(cifar, name, depth, width=16)))
    return rows


def plain() -> list[Entry]:
    """The same without shortcuts; Fig. 6 shows their errors, no table prints them."""
    rows: list[Entry] = []
    for depth in (20, 32, 44, 56, 110):
        name = f"cifar_plain{depth}"
        note = "The paper prints no error for it: above 60 % at 110 layers (Fig. 6)." if depth == 110 else ""
        info = PresetInfo(
            name, "CIFAR, plain", f"{HE_A}, Sect. 4.2 and Fig. 6", COUNTS[depth], dataset=TEN, note=note
        )  # fmt: skip
        rows.append((info, partial(cifar, name, depth, width=16, merge="none")))
    return rows


def preactivated() -> list[Entry]:
    """He 2016b: norm and activation first; 164 and 1001 layers of bottlenecks with the stride on the first 1x1."""
    family, of_five = "CIFAR, pre-activation", "CIFAR-10 test, Table 2, median of 5"
    basic = Block(order="preactivation", shortcut="A")
    deep = Block(branch="bottleneck", order="preactivation", stride_on="1x1")
    return [
        (
            PresetInfo("preact_resnet110", family, f"{HE_B}, Sect. 4", 1_727_962, 6.37, of_five, TEN, "Table 2"),
            partial(cifar, "preact_resnet110", 110, width=16, shape=basic),
        ),
        (
            PresetInfo("preact_resnet164", family, f"{HE_B}, Sect. 4", 1_703_258, 5.46, of_five, TEN, "Table 2",
                       1.7, counts_from="Table 4"),
            partial(cifar, "preact_resnet164", 164, width=16, shape=deep),
        ),
        (
            PresetInfo("preact_resnet1001", family, f"{HE_B}, Sect. 4 and 5", 10_327_706, 4.92,
                       "CIFAR-10 test, Table 4, median of 5 (mean 4.89 +- 0.14), batch 128", TEN, "Table 4", 10.2,
                       counts_from="Table 4",
                       note="The printed 10.2 M leave batch norm out: without it we count 10,178,490.",
                       figures=(
                           Figure(TEN, 4.62, "CIFAR-10 test, Table 4, batch 64 (mean 4.69 +- 0.20)"),
                           Figure(HUNDRED, 22.71, "CIFAR-100 test, Table 4, median of 5"),
                       )),
            partial(cifar, "preact_resnet1001", 1001, width=16, shape=deep),
        ),
    ]  # fmt: skip


def resnext() -> list[Entry]:
    """Xie 2017, Sect. 5.3: three stages of three blocks with C groups of 64 channels."""
    rows: list[Entry] = []
    table = ((8, 34_426_698, 34.4, 3.65, 17.77, ""), (16, 68_155_210, 68.1, 3.58, 17.31,
             " The printed 68.1 M leave batch norm out: without it we count 68,054,730."))  # fmt: skip
    for cardinality, count, millions, ten, hundred, more in table:
        name = f"resnext29_{cardinality}x64d"
        shape = Block(branch="bottleneck", cardinality=cardinality, base_width=64)
        info = PresetInfo(
            name, "CIFAR, ResNeXt", f"{XIE}, Sect. 5.3", count, ten, "CIFAR-10 test, Table 7, mean of 10", TEN,
            "Table 7", millions, counts_from="Table 7",
            note="Built as the authors' code builds it, post-activated; the paper's CIFAR runs were "
            f"pre-activated.{more}",
            figures=(Figure(HUNDRED, hundred, "CIFAR-100 test, Table 7, mean of 10", "pre-activated"),),
            error_of="pre-activated",
        )  # fmt: skip
        rows.append((info, partial(cifar, name, 29, width=64, shape=shape)))
    return rows


def wide() -> list[Entry]:
    """Zagoruyko 2016: pre-activated basic blocks k times as wide; a 16-channel stem, projections without norm."""
    rows: list[Entry] = []
    table = (
        (28, 10, 36_479_194, 36.5, 4.00, 19.25), (16, 8, 10_961_370, 11.0, 4.27, 20.43),
        (40, 4, 8_949_210, 8.9, 4.53, 21.18),
    )  # fmt: skip
    for depth, widen, count, millions, ten, hundred in table:
        name = f"wrn_{depth}_{widen}"
        info = PresetInfo(
            name, "CIFAR, wide", f"{WIDE}, Table 1", count, ten, "CIFAR-10 test, Table 5, mean/std preprocessing",
            TEN, "Table 5", millions, counts_from="Table 5",
            note=f"The {depth} in the name counts the three projections and leaves the linear layer out.",
            figures=(Figure(HUNDRED, hundred, "CIFAR-100 test, Table 5, mean/std preprocessing"),),
        )  # fmt: skip
        # 6n + 4 layers have as many blocks as He's 6n + 2 with two layers fewer.
        shape = Block(order="preactivation")
        rows.append((info, partial(cifar, name, depth - 2, width=16 * widen, shape=shape, stem_width=16)))
    return rows


def gated() -> list[Entry]:
    """Srivastava 2015, as far as the papers describe them."""
    family, protocol = "CIFAR, highway", "CIFAR-10 test, Table 6 of He et al. 2016a"
    return [
        (
            PresetInfo(
                "highway_19", family, f"{HIGHWAY}, Sect. 3.3", None, 7.54, f"{protocol}, best (mean 7.72 +- 0.16)",
                TEN, "Table 6 of arXiv 1512.03385", 2.3, counts_from="Table 6 of arXiv 1512.03385",
                note="Rebuilt from FitNet-4's stages of 32, 80 and 128 channels, with strides for its max-pools, no "
                "dropout, and gates that start at -1; 2,256,838 parameters against the printed 2.3 M.",
                error_of="with max-pools and dropout",
            ),
            partial(highway, "highway_19", (4, 5, 5), (32, 80, 128), last=100, bias=-1.0),
        ),
        (
            PresetInfo(
                "highway_32", family, f"{HIGHWAY}, Sect. 3.3", None, 8.80, protocol,
                TEN, "Table 6 of arXiv 1512.03385", 1.25, counts_from="Table 6 of arXiv 1512.03385",
                note="The widths are not published with the figures: 24, 40 and 72 channels are ours, chosen to come "
                "near in size; strides for max-pools, no dropout, and gates that start at -1.",
                error_of="with other widths, max-pools and dropout",
            ),
            partial(highway, "highway_32", (9, 9, 9), (24, 40, 72), last=100, bias=-1.0),
        ),
    ]  # fmt: skip
