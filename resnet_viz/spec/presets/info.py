"""What is known of a preset from outside: source, counts, errors and their protocols; data that pages show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..network import Network

HE_A, HE_B = "He et al. 2016a (arXiv 1512.03385)", "He et al. 2016b (arXiv 1603.05027)"
XIE = "Xie et al. 2017 (arXiv 1611.05431)"
WIDE = "Zagoruyko and Komodakis 2016 (arXiv 1605.07146)"
HIGHWAY = "Srivastava et al. 2015 (arXiv 1505.00387 and 1507.06228)"
SQUEEZE = "Hu et al. 2018 (arXiv 1709.01507)"
TORCHVISION, TIMM = "torchvision's table of models", "timm"


@dataclass(frozen=True)
class Figure:
    """One more published error of the same network: a percentage on ``dataset`` under ``protocol``.

    ``error_of`` is as in :class:`PresetInfo`.
    """

    dataset: str
    error: float
    protocol: str
    error_of: str = ""


@dataclass(frozen=True)
class PresetInfo:
    """A preset's family, source, and published figures.

    ``source`` names paper, arXiv number and place. ``parameters`` is the exact count from an independent source
    (None where there is none). ``published_error`` is a percentage on ``dataset`` under ``protocol``, printed in
    ``table`` of the paper; figures of different protocols must not be compared. ``published_parameters`` (in
    millions) and ``published_macs`` (in billions, for one image) are as printed by ``counts_from``. ``note`` says
    in a sentence what differs from the published network, "" when nothing does. ``figures`` has further errors.
    ``error_of`` says what the network of ``published_error`` has that this one has not ("with shortcut A"): the error
    then stands beside another network's cost; "" when they are the same.
    """

    name: str
    family: str
    source: str
    parameters: int | None = None
    published_error: float | None = None
    protocol: str = ""
    dataset: str = ""
    table: str = ""
    published_parameters: float | None = None
    published_macs: float | None = None
    counts_from: str = ""
    note: str = ""
    figures: tuple[Figure, ...] = ()
    error_of: str = ""


Entry = tuple[PresetInfo, Callable[[], Network]]
"""A preset's information and the function that gives its network."""
