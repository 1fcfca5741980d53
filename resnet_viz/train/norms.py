"""Exact L2 norms of many tensors, also where squares leave the range of single precision."""

from __future__ import annotations

from collections.abc import Sequence

import torch

SAFE = (1e-10, 1e15)
"""Norms between these are exact to 1e-6 when squares are added up in single precision. Beyond, squares leave its
range: gradients of deep plain nets without norm (1e-26) would read as zero, exploding ones (1e+25) as infinite."""
WIDE = torch.float64


def widest(device: torch.device) -> torch.dtype:
    """The widest floats of a device: Apple's GPUs have no double precision."""
    return torch.float32 if device.type == "mps" else WIDE


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
            norms = torch._foreach_norm(tensors, 2)
            least, most = torch.stack(norms).aminmax()
            if SAFE[0] < least.item() and most.item() < SAFE[1]:
                return norms
        return torch._foreach_norm(tensors, 2, self._wide)

    def one(self, tensor: torch.Tensor) -> torch.Tensor:
        """The L2 norm of one tensor, a scalar."""
        norm: torch.Tensor
        if self._looks:
            norm = torch.linalg.vector_norm(tensor, dtype=torch.float32)  # a bfloat16 norm would be rounded
            if SAFE[0] < norm.item() < SAFE[1]:
                return norm
        norm = torch.linalg.vector_norm(tensor, dtype=self._wide)
        return norm
