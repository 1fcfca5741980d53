"""What is measured of a model that somebody else trains: the loss, and the gradient norm of every layer's weight.

Like a :class:`~resnet_viz.train.probes.Probe` it keeps its rows on the training device until somebody asks, so that
no step waits for the host; unlike one it knows nothing of the model beforehand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .norms import safe, single, widest

MEASURED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
SHORTCUTS = frozenset({"downsample", "shortcut", "projection"})
"""A layer inside a module of such a name stands beside the main path (torchvision's, and many others')."""


@dataclass
class Measured:
    """A layer whose weight gradient is measured; ``size`` is (channels, height, width) of its output, 0 unknown."""

    path: str
    weight: nn.Parameter
    kind: str
    size: tuple[int, int, int]
    place: int | None = None


class Layers:
    """The convolutions and linear layers of a model, in forward order once it has run; else in that of the modules.

    A layer without a parameter of its own as weight (weight norm, spectral norm) has no gradient to measure.
    """

    def __init__(self, model: nn.Module, *, watched: bool = True) -> None:
        self.model = model
        self._handles: list[Any] = []
        self._seen: dict[str, tuple[int, tuple[int, ...]]] = {}
        if watched and not _compiled(model):  # a hook would make it compile again
            for path, module in model.named_modules():
                if isinstance(module, MEASURED):
                    self._handles.append(module.register_forward_hook(self._look(path)))

    def _look(self, path: str) -> Any:
        def look(module: nn.Module, inputs: Any, output: Any) -> None:
            if path not in self._seen and isinstance(output, torch.Tensor):
                self._seen[path] = (len(self._seen), tuple(output.shape))

        return look

    def found(self) -> list[Measured]:
        """All of them as they stand now; from here on the model is not watched any more."""
        for handle in self._handles:
            handle.remove()
        rows = []
        for path, module in self.model.named_modules():
            if isinstance(module, MEASURED) and isinstance(module.weight, nn.Parameter):
                place, shape = self._seen.get(path, (None, ()))
                kind = "linear" if isinstance(module, nn.Linear) else "conv"
                rows.append(Measured(path, module.weight, kind, _size(module, shape), place))
        known = [row for row in rows if row.place is not None]
        if len(known) == len(rows):
            return sorted(rows, key=lambda row: row.place or 0)
        return rows


def _size(module: nn.Module, shape: tuple[int, ...]) -> tuple[int, int, int]:
    if isinstance(module, nn.Linear):
        return module.out_features, 1, 1
    maps = shape[-(len(shape) - 2) :] if len(shape) > 2 else ()
    height, width = (0, 0) if not maps else (1, maps[0]) if len(maps) == 1 else (maps[-2], maps[-1])
    return int(module.out_channels), height, width  # type: ignore[arg-type]


def _compiled(model: nn.Module) -> bool:
    return any(getattr(module, "_compiled_call_impl", None) is not None for module in model.modules())


def is_shortcut(path: str) -> bool:
    """Whether the layer's name says that it stands beside the main path."""
    return not SHORTCUTS.isdisjoint(path.split("."))


class Meter:
    """Rows that wait: loss, then the L2 norm of each weight's gradient, NaN where there is none (``grad`` is None).

    Norms are exact to 2e-6 whatever their size: squares are added up in double precision where single would not do.
    On a CPU the rows are plain numbers, which is the least work for a short step; elsewhere a ring on the device.
    """

    def __init__(self, weights: Sequence[nn.Parameter], capacity: int = 256) -> None:
        self.capacity = capacity
        self._weights = list(weights)
        self._device = self._weights[0].device if self._weights else torch.device("cpu")
        on_cpu = self._device.type == "cpu"
        self._ring = None if on_cpu else torch.zeros(capacity, 1 + len(self._weights), device=self._device)
        self._host: list[list[float]] = []
        self._first = 0
        self._count = 0
        self._written: torch.cuda.Event | None = None

    @property
    def waiting(self) -> int:
        """Rows that nobody has taken yet."""
        return self._count

    @torch.no_grad()
    def record(self, loss: torch.Tensor | float, *, skipped_is_missing: bool = False) -> None:
        """One row from the gradients as they stand. ``loss``: one number, on any device.

        ``skipped_is_missing``: where a norm is not finite, all of the row are NaN (a gradient scaler that meets one
        leaves the whole step out). Raises ``BufferError`` when :meth:`take` was not called for ``capacity`` rows.
        """
        if self._count == self.capacity:
            raise BufferError(f"{self.capacity} rows wait in the ring: take them first")
        if self._ring is None:
            self._host.append([float(loss), *self._numbers(skipped_is_missing)])
        else:
            row = self._ring[(self._first + self._count) % self.capacity]
            row[1:] = self._norms(skipped_is_missing)
            row[0] = loss.detach().reshape(()) if isinstance(loss, torch.Tensor) else loss
        self._count += 1
        if self._device.type == "cuda":
            self._written = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._written.record()

    def take(self) -> tuple[int, NDArray[np.float32]]:
        """The rows that wait, float32 [rows, 1 + layers], and the number of the first. From any thread."""
        if self._written is not None:
            self._written.synchronize()
        if self._ring is None:
            values = np.array(self._host, dtype=np.float32).reshape(-1, 1 + len(self._weights))
            self._host = []
        else:
            values = self._ring[[(self._first + i) % self.capacity for i in range(self._count)]].cpu().numpy()
        first = self._first
        self._first, self._count = first + self._count, 0
        return first, values

    def _numbers(self, skipped_is_missing: bool) -> list[float]:
        """The norms where weights lie on a CPU: at once where all are of the usual kind, which costs least."""
        gradients = [weight.grad for weight in self._weights]
        usual = [one for one in gradients if one is not None and one.dtype == torch.float32 and one.is_cpu]
        if usual and len(usual) == len(gradients):
            norms = [norm.item() for norm in single(usual)]
            if safe(norms):
                return norms
        found: list[float] = self._norms(skipped_is_missing).tolist()
        return found

    def _norms(self, skipped_is_missing: bool) -> torch.Tensor:
        """[layers] on the ring's device; several devices and kinds of numbers are measured apart."""
        found: list[torch.Tensor | None] = [None] * len(self._weights)
        groups: dict[tuple[torch.device, torch.dtype], list[int]] = {}
        for place, weight in enumerate(self._weights):
            if weight.grad is not None:
                groups.setdefault((weight.grad.device, weight.grad.dtype), []).append(place)
        for (device, kind), places in groups.items():
            gradients = [gradient for place in places if (gradient := self._weights[place].grad) is not None]
            for place, norm in zip(places, _exact(gradients, device, kind), strict=True):
                found[place] = norm
        missing = torch.full((), math.nan, device=self._device)
        rows = [missing if norm is None else norm.to(self._device, torch.float32) for norm in found]
        norms = torch.stack(rows) if rows else torch.empty(0, device=self._device)
        if not skipped_is_missing or not groups:
            return norms
        measured = [place for place, norm in enumerate(found) if norm is not None]
        return torch.where(norms[measured].isfinite().all(), norms, missing)


def _exact(gradients: list[torch.Tensor], device: torch.device, kind: torch.dtype) -> Sequence[torch.Tensor]:
    if device.type == "cpu" and kind == torch.float32:
        norms = single(gradients)
        if safe(torch.stack(norms).tolist()):
            return norms
    return torch._foreach_norm(gradients, 2, widest(device))
