"""Exact L2 norms of many tensors, also where squares leave the range of single precision."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch

SAFE = (1e-10, 1e15)
"""Norms between these are exact to 2e-6 when squares are added up in single precision, row by row. Beyond, squares
leave its range: gradients of deep plain nets without norm (1e-26) would read as zero, exploding ones (1e+25) as
infinite."""
WIDE = torch.float64
ROW, SHORT = 2560, 128
"""A CPU adds up at most, and about at least, so many values at once: over a whole tensor torch's sum of squares in
single precision drifts, by 2e-5 of the norm for 36,864 equal values and 4e-4 for 2.4 million (pytorch issue 68326)."""


def widest(device: torch.device) -> torch.dtype:
    """The widest floats of a device: Apple's GPUs have no double precision."""
    return torch.float32 if device.type == "mps" else WIDE


def single(tensors: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """The L2 norm of each tensor of a CPU, added up in single precision: exact to 2e-6 where they are :func:`safe`."""
    return torch._foreach_norm([t if t.numel() <= ROW else _rows(t) for t in tensors], 2)


def safe(norms: Sequence[float]) -> bool:
    """Whether all of them are in the range that single precision can add up; no number is not."""
    return all(SAFE[0] < norm < SAFE[1] for norm in norms)


def _rows(tensor: torch.Tensor) -> torch.Tensor:
    """At most ``ROW`` values with the norm of the tensor: its own, or the norms of its rows in float32 or wider."""
    while tensor.numel() > ROW:
        if tensor.dim() != 2 or not SHORT <= tensor.shape[1] <= ROW:  # a linear layer's weight has rows already
            if tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last):
                tensor = tensor.permute(0, 2, 3, 1)  # in the order of the memory: a view and no copy
            length = _row(tensor.numel())
            if not length:
                whole: torch.Tensor = torch.linalg.vector_norm(tensor, dtype=WIDE)
                return whole.float()
            tensor = tensor.reshape(-1, length)
        kind = tensor.dtype if tensor.dtype in (torch.float32, WIDE) else torch.float32
        tensor = torch.linalg.vector_norm(tensor, dim=1, dtype=kind)
    return tensor


@lru_cache(maxsize=1024)
def _row(count: int) -> int:
    """The longest rows that so many values make without a rest; 0 where they would be short."""
    return next((length for length in range(ROW, SHORT - 1, -1) if count % length == 0), 0)


class Norms:
    """Measures tensors of one device.

    A CPU can look at a norm and add up again in double precision where that is needed; a GPU cannot without making
    the host wait, and does it always, for nothing: its kernels widen while they read.
    """

    def __init__(self, device: torch.device) -> None:
        self._looks = device.type == "cpu"
        self._wide = widest(device)

    def of(self, tensors: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """The L2 norm of each tensor, a scalar each."""
        # torch's public functions give only the norm of all tensors together.
        tensors = list(tensors)
        if self._looks:
            norms = single(tensors)
            if safe(torch.stack(norms).tolist()):
                return norms
        return torch._foreach_norm(tensors, 2, self._wide)

    def one(self, tensor: torch.Tensor) -> torch.Tensor:
        """The L2 norm of one tensor, a scalar."""
        norm: torch.Tensor
        if self._looks:
            norm = torch.linalg.vector_norm(_rows(tensor), dtype=torch.float32)  # a bfloat16 norm would be rounded
            if safe([norm.item()]):
                return norm
        norm = torch.linalg.vector_norm(tensor, dtype=self._wide)
        return norm
