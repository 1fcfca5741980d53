"""All presets by name, in the order in which pages list them. To add one: a row in the module of its images."""

from __future__ import annotations

import re
from functools import cache

from ..errors import SpecError
from ..network import Network
from . import on_cifar, on_imagenet, taught
from .info import Entry, PresetInfo


@cache
def _table() -> dict[str, Entry]:
    rows = (
        *taught.tiny(),
        *on_cifar.residual(), *on_cifar.plain(), *on_cifar.preactivated(), *on_cifar.resnext(),
        *on_cifar.wide(), *on_cifar.gated(),
        *on_imagenet.torchvision(), *on_imagenet.plain(), *on_imagenet.timm(),
        *taught.taught(),
    )  # fmt: skip
    return {info.name: (info, make) for info, make in rows}


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
