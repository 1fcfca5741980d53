"""Networks of the literature by name, each with its published figures and where they stand."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from .block import Block, Merge
from .errors import SpecError
from .network import Head, Input, Network, Stage, Stem


@dataclass(frozen=True)
class PresetInfo:
    """What is known of a preset from outside: its family, source, exact parameter count, published error.

    ``parameters`` is the exact count (None where no independent one exists); ``published_error`` a percentage
    under ``protocol``. Figures of different protocols must not be compared.
    """

    name: str
    family: str
    source: str
    parameters: int | None = None
    published_error: float | None = None
    protocol: str = ""


def cifar(
    name: str, depth: int, *, width: int, image: Input, merge: Merge = "add", shape: Block | None = None
) -> Network:
    """He 2016a, Sect. 4.2: three stages of n blocks at widths w, 2w, 4w; depth 6n + 2 (basic) or 9n + 2."""
    shape = shape or Block(merge=merge, shortcut="A")
    per_block = 3 if shape.branch == "bottleneck" else 2
    blocks = (depth - 2) // (3 * per_block)
    stages = tuple(
        Stage(blocks=blocks, stride=1 if i == 0 else 2, block=shape.model_copy(update={"width": width * 2**i}))
        for i in range(3)
    )
    stem = Stem(width=width, activated=shape.order != "preactivation")
    return Network(name=name, input=image, stem=stem, stages=stages)


def imagenet(name: str, counts: tuple[int, ...], block: Block) -> Network:
    """He 2016a, Table 1, with torchvision's placing of the stride in the 3x3 of a bottleneck ("V1.5")."""
    stages = tuple(
        Stage(blocks=n, stride=1 if i == 0 else 2, block=block.model_copy(update={"width": 64 * 2**i}))
        for i, n in enumerate(counts)
    )
    stem = Stem(width=64, kernel=7, stride=2, pool="max")
    return Network(
        name=name, input=Input(channels=3, height=224, width=224), stem=stem, stages=stages, head=Head(classes=1000)
    )


DIGITS = Input(channels=1, height=8, width=8)
CIFAR = Input(channels=3, height=32, width=32)
HE_A, HE_B = "He et al. 2016a (arXiv 1512.03385)", "He et al. 2016b (arXiv 1603.05027)"
XIE = "Xie et al. 2017 (arXiv 1611.05431)"
TEN_CROP, ONE_CROP = "ImageNet top-1, 10-crop, Tables 2 and 3", "ImageNet top-1, 1-crop, Table 3"
CIFAR_TEST = "CIFAR-10 test, Table 6"
CIFAR_COUNTS = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962, 1202: 19_421_274}
CIFAR_ERRORS = {20: 8.75, 32: 7.51, 44: 7.17, 56: 6.97, 110: 6.43, 1202: 7.93}

Entry = tuple[PresetInfo, Callable[[], Network]]


def _small() -> list[Entry]:
    rows: list[Entry] = []
    merges: tuple[tuple[str, Merge], ...] = (("plain", "none"), ("resnet", "add"))
    for kind, merge in merges:
        for depth in (8, 20, 32, 56):
            name = f"tiny_{kind}{depth}"
            info = PresetInfo(name, "Small, for digits", f"{HE_A}, Sect. 4.2, at width 8 on 1 x 8 x 8")
            rows.append((info, partial(cifar, name, depth, width=8, image=DIGITS, merge=merge)))
    return rows


def _cifar() -> list[Entry]:
    rows: list[Entry] = []
    for depth, count in CIFAR_COUNTS.items():
        name = f"cifar_resnet{depth}"
        protocol = CIFAR_TEST + (", best of 5 (mean 6.61 +- 0.16)" if depth == 110 else "")
        info = PresetInfo(name, "CIFAR, residual", f"{HE_A}, Sect. 4.2", count, CIFAR_ERRORS[depth], protocol)
        rows.append((info, partial(cifar, name, depth, width=16, image=CIFAR)))
    for depth in (20, 32, 44, 56, 110):
        name = f"cifar_plain{depth}"
        info = PresetInfo(name, "CIFAR, plain", f"{HE_A}, Sect. 4.2 and Fig. 6", CIFAR_COUNTS[depth])
        rows.append((info, partial(cifar, name, depth, width=16, image=CIFAR, merge="none")))
    shape = Block(order="preactivation", shortcut="A")
    info = PresetInfo(
        "preact_resnet110", "CIFAR, pre-activation", f"{HE_B}, Sect. 4", 1_727_962, 6.37,
        "CIFAR-10 test, Table 2, median of 5",
    )  # fmt: skip
    rows.append((info, partial(cifar, "preact_resnet110", 110, width=16, image=CIFAR, shape=shape)))
    return rows


def _imagenet() -> list[Entry]:
    basic, bottleneck = Block(), Block(branch="bottleneck")
    table: tuple[tuple[str, str, str, int | None, float | None, str, tuple[int, ...], Block], ...] = (
        ("resnet18", "ImageNet, residual", HE_A, 11_689_512, 27.88,
         TEN_CROP + ", with shortcut A (here B, as torchvision)", (2, 2, 2, 2), basic),
        ("resnet34", "ImageNet, residual", HE_A, 21_797_672, 24.52,
         TEN_CROP + ", with shortcut B", (3, 4, 6, 3), basic),
        ("resnet50", "ImageNet, residual", HE_A, 25_557_032, 22.85,
         TEN_CROP + ", with the stride on the first 1x1 (here on the 3x3, as torchvision)", (3, 4, 6, 3), bottleneck),
        ("plain18", "ImageNet, plain", HE_A, None, 27.94, TEN_CROP, (2, 2, 2, 2), Block(merge="none")),
        ("plain34", "ImageNet, plain", HE_A, None, 28.54, TEN_CROP, (3, 4, 6, 3), Block(merge="none")),
        ("resnext50_32x4d", "ImageNet, ResNeXt", XIE, 25_028_904, 22.2, ONE_CROP, (3, 4, 6, 3),
         Block(branch="bottleneck", cardinality=32, base_width=4)),
    )  # fmt: skip
    return [
        (PresetInfo(name, family, f"{source}, Table 1", count, error, protocol),
         partial(imagenet, name, counts, block))
        for name, family, source, count, error, protocol, counts, block in table
    ]  # fmt: skip


@cache
def _table() -> dict[str, Entry]:
    return {entry[0].name: entry for entry in (*_small(), *_cifar(), *_imagenet())}


def presets() -> tuple[str, ...]:
    """All preset names, in the order in which pages list them."""
    return tuple(_table())


def preset_groups() -> dict[str, tuple[str, ...]]:
    """The names by family, in order."""
    groups: dict[str, list[str]] = {}
    for info, _ in _table().values():
        groups.setdefault(info.family, []).append(info.name)
    return {family: tuple(names) for family, names in groups.items()}


def _entry(name: str) -> Entry:
    if not isinstance(name, str) or name not in _table():
        key = re.sub(r"\W", "", str(name))[:40]
        raise SpecError(f"no preset is called {key!r}; the presets are: {', '.join(presets())}")
    return _table()[name]


def preset(name: str) -> Network:
    """The network of that name. Raises :class:`SpecError` listing the names when there is none."""
    return _entry(name)[1]()


def preset_info(name: str) -> PresetInfo:
    """Published figures of that preset. Raises :class:`SpecError` like :func:`preset`."""
    return _entry(name)[0]
