"""How much each block's branch adds to what its shortcut carries, on one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class BranchRatio:
    """One block: the L2 norms, over all values of the map, of what its addition gets.

    ``branch`` is that of beta F(x), ``shortcut`` that of alpha times the shortcut (behind a projection, where there is
    one). ``stage`` and ``block`` count from 1. ``projection`` says whether the shortcut has a convolution.
    """

    path: str
    stage: int
    block: int
    branch: float
    shortcut: float
    projection: bool

    @property
    def ratio(self) -> float:
        """Branch over shortcut; infinite where the shortcut is zero."""
        return self.branch / self.shortcut if self.shortcut else float("inf")


def branch_ratios(model: nn.Module, images: torch.Tensor) -> tuple[tuple[BranchRatio, ...], torch.Tensor]:
    """(one ratio a block with an addition, in forward order; the scores [N, classes]) of one forward pass.

    ``images`` are [N, C, H, W]; norms are over all of them. The module runs in the mode that it is in, without
    gradients, and keeps no hook.
    """
    import torch

    from ..nn import Add, Unit

    found: list[BranchRatio] = []
    handles = []
    for path, unit in model.named_modules():
        if isinstance(unit, Unit) and unit.shortcut is not None and isinstance(unit.add, Add):
            stage, block = (int(word) for word in path.removeprefix("layer").split(".")[:2])
            place = (path, stage, block + 1)

            def note(add: Add, inputs: Any, *, place: tuple[str, int, int] = place, unit: Unit = unit) -> None:
                branch, around = (float(torch.linalg.vector_norm(value)) for value in inputs[:2])
                projection = unit.shortcut == "projection"
                found.append(BranchRatio(*place, abs(add.beta) * branch, abs(add.alpha) * around, projection))

            handles.append(unit.add.register_forward_pre_hook(note))
    try:
        with torch.no_grad():
            scores = model(images)
    finally:
        for handle in handles:
            handle.remove()
    return tuple(found), scores
