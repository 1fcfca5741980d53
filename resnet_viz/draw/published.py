"""Published errors by protocol: what may stand in one picture, and what may not.

A figure depends on how it was measured: 1 or 10 crops of an image; one run, the best, the mean or the median of
several; how the images were prepared; the paper's training or somebody else's. Only figures of one data set and one
such protocol are ever put on one scale.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from resnet_viz.spec import Figure, PresetInfo, preset_info, presets

_DATASETS = ("ImageNet", "CIFAR-100", "CIFAR-10", "Fashion-MNIST", "SVHN", "digits")
_CROPS = re.compile(r"\b(\d+)-crop\b")
_STATISTIC = re.compile(r"\b(best|mean|median)\b")
_PREPARED = re.compile(r"mean/std preprocessing|ZCA whitening")
_WEIGHTS = "torchvision's weights"
_SEVERAL = {"best": "best of several runs", "mean": "mean of several runs", "median": "median of several runs"}


@dataclass(frozen=True)
class Protocol:
    """A data set and how the error on it was taken: "1-crop", "median of several runs", ...

    What the words of a figure do not tell is a protocol of its own, named by them.
    """

    dataset: str
    measure: str

    def __str__(self) -> str:
        return f"{self.dataset} {'top-1' if self.dataset == 'ImageNet' else 'test'}, {self.measure}"


@dataclass(frozen=True)
class Published:
    """One published error (per cent), its protocol, and the lines that say where it is from.

    ``error_of`` says what the network of that error has that the preset has not; "" when they are the same.
    """

    protocol: Protocol
    error: float
    source: tuple[str, ...]
    error_of: str = ""


def protocol_of(words: str, dataset: str = "") -> Protocol:
    """The protocol that a figure's words tell. Asides in brackets ("best of 5 (mean 6.61)") do not count."""
    bare = re.sub(r"\([^)]*\)", "", words).strip()
    dataset = dataset or next((name for name in _DATASETS if name in bare), "")
    if not dataset:
        return Protocol("Unknown data,", bare or "unknown protocol")
    prepared, crops = _PREPARED.search(bare), _CROPS.search(bare)
    if dataset == "ImageNet":
        measure = crops[0] if crops else bare
        return Protocol(dataset, f"{measure}, {_WEIGHTS}" if crops and _WEIGHTS in bare else measure)
    statistic = _STATISTIC.search(_PREPARED.sub("", bare))
    measure = _SEVERAL[statistic[1]] if statistic else "number of runs not told"
    return Protocol(dataset, f"{measure}, {prepared[0]}" if prepared else measure)


def published(name: str) -> dict[Protocol, Published]:
    """Every published error of a preset by protocol, the main one first; empty for what is no preset.

    Of two figures of one protocol (another batch size, say) the first stands, and its source names what it is.
    """
    if name not in presets():
        return {}
    info = preset_info(name)
    told = (
        []
        if info.published_error is None
        else [Figure(info.dataset, info.published_error, info.protocol, info.error_of)]
    )
    found: dict[Protocol, Published] = {}
    for one in (*told, *info.figures):
        protocol, source = protocol_of(one.protocol, one.dataset), source_lines(info, one.protocol)
        found.setdefault(protocol, Published(protocol, one.error, source, one.error_of))
    return found


def protocols() -> dict[Protocol, tuple[str, ...]]:
    """The presets with a published error by protocol: ImageNet first, then as the presets come."""
    found: dict[Protocol, list[str]] = {}
    for name in presets():
        for protocol in published(name):
            found.setdefault(protocol, []).append(name)
    order = sorted(found, key=lambda protocol: protocol.dataset != "ImageNet")
    return {protocol: tuple(found[protocol]) for protocol in order}


def best_protocol(names: Iterable[str]) -> Protocol:
    """The protocol that is the main one of most of these presets; at a tie the one with most figures."""
    wanted, groups = set(names), protocols()
    main = [next(iter(published(name)), None) for name in wanted]

    def worth(protocol: Protocol) -> tuple[int, int, int]:
        return main.count(protocol), len(wanted.intersection(groups[protocol])), len(groups[protocol])

    return max(groups, key=worth)


def source_lines(info: PresetInfo, words: str) -> tuple[str, ...]:
    """Where a figure is from, line by line: the paper, the protocol with its table, what differs here."""
    return tuple(line for line in (info.source, words, info.note) if line)
