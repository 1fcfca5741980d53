"""How far the gates of a gated network are open (Srivastava et al. 2015, arXiv 1505.00387, Sect. 5; He 2016b)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..nn import Unit


@dataclass(frozen=True)
class GateMean:
    """One gated block: mean and standard deviation of T = sigmoid(W x + b) over images, channels and pixels.

    T is what the branch is weighted by in a highway layer, and 1 - T what the shortcut is. ``stage`` and ``block``
    count from 1.
    """

    path: str
    stage: int
    block: int
    mean: float
    deviation: float


@torch.no_grad()
def gate_means(model: nn.Module, images: torch.Tensor) -> tuple[GateMean, ...]:
    """One entry for each block with a gate, in forward order, on images [N, C, H, W]; empty where there is none.

    The module runs once in the mode that it is in, and keeps no hook.
    """
    found: list[GateMean] = []
    handles = []
    for path, unit in model.named_modules():
        if isinstance(unit, Unit) and "gate" in dict(unit.named_children()):

            def note(gate: nn.Module, inputs: Any, output: torch.Tensor, *, path: str = path) -> None:
                stage, block = (int(word) for word in path.removeprefix("layer").split(".")[:2])
                values = output.double()
                mean, deviation = float(values.mean()), float(values.std(correction=0))
                found.append(GateMean(path, stage, block + 1, mean, deviation))

            handles.append(unit.gate.register_forward_hook(note))
    try:
        model(images)
    finally:
        for handle in handles:
            handle.remove()
    return tuple(found)
