"""By which way the gradient arrives at each block's input: around the block, or through its branch (He 2016b, eq. 5).

For y = F(x) + x the gradient dL/dx is dL/dy + dL/dy dF/dx: the first part comes through the identity edge untouched
by any weight, the second through the branch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from ..nn import Unit


@dataclass(frozen=True)
class GradientShare:
    """The gradient of the loss with respect to one block's input, parted by the way that it came.

    ``shortcut``, ``branch`` and ``total`` are L2 norms over the whole map. ``share`` is <g_shortcut, g> / <g, g>: what
    the shortcut adds to g in g's own direction; ``branch_share`` the same of the branch. They make 1, so one is
    above 1 where they pull against each other. What passes through a gate belongs to the way that the gate weights.
    ``share`` is 0 in a plain block; both are 0 where no gradient arrives. ``identity``: no weight stands on the
    shortcut. ``stage`` and ``block`` count from 1.
    """

    path: str
    stage: int
    block: int
    shortcut: float
    branch: float
    total: float
    share: float
    branch_share: float
    identity: bool


Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def gradient_shares(
    model: nn.Module, x: torch.Tensor, y: torch.Tensor, loss: Loss = functional.cross_entropy
) -> tuple[GradientShare, ...]:
    """One entry for each block in forward order, at the loss of images [N, C, H, W] and labels [N].

    The module runs once in the mode that it is in and keeps no hook; weights get no gradient.
    """
    taken: dict[str, dict[str, torch.Tensor]] = {}
    units = {path: unit for path, unit in model.named_modules() if isinstance(unit, Unit)}
    handles = []
    for path, unit in units.items():
        handles.append(unit.register_forward_pre_hook(_enter(taken.setdefault(path, {}))))
        if unit.shortcut is not None:
            handles.append(unit.add.register_forward_pre_hook(_meet(taken[path])))
    try:
        value = loss(model(x), y)
    finally:
        for handle in handles:
            handle.remove()
    wanted = [tensor for kept in taken.values() for tensor in kept.values()]
    gradients = iter(torch.autograd.grad(value, wanted, retain_graph=True))
    arrived = {path: {name: next(gradients) for name in kept} for path, kept in taken.items()}
    return tuple(_parted(path, units[path], taken[path], arrived[path]) for path in units)


def _enter(kept: dict[str, torch.Tensor]) -> Callable[..., Any]:
    def hook(unit: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        # A name of its own for the block's input, which is also a leaf's output where nothing before it has weights.
        enters = inputs[0] if inputs[0].requires_grad else inputs[0].detach().requires_grad_()
        kept["input"] = enters.view_as(enters)
        return (kept["input"],)

    return hook


def _meet(kept: dict[str, torch.Tensor]) -> Callable[..., Any]:
    def hook(add: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        # On an identity the shortcut is the very input, whose gradient would be the total.
        kept["branch"], kept["shortcut"] = (one.view_as(one) for one in inputs)
        return kept["branch"], kept["shortcut"]

    return hook


def _parted(path: str, unit: Unit, kept: dict[str, torch.Tensor], arrived: dict[str, torch.Tensor]) -> GradientShare:
    total = arrived["input"].double()
    parts = {"branch": total, "shortcut": torch.zeros_like(total)}
    if unit.shortcut is not None:
        for name in parts:
            (part,) = torch.autograd.grad(
                kept[name], kept["input"], arrived[name], retain_graph=True, materialize_grads=True
            )
            parts[name] = part.double()
    stage, block = (int(word) for word in path.removeprefix("layer").split(".")[:2])
    power = float((total**2).sum())
    shortcut, through = (
        float((parts[name] * total).sum()) / power if power else 0.0 for name in ("shortcut", "branch")
    )
    return GradientShare(
        path,
        stage,
        block + 1,
        float(parts["shortcut"].norm()),
        float(parts["branch"].norm()),
        power**0.5,
        shortcut,
        through,
        unit.shortcut in ("identity", "padded") and "gate" not in dict(unit.named_children()),
    )
