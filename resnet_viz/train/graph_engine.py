"""The graph engine: the same step as the eager one, captured once as CUDA graphs and replayed without Python.

A network of many small kernels keeps a GPU waiting for the host, which launches them one by one; a graph is launched
whole. What a step reads from outside lies in buffers that never move: the order of the epoch and the place in it
(:class:`~resnet_viz.train.batches.Batches`), the learning rate, weights, momentum, the statistics of the norms. So a
run is paused, evaluated and checkpointed, and its rate is changed, while its graphs live.

A step is two graphs, because a pause stands between them: the row of a step is shown before its update. Each size of
batch (the short last one of an epoch) has its own two; all share their memory, since no two ever run at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from ..nn.stochastic import sources
from .changes import Change
from .engine import EagerEngine
from .news import News
from .state import BUFFER

WARM_UP = 3
"""Steps before a capture, so that libraries have chosen their kernels and made their work space."""
AHEAD = 8
"""Steps that the host may be ahead of the device: enough to keep it busy, few enough for a pause to be felt at once."""
ALIKE = 2e-2
"""Relative difference up to which the first replayed row counts as that of the step run eagerly: bfloat16's kernels
may differ by that much. A graph that has gone wrong is far off."""
_capturing = threading.Lock()
"""Torch allows one capture at a time in a process."""

Gradients = Sequence[torch.Tensor | None]


class CaptureError(RuntimeError):
    """The step cannot be captured; the text is one sentence that says why the eager engine has to do."""


@dataclass(frozen=True)
class _Step:
    """One size of batch. ``gradients`` are where ``compute`` leaves them; None where it makes them anew (on a CPU)."""

    compute: Callable[[], torch.Tensor]
    update: Callable[[], object]
    gradients: Gradients | None


class GraphEngine(EagerEngine):
    """Takes and does what :class:`EagerEngine` does, to the same numbers as far as the device repeats itself.

    :meth:`prepare` captures; it has to be called before the first step and after each :meth:`restore`. On a CPU,
    which has no graphs, the very functions that a graph would hold are called instead; tests use that.
    """

    kind = "graph"
    _steps: dict[int, _Step] = {}  # noqa: RUF012  (prepare() makes one of its own)
    _now: _Step | None = None
    _without = False

    def prepare(self) -> None:
        """Warm up, capture, and compare the first replayed row with the step run eagerly; the state stays as it was.

        Raises :class:`CaptureError`.
        """
        self._steps, self._now = {}, None
        if not self._can_capture():
            self._steps = {size: self._called(size) for size in self.batches.sizes}
            return
        with _capturing, self.on_stream():
            kept = _Kept(self.model, self._optimizer)
            try:
                for place, size in enumerate(self.batches.sizes):
                    self.batches.aim(place * (self.batches.per_epoch - 1))
                    self._steps[size] = self._captured(size, kept)
            except RuntimeError as error:
                self._steps.clear()
                raise CaptureError(_why(error)) from error
            finally:
                kept.put_back()

    def compute(self, step: int, rate: float) -> None:
        """As :meth:`EagerEngine.compute`."""
        now = self._steps[self.batches.aim(step)]
        row = now.compute()
        if now is not self._now and now.gradients is not None:  # those of the other size lie elsewhere
            self._hand_out(now.gradients)
        self._now = now
        self.probe.put(row, rate)

    def update(self, rate: float) -> None:
        """As :meth:`EagerEngine.update`."""
        self.set_rate(rate)
        if self._now is None:  # gradients that restore() put back lie where no graph looks
            self.apply()
        else:
            self._now.update()
        self._wait_for_device()

    def steer(self, change: Change) -> None:
        """As :meth:`EagerEngine.steer`. What a graph holds as a number or a layer is captured anew.

        Where that fails the functions that a graph would hold are called instead, until a later change; told as news.
        """
        super().steer(change)
        if change.kind != "lr" and self._steps:
            try:
                self.prepare()
                if self._without:
                    self._news.append(News("graph", "is trained by CUDA graphs again", "The step could be captured."))
                self._without = False
            except CaptureError as error:
                self._steps = {size: self._called(size) for size in self.batches.sizes}
                self._news.append(News("eager", "is trained eagerly, without its CUDA graphs", str(error)))
                self._without = True

    def _can_capture(self) -> bool:
        if self._stream is None:
            return False
        self._pool = torch.cuda.graph_pool_handle()
        self._events = [torch.cuda.Event(blocking=True) for _ in range(AHEAD)]  # type: ignore[no-untyped-call]
        self._turn = 0
        return True

    def _called(self, size: int) -> _Step:
        return _Step(lambda: self.gradients(size), self.apply, None)

    def _captured(self, size: int, kept: _Kept) -> _Step:
        for _ in range(WARM_UP):
            self.gradients(size)
            self.apply()
        kept.put_back()
        expected = self.gradients(size).clone()
        kept.put_back()
        self._optimizer.zero_grad(set_to_none=True)  # so that the graph's gradients lie in the graph's memory
        compute = self._capture(lambda: self.gradients(size))
        found = [weight.grad for weight in self.model.parameters()]
        update = self._capture(self.apply)
        kept.put_back()
        self._hand_out(found)
        if not torch.allclose(compute(), expected, rtol=ALIKE, atol=0, equal_nan=True):
            raise CaptureError("The captured step gave other numbers than the eager one.")
        kept.put_back()
        return _Step(compute, update, found)

    def _capture(self, work: Callable[[], torch.Tensor | None]) -> Callable[[], torch.Tensor]:
        """Capture the work; what is given back replays it, and gives the tensor into which it then writes."""
        graph = torch.cuda.CUDAGraph()
        for source in sources(self.model):
            graph.register_generator_state(source)
        # Other threads copy telemetry to the host meanwhile, which only a capture of the whole process would forbid.
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
            result = work()

        def replay() -> torch.Tensor:
            graph.replay()
            return result  # type: ignore[return-value]  # the update's is not looked at

        return replay

    def _hand_out(self, gradients: Gradients) -> None:
        for weight, gradient in zip(self.model.parameters(), gradients, strict=True):
            weight.grad = gradient

    def _wait_for_device(self) -> None:
        if self._stream is None:
            return
        event = self._events[self._turn % AHEAD]
        event.synchronize()  # one that was never recorded is over
        event.record(self._stream)
        self._turn += 1


class _Kept:
    """The state of an engine in memory of the device, put back as often as needed without moving anything."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self._weights = list(model.parameters())
        self._optimizer = optimizer
        self._gradients = [weight.grad for weight in self._weights]
        self._tensors = [tensor.detach() for tensor in (*self._weights, *model.buffers())]
        self._copies = [tensor.clone() for tensor in self._tensors]
        self._momentum = [None if m is None else m.clone() for m in self._buffers()]
        self._random = [(source, source.get_state()) for source in sources(model)]

    def _buffers(self) -> list[torch.Tensor | None]:
        return [self._optimizer.state.get(weight, {}).get(BUFFER) for weight in self._weights]

    @torch.no_grad()
    def put_back(self) -> None:
        """Everything as it was. Momentum that was not there yet becomes zero, to which the first step adds the same."""
        for tensor, copy in zip(self._tensors, self._copies, strict=True):
            tensor.copy_(copy)
        for buffer, was in zip(self._buffers(), self._momentum, strict=True):
            if buffer is not None:
                buffer.zero_() if was is None else buffer.copy_(was)
        for source, state in self._random:
            source.set_state(state)
        for weight, gradient in zip(self._weights, self._gradients, strict=True):
            weight.grad = gradient


def _why(error: Exception) -> str:
    if isinstance(error, CaptureError):
        return str(error)
    line = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    return f"The step could not be captured ({line})."
