"""A stand-in for CUDA graphs on a CPU: every operation is written down once, and replayed on the same tensors.

As in a capture, Python runs once; what it decided is decided for good, numbers are baked in, tensors stay where they
are. What no capture allows is refused: asking a tensor for its value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from resnet_viz.train.graph_engine import GraphEngine

WAITS = {torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default}


class Recorder(TorchDispatchMode):
    """Keeps each call with its arguments and what it gave, which also keeps all their memory."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, ...]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in WAITS:
            raise RuntimeError(f"{func} makes the host wait: not permitted when stream is capturing")
        out = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, out))
        return out

    def replay(self) -> None:
        """Do everything again, into the same memory."""
        with torch.no_grad():
            for func, args, kwargs, out in self.calls:
                for old, new in zip(_tensors(out), _tensors(func(*args, **kwargs)), strict=True):
                    if old.data_ptr() != new.data_ptr():  # else it was in place, or a view
                        old.copy_(new)


def _tensors(out: Any) -> list[torch.Tensor]:
    parts = out if isinstance(out, (list, tuple)) else [out]
    return [part for part in parts if isinstance(part, torch.Tensor)]


class RecordedEngine(GraphEngine):
    """The graph engine with recordings for graphs; all else of it, from the warm-up to the last check, is its own."""

    def _can_capture(self) -> bool:
        return True

    def _capture(self, work: Callable[[], torch.Tensor | None]) -> Callable[[], torch.Tensor]:
        with Recorder() as recorder:
            result = work()

        def replay() -> torch.Tensor:
            recorder.replay()
            return result  # type: ignore[return-value]

        return replay
