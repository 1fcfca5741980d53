"""Presets for a CPU and for teaching: digits at width 8, and the networks of *Dive into Deep Learning*."""

from __future__ import annotations

from functools import partial

from ..block import Block, Merge
from ..network import Network, Stage
from .info import HE_A, Entry, PresetInfo
from .layouts import DIGITS, FASHION, cifar, imagenet

D2L = "Zhang et al. 2023, Dive into Deep Learning (arXiv 2106.11342)"


def d2l_resnext() -> Network:
    """The layout of :func:`d2l_resnet18` with ``ResNeXtBlock(width, 16, 1)``: groups of 16 channels each."""
    block = Block(branch="bottleneck", expansion=1, cardinality=4, bias=True)
    network = imagenet("d2l_resnext", (2, 2, 2, 2), block, image=FASHION, classes=10)
    stages = tuple(
        Stage(blocks=2, stride=stage.stride, block=stage.block.model_copy(update={"cardinality": 4 * 2**i}))
        for i, stage in enumerate(network.stages)
    )
    return network.model_copy(update={"stages": stages})


def tiny() -> list[Entry]:
    """He's layout for CIFAR at width 8 on the digits."""
    rows: list[Entry] = []
    merges: tuple[tuple[str, Merge], ...] = (("plain", "none"), ("resnet", "add"))
    for kind, merge in merges:
        for depth in (8, 20, 32, 56):
            name = f"tiny_{kind}{depth}"
            info = PresetInfo(
                name, "Small, for digits", f"{HE_A}, Sect. 4.2, at width 8 on 1 x 8 x 8",
                note="The layout is the paper's; the width and the data set are ours.",
            )  # fmt: skip
            rows.append((info, partial(cifar, name, depth, width=8, image=DIGITS, merge=merge)))
    return rows


def taught() -> list[Entry]:
    """*Dive into Deep Learning*, section 8.6: convolutions with bias, Fashion-MNIST at 96 x 96."""
    family = "Dive into Deep Learning"
    block = Block(bias=True, projection_norm=False)
    return [
        (
            PresetInfo(
                "d2l_resnet18", family, f"{D2L}, Sect. 8.6.4", 11_178_378, dataset="Fashion-MNIST",
                note="Convolutions have a bias and the 1x1 on the shortcut has no norm, as in the book, so it has "
                "other weights than resnet18.",
            ),
            partial(imagenet, "d2l_resnet18", (2, 2, 2, 2), block, image=FASHION, classes=10),
        ),
        (
            PresetInfo(
                "d2l_resnext", family, f"{D2L}, Sect. 8.6.5", dataset="Fashion-MNIST",
                note='The book\'s argument "groups" is in effect channels per group: ResNeXtBlock(32, 16, 1) has '
                "2 groups of 16; the book gives the block only, and this puts it into the layout of its ResNet-18.",
            ),
            d2l_resnext,
        ),
    ]  # fmt: skip
