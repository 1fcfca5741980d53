"""What is measured at every step, kept on the device until somebody asks: no step waits for the host.

A probe has a ring of rows on the training device, one row a step. :meth:`Probe.take` copies the new rows to the
host, about ten times a second; on a GPU that is the only moment at which the host waits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

HEAD = ("loss", "train_error", "lr")
SAFE = (1e-10, 1e15)
"""Norms between these are exact to 1e-6 when squares are added up in single precision. Beyond, squares leave its
range: gradients of deep plain nets without norm (1e-26) would read as zero, exploding ones (1e+25) as infinite."""
WIDE = torch.float64


def signal_names(layers: Sequence[str], blocks: Sequence[str]) -> tuple[str, ...]:
    """The columns of the telemetry: loss, minibatch error, learning rate, then the norms by layer and by block."""
    return (*HEAD, *(f"grad_norm/{path}" for path in layers), *(f"input_grad/{path}" for path in blocks))


class Probe:
    """The ring of one model.

    ``layers`` are paths of modules with a weight, ``blocks`` paths of modules with one tensor as input. A row is
    loss (mean cross-entropy of the minibatch), error (fraction of the minibatch, in training mode), learning rate,
    the exact L2 norm of each layer's weight gradient, and that of the gradient with respect to each block's input.
    """

    def __init__(
        self, model: nn.Module, layers: Sequence[str], blocks: Sequence[str], device: torch.device, capacity: int = 256
    ) -> None:
        self.signals = signal_names(layers, blocks)
        self.capacity = capacity
        self._weights = [_weight(model, path) for path in layers]
        # A CPU can look at a norm and add up again in double precision where that is needed; a GPU cannot without
        # making the host wait, and does it always, for nothing: its kernels widen while they read.
        self._looks = device.type == "cpu"
        self._inputs = [torch.zeros((), device=device) for _ in blocks]
        self._ring = torch.zeros(capacity, len(self.signals) - 1, device=device)
        self._rates: list[float] = []
        self._first = 0
        for place, path in enumerate(blocks):
            model.get_submodule(path).register_forward_pre_hook(self._watch(place))

    def begin(self, row: int) -> None:
        """Count from that row on; call it before the first :meth:`record`."""
        self._first = row

    @property
    def waiting(self) -> int:
        """Rows that nobody has taken yet."""
        return len(self._rates)

    def record(self, loss: torch.Tensor, error: torch.Tensor, rate: float) -> None:
        """Write one row from the gradients as they stand; ``loss`` and ``error`` are scalars on the device.

        Raises what :meth:`put` raises.
        """
        self.put(self.measure(loss, error), rate)

    def measure(self, loss: torch.Tensor, error: torch.Tensor) -> torch.Tensor:
        """The row without the learning rate, from the gradients as they stand; a GPU does not wait for the host."""
        return torch.stack((loss, error, *self._weight_norms(), *self._inputs))

    def put(self, row: torch.Tensor, rate: float) -> None:
        """Keep a copy of a measured row. Raises ``BufferError`` when nobody took one for ``capacity`` rows."""
        if self.waiting == self.capacity:
            raise BufferError(f"{self.capacity} rows wait in the ring: take them first")
        self._ring[(self._first + self.waiting) % self.capacity].copy_(row)
        self._rates.append(rate)

    def take(self) -> tuple[int, NDArray[np.float32]]:
        """(step of the first row, float32 [rows, signals]) of all rows since the last call, copied to the host."""
        first, count = self._first, self.waiting
        start = first % self.capacity
        rows = self._ring[start : start + count]
        if len(rows) < count:
            rows = torch.cat((rows, self._ring[: count - len(rows)]))
        measured = rows.cpu().numpy()
        values = np.empty((count, len(self.signals)), dtype=np.float32)
        values[:, :2], values[:, 2], values[:, 3:] = measured[:, :2], self._rates, measured[:, 2:]
        self._rates.clear()
        self._first = first + count
        return first, values

    def _weight_norms(self) -> tuple[torch.Tensor, ...]:
        # torch's public functions give only the norm of all gradients together.
        gradients = [weight.grad for weight in self._weights if weight.grad is not None]
        if self._looks:
            norms = torch._foreach_norm(gradients, 2)
            least, most = torch.stack(norms).aminmax()
            if SAFE[0] < least.item() and most.item() < SAFE[1]:
                return norms
        return torch._foreach_norm(gradients, 2, WIDE)

    def _norm(self, gradient: torch.Tensor) -> torch.Tensor:
        norm: torch.Tensor
        if self._looks:
            norm = torch.linalg.vector_norm(gradient, dtype=torch.float32)  # a bfloat16 norm would be rounded
            if SAFE[0] < norm.item() < SAFE[1]:
                return norm
        norm = torch.linalg.vector_norm(gradient, dtype=WIDE)
        return norm

    def _watch(self, place: int) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def measure(gradient: torch.Tensor) -> None:
            self._inputs[place] = self._norm(gradient)

        def before(module: nn.Module, args: tuple[Any, ...]) -> None:
            if args[0].requires_grad:
                args[0].register_hook(measure)

        return before


def _weight(model: nn.Module, path: str) -> nn.Parameter:
    weight = model.get_submodule(path).weight
    if not isinstance(weight, nn.Parameter):
        raise TypeError(f"{path} has no weight to measure")
    return weight
