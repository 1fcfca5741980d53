"""Any ``torch.nn.Module``, as plain data: its steps, shortcuts, parts and counts, for the same graph and table.

The classes are plain data; :func:`inspect_model` does the work and imports torch. The module that is given is never
changed: a copy on the meta device is traced or, where that does not work, a copy on the CPU.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .graph import Kind, ShortcutKind
from .summary import Row

if TYPE_CHECKING:
    from torch import nn

INPUT = "input"


@dataclass(frozen=True)
class Step:
    """One operation of the forward pass, in forward order.

    ``path`` is the module's dotted path, empty for a function; ``owner`` the path of the module in whose forward pass
    it stands. ``inputs`` are ids of steps, or :data:`INPUT`. ``shape`` is the output's without the batch. ``params``
    are those not counted at an earlier step, ``macs`` multiply-adds of convolutions and linear layers for one input.
    ``stage`` and ``block`` are the parts that it lies in, both from 1, 0 for none.
    """

    id: str
    path: str
    owner: str
    kind: Kind
    label: str
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    params: int = 0
    macs: int = 0
    attrs: dict[str, int | float | str] = field(default_factory=dict)
    stage: int = 0
    block: int = 0


@dataclass(frozen=True)
class Shortcut:
    """What leads around a branch into an addition: from ``fork`` past the ``side`` steps (forward order) to ``add``."""

    add: str
    fork: str
    side: tuple[str, ...]
    kind: ShortcutKind


@dataclass(frozen=True)
class Part:
    """A top-level part of the module: its ``path``, its class, how many blocks (children with children) it has.

    ``equal`` says that they are of one class.
    """

    path: str
    name: str
    blocks: int
    equal: bool = True


@dataclass(frozen=True)
class Foreign:
    """A module taken apart for one input shape.

    ``params`` is the sum over the module's own parameters, ``params_torchinfo`` torchinfo's total (None where it could
    not run), ``unused`` the parameters that lie in modules which this forward pass does not call. ``macs`` counts
    convolutions and linear layers, ``macs_torchinfo`` is torchinfo's own total. ``note`` is one sentence when
    something is missing.
    """

    name: str
    shape: tuple[int, ...]
    output: tuple[int, ...]
    steps: tuple[Step, ...]
    shortcuts: tuple[Shortcut, ...]
    parts: tuple[Part, ...]
    rows: tuple[Row, ...]
    params: int
    params_torchinfo: int | None
    unused: int
    macs: int
    macs_torchinfo: int | None
    note: str | None = None


def inspect_model(model: nn.Module, shape: tuple[int, ...]) -> Foreign:
    """Take a module apart for one input of that shape (without the batch); see :mod:`.dissection`.

    Raises ``SpecError`` with one sentence when its forward pass raises, or when it cannot be copied.
    """
    from .dissection import dissect

    return dissect(model, shape)
