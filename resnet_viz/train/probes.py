"""What is measured at every step, kept on the device until somebody asks: no step waits for the host.

A probe has a ring of rows on the training device, one row a step. :meth:`Probe.take` copies the new rows to the
host, about ten times a second; on a GPU that is the only moment at which the host waits. The formulas stand in
docs/telemetry.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .measures import Measures
from .norms import Norms

HEAD = ("loss", "train_error", "lr")


def signal_names(layers: Sequence[str], blocks: Sequence[str], more: Sequence[str] = ()) -> tuple[str, ...]:
    """The columns of the telemetry: loss, minibatch error, learning rate, then the norms by layer and by block, then
    what the plan asks for besides (:func:`~resnet_viz.train.measures.measure_names`)."""
    return (*HEAD, *(f"grad_norm/{path}" for path in layers), *(f"input_grad/{path}" for path in blocks), *more)


class Probe:
    """The ring of one model.

    ``layers`` are paths of modules with a weight, ``blocks`` paths of modules with one tensor as input. A row is
    loss (mean cross-entropy of the minibatch), error (fraction of the minibatch, in training mode), learning rate,
    the exact L2 norm of each layer's weight gradient, that of the gradient with respect to each block's input, and
    what ``measures`` adds at its own periods.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Sequence[str],
        blocks: Sequence[str],
        device: torch.device,
        capacity: int = 256,
        measures: Measures | None = None,
    ) -> None:
        self.signals = signal_names(layers, blocks, measures.names if measures else ())
        self.always = len(signal_names(layers, blocks))
        self.capacity = capacity
        self.measures = measures
        self._weights = [weight_of(model, path) for path in layers]
        self._norms = Norms(device)
        self._measured: tuple[torch.Tensor, ...] = ()
        self._inputs = [torch.zeros((), device=device) for _ in blocks]
        self._ring = torch.zeros(capacity, len(self.signals) - 1, device=device)
        self._rates: list[float] = []
        self._first = 0
        for place, path in enumerate(blocks):
            model.get_submodule(path).register_forward_pre_hook(self._watch(place))

    def begin(self, row: int) -> None:
        """Count from that row on; call it before the first :meth:`record`."""
        self._first = row
        self._due()

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
        # A layer without a gradient (there is none in a network of ours) would shift the columns.
        norms = self._norms.of([weight.grad for weight in self._weights if weight.grad is not None])
        return torch.stack((loss, error, *norms, *self._inputs))

    def put(self, row: torch.Tensor, rate: float) -> None:
        """Keep a copy of a measured row, and what ``measures`` adds to it.

        Raises ``BufferError`` when nobody took one for ``capacity`` rows.
        """
        if self.waiting == self.capacity:
            raise BufferError(f"{self.capacity} rows wait in the ring: take them first")
        self._ring[(self._first + self.waiting) % self.capacity, : self.always - 1].copy_(row)
        if self.measures is not None:
            more = self._ring[(self._first + self.waiting) % self.capacity, self.always - 1 :]
            more.copy_(self.measures.row(row[2 : 2 + len(self._weights)].unbind(), rate))
        self._rates.append(rate)
        self._due()

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

    def _due(self) -> None:
        """Tell the measures which row comes next: some watch the forward pass, or keep the gradient before it."""
        if self.measures is not None:
            self.measures.begin(self._first + self.waiting)

    def _watch(self, place: int) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def measure(gradient: torch.Tensor) -> None:
            self._inputs[place] = self._norms.one(gradient)

        def before(module: nn.Module, args: tuple[Any, ...]) -> None:
            if args[0].requires_grad:
                args[0].register_hook(measure)

        return before


def weight_of(model: nn.Module, path: str) -> nn.Parameter:
    """The weight of the layer at that path. Raises ``TypeError`` where there is none."""
    weight = model.get_submodule(path).weight
    if not isinstance(weight, nn.Parameter):
        raise TypeError(f"{path} has no weight to measure")
    return weight
