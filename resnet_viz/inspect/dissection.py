"""Takes any module apart: trace, or hooks where no trace can be had; shortcuts, parts, and torchinfo's count beside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torchinfo
from torch import nn

from ..spec.errors import SpecError
from .foreign import Foreign, Step
from .loading import told
from .operations import TORCH
from .parts import grouped
from .residuals import shortcuts
from .specimen import example, meta_copy, real_copy, untouched
from .steps import Shape, hooked, traced
from .summary import Row

_ROWS = frozenset({"conv", "norm", "linear", "add", "other"})
Read = Callable[[nn.Module, Shape, str], tuple[tuple[Step, ...], Shape]]


@dataclass(frozen=True)
class _Reading:
    steps: tuple[Step, ...]
    output: Shape
    device: str
    note: str | None


def dissect(model: nn.Module, shape: Shape) -> Foreign:
    """Take a module apart; see :func:`resnet_viz.inspect.foreign.inspect_model`."""
    name = type(model).__name__
    reading = _read(model, shape, name)
    classes = {path: type(module).__name__ for path, module in model.named_modules()}
    steps, parts = grouped(reading.steps, lambda path: classes.get(path, ""))
    params = sum(parameter.numel() for parameter in model.parameters())
    counted = _torchinfo(model, shape, reading.device)
    found = shortcuts(steps) if reading.note is None else ()
    kinds = {shortcut.add: shortcut.kind for shortcut in found}
    return Foreign(
        name=name,
        shape=shape,
        output=reading.output,
        steps=steps,
        shortcuts=found,
        parts=parts,
        rows=tuple(_row(step, kinds.get(step.id), counted) for step in steps if _has_row(step)),
        params=params,
        params_torchinfo=None if counted is None else counted.params,
        unused=params - sum(step.params for step in steps),
        macs=sum(step.macs for step in steps),
        macs_torchinfo=None if counted is None else counted.macs,
        note=reading.note,
    )


def _read(model: nn.Module, shape: Shape, name: str) -> _Reading:
    """By trace on the meta device or else on the CPU; by hooks where neither can be had."""
    found, error = _attempt(traced, model, shape)
    if found is not None:
        return _Reading(*found, None)
    found, failure = _attempt(hooked, model, shape)
    if found is not None:
        return _Reading(
            *found,
            "Drawn from module calls: additions and other functions between modules are not seen, because torch.fx "
            f"cannot follow the forward pass ({_why(error)}).",
        )
    size = "x".join(map(str, shape))
    raise SpecError(
        f"The forward pass of {name} raised {told(failure or RuntimeError())}, for one input of {size}: give the size "
        "that it takes with --input, as in --input 1x28x28."
    ) from failure


def _attempt(
    read: Read, model: nn.Module, shape: Shape
) -> tuple[tuple[tuple[Step, ...], Shape, str] | None, Exception | None]:
    error: Exception | None = None
    for device, copied in (("meta", meta_copy), ("cpu", real_copy)):
        try:
            specimen = copied(model)
        except Exception as failure:
            error = SpecError(f"it cannot be copied, {told(failure)}")
            continue
        try:
            return (*read(specimen, shape, device), device), None
        except Exception as failure:  # somebody else's code: it may raise anything
            error = failure
    return None, error


def _why(error: Exception | None) -> str:
    text = str(error)
    if "control flow" in text:
        return "it decides by the data"
    return told(error, 90) if error is not None else "unknown"


@dataclass(frozen=True)
class _Count:
    params: int
    macs: int
    by_path: dict[str, int]


def _torchinfo(model: nn.Module, shape: Shape, device: str) -> _Count | None:
    """torchinfo's count on one more copy, which it may leave in any mode; None where it does not run."""
    try:
        specimen = meta_copy(model) if device == "meta" else real_copy(model)
        with TORCH, untouched():
            report = torchinfo.summary(
                specimen, input_data=[example(model, shape, device)], device=device, mode="eval", depth=32, verbose=0,
                cache_forward_pass=False,
            )  # fmt: skip
    except Exception:
        return None
    names = {id(module): path for path, module in specimen.named_modules()}
    by_path = {
        names[id(r.module)]: int(r.macs) for r in report.summary_list if r.is_leaf_layer and id(r.module) in names
    }
    return _Count(int(report.total_params), int(report.total_mult_adds), by_path)


def _has_row(step: Step) -> bool:
    return step.params > 0 or step.kind in _ROWS - {"other"} or (step.kind == "other" and bool(step.path))


def _row(step: Step, shortcut: str | None, counted: _Count | None) -> Row:
    words = step.label
    if step.kind == "add":
        words = f"addition of the {shortcut} shortcut" if shortcut else "addition"
    return Row(
        path=step.path or step.id, kind=step.kind, operation=words, stage=step.stage, block=step.block,
        shape=step.shape, params=step.params, macs=step.macs,
        macs_torchinfo=counted.by_path.get(step.path, 0) if counted else 0, receptive_field=0, field_stride=0, moved=0,
    )  # fmt: skip
