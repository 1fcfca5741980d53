"""Published errors by protocol: what may stand in one picture, and what may not.

A figure depends on how it was measured: 1 or 10 crops of an image; one run, the best, the mean or the median of
several. Only figures of one data set and one such protocol are ever put on one scale.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from resnet_viz.spec import PresetInfo, preset_info, presets

_DATASETS = ("ImageNet", "CIFAR-100", "CIFAR-10", "Fashion-MNIST", "SVHN", "digits")
_CROPS = re.compile(r"\b(\d+)-crop\b")
_STATISTIC = re.compile(r"\b(best|mean|median) of \d+")


@dataclass(frozen=True)
class Protocol:
    """A data set and how the error on it was taken: "1-crop", "10-crop", "one run", "best", "mean", "median".

    What the words of a figure do not tell is a protocol of its own, named by them.
    """

    dataset: str
    measure: str

    def __str__(self) -> str:
        several = {"best": "best of several runs", "mean": "mean of several runs", "median": "median of several runs"}
        kind = "top-1, " if self.dataset == "ImageNet" else "test, "
        return f"{self.dataset} {kind}{several.get(self.measure, self.measure)}"


def protocol_of(info: PresetInfo) -> Protocol | None:
    """The protocol of a preset's published error; None where it has none.

    Asides in brackets ("best of 5 (mean 6.61)") do not count; figures with ZCA whitening stay apart.
    """
    if info.published_error is None:
        return None
    words = re.sub(r"\([^)]*\)", "", info.protocol)
    dataset = info.dataset or next((name for name in _DATASETS if name in words), "")
    if not dataset:
        return Protocol("unknown data,", words or "unknown protocol")
    crops, statistic = _CROPS.search(words), _STATISTIC.search(words)
    if dataset == "ImageNet":
        return Protocol(dataset, crops[0] if crops else words)
    measure = statistic[1] if statistic else "one run"
    return Protocol(dataset, f"{measure}, ZCA whitening" if "ZCA" in words else measure)


def protocols() -> dict[Protocol, tuple[str, ...]]:
    """The presets with a published error by protocol, in the order of the presets."""
    found: dict[Protocol, list[str]] = {}
    for name in presets():
        protocol = protocol_of(preset_info(name))
        if protocol:
            found.setdefault(protocol, []).append(name)
    return {protocol: tuple(names) for protocol, names in found.items()}


def best_protocol(names: Iterable[str]) -> Protocol:
    """The protocol under which most of these presets have a figure; the one with most figures at a tie."""
    wanted = set(names)
    groups = protocols()
    return max(groups, key=lambda protocol: (len(wanted.intersection(groups[protocol])), len(groups[protocol])))


def source_lines(info: PresetInfo) -> tuple[str, ...]:
    """Where a figure is from, line by line: paper and table, protocol, note."""
    paper = info.source if not info.table or info.table in info.source else f"{info.source}, {info.table}"
    return tuple(line for line in (paper, info.protocol, info.note) if line)
