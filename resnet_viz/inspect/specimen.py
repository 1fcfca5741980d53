"""Copies of somebody's module to work on, so that their own is never changed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

SEED = 0


def meta_copy(model: nn.Module) -> nn.Module:
    """A copy in evaluation mode with all weights on the meta device: no weight is copied, no memory taken.

    Raises what copying raises: some objects that a module can hold cannot be copied.
    """
    made: dict[int, Any] = {}
    for parameter in model.parameters():
        empty = torch.empty_like(parameter, device="meta")
        made[id(parameter)] = nn.Parameter(empty, parameter.requires_grad)
    for buffer in model.buffers():
        made[id(buffer)] = torch.empty_like(buffer, device="meta")
    return copy.deepcopy(model, made).eval()


def real_copy(model: nn.Module) -> nn.Module:
    """A copy in evaluation mode with its weights, on the CPU."""
    return copy.deepcopy(model).cpu().eval()


def example(model: nn.Module, shape: tuple[int, ...], device: str) -> torch.Tensor:
    """One input of that shape: empty on the meta device, else normal noise from a fixed seed, of the weights' type."""
    kind = next((p.dtype for p in model.parameters() if p.dtype.is_floating_point), torch.float32)
    if device == "meta":
        return torch.empty((1, *shape), dtype=kind, device="meta")
    noise = torch.Generator().manual_seed(SEED)
    return torch.randn((1, *shape), generator=noise).to(kind)


@contextmanager
def untouched() -> Iterator[None]:
    """No gradients, and the process's random state as it was afterwards."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        # torch.manual_seed would seed every accelerator too, and their state is not put back.
        torch.default_generator.manual_seed(SEED)
        yield
