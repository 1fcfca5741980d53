"""The blocks of a network compiled by ``torch.compile`` in a thread of its own, and checked against the eager ones.

Each block is compiled by itself, equal ones once ("regional compilation", PyTorch's recipes): probes watch blocks from
outside, so that they measure compiled blocks as they measure eager ones. What trains is never touched; a copy is.

Each block is compared by itself as well, on what the eager network feeds it and asks of it. Through many blocks
rounding grows: some gradients of a plain net of 56 layers are 80 % off those in double precision.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import FunctionType
from typing import Any

import torch
from torch import fx, nn

from ..inspect.operations import TORCH
from ..nn import Unit


@dataclass(frozen=True)
class Apart:
    """Greatest relative differences: of the loss, the maps and the norms' statistics; and of gradients."""

    values: float = 0.0
    gradients: float = 0.0

    def within(self, allowed: Apart) -> bool:
        """Whether neither is larger; what is no number is."""
        return self.values <= allowed.values and self.gradients <= allowed.gradients

    def or_more(self, values: float, gradients: float = 0.0) -> Apart:
        """The greater of each; what is no number is greatest."""
        return Apart(_greatest(self.values, values), _greatest(self.gradients, gradients))


TOLERANCE = {"fp32": Apart(1e-3, 2e-2), "tf32": Apart(1e-2, 5e-2), "bf16": Apart(5e-2, 2e-1)}
"""Up to where compiled blocks count as the eager ones, by precision. They round at other places; and where a value lies
at the corner of a ReLU one takes its gradient and the other does not: one of 16,000 is 0.8 % of their norm."""
LET_IN = 0.01
"""Seconds between two blocks: who waits to inspect a network comes before the next one."""
FLOOR = 1e-3
"""A tensor smaller than this share of all of its kind together is compared with that share: what is zero but for
rounding (the gradient of a bias in front of a norm) differs from itself."""
_alone = threading.Lock()
"""Compiling takes a core and the interpreter: one network of the process at a time."""

Batch = tuple[torch.Tensor, torch.Tensor]
Forward = Callable[[Unit, torch.Tensor], torch.Tensor]
Surrounding = Callable[[], AbstractContextManager[object]]


@dataclass
class _Seen:
    """One eager pass of the whole network: its loss, and what entered each block and was asked of it."""

    loss: torch.Tensor
    inputs: dict[Unit, torch.Tensor] = field(default_factory=dict)
    asked: dict[Unit, torch.Tensor] = field(default_factory=dict)


class Compilation:
    """``model`` is a copy that belongs to the compilation, in training mode and without hooks.

    ``batches`` has one batch of each size that will come, on its device; ``loss`` takes scores and labels. All runs in
    ``stream``, the forward pass in ``cast`` as well, as the steps of the contestant do. :attr:`done` is set at the end;
    then :attr:`reason` says why nothing was compiled, or is None and :meth:`install` can be called. :attr:`seconds` is
    the time it took, :attr:`apart` what was found to differ, within ``allowed``.
    """

    def __init__(
        self,
        model: nn.Module,
        batches: Sequence[Batch],
        loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
        stream: Surrounding,
        cast: Surrounding,
        allowed: Apart,
        backend: str,
    ) -> None:
        self.done = threading.Event()
        self.reason: str | None = None
        self.seconds = 0.0
        self.apart = Apart()
        self.allowed, self.backend = allowed, backend
        self._model, self._batches = model, batches
        self._loss, self._stream, self._cast = loss, stream, cast
        self._forwards: dict[str, Forward] = {}
        self._given_up = False
        threading.Thread(target=self._work, name="torch.compile", daemon=True).start()

    def give_up(self) -> None:
        """Nobody will ask any more; what torch is compiling at this moment cannot be cut short."""
        self._given_up = True

    def install(self, model: nn.Module) -> None:
        """Let the network's blocks run compiled. What was not compiled beforehand runs eagerly: no step waits."""
        # A block that is called while another thread traces something runs eagerly, which torch refuses by default.
        torch._dynamo.config.error_on_nested_fx_trace = False
        # torch has no public name for this; a stance (torch.compiler.set_stance) holds for all threads.
        ready = {key: torch._dynamo.run(forward) for key, forward in self._forwards.items()}
        for unit in _units(model):
            unit.forward = partial(ready[repr(unit)], unit)  # type: ignore[method-assign]

    def _work(self) -> None:
        try:
            with _alone, self._stream():
                if next(self._model.parameters()).device.type == "cpu":
                    torch.set_num_threads(1)  # as the contestants have it; code is made for a number of them
                begin = time.perf_counter()
                if not self._given_up:
                    self._compile()
                self.seconds = time.perf_counter() - begin
        except Exception as error:  # whatever torch and the compilers behind it raise
            self.reason = f"torch.compile failed ({_first_line(error)})."
        finally:
            del self._model, self._batches
            self.done.set()

    def _compile(self) -> None:
        kept = [buffer.clone() for buffer in self._model.buffers()]
        for unit in _units(self._model):
            own = _own(Unit.forward)
            self._forwards.setdefault(
                repr(unit), torch.compile(own, fullgraph=True, dynamic=False, backend=self.backend)
            )
        for batch in self._batches:
            eager_again(self._model)
            self._put_back(kept)
            seen = self._seen(batch)
            for unit in _units(self._model):
                with unnoticed():
                    self._compare(unit, seen)
                time.sleep(LET_IN)
                if self._given_up or not self._agrees():
                    return
            self._put_back(kept)
            self.apart = self.apart.or_more(difference([seen.loss], [self._passed(batch).detach()]))
            if not self._agrees():
                return

    def _agrees(self) -> bool:
        good = self.apart.within(self.allowed)
        if not good:
            self.reason = (
                f"Compiled blocks gave other numbers than the eager ones: values differ by {self.apart.values:.1e} "
                f"({self.allowed.values:g} is allowed), gradients by {self.apart.gradients:.1e} "
                f"({self.allowed.gradients:g})."
            )
        return good

    def _put_back(self, kept: list[torch.Tensor]) -> None:
        with torch.no_grad():
            for buffer, was in zip(self._model.buffers(), kept, strict=True):
                buffer.copy_(was)

    def _passed(self, batch: Batch) -> torch.Tensor:
        x, y = batch
        with self._cast():
            scores = self._model(x)
        return self._loss(scores.float(), y)

    def _seen(self, batch: Batch) -> _Seen:
        inputs: dict[Unit, torch.Tensor] = {}
        asked: dict[Unit, torch.Tensor] = {}

        def watch(unit: Unit, given: tuple[torch.Tensor], result: torch.Tensor) -> None:
            inputs[unit] = given[0].detach()
            result.register_hook(partial(asked.__setitem__, unit))  # type: ignore[no-untyped-call]

        hooks = [unit.register_forward_hook(watch) for unit in _units(self._model)]
        loss = self._passed(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        for hook in hooks:
            hook.remove()
        return _Seen(loss.detach(), inputs, asked)

    def _compare(self, unit: Unit, seen: _Seen) -> None:
        """Run the block eagerly and compiled from the same state; it stays compiled."""
        x, asked = seen.inputs.pop(unit), seen.asked.pop(unit)
        kept = [buffer.clone() for buffer in unit.buffers()]
        eager = self._alone(unit, x, asked)
        with torch.no_grad():
            for buffer, was in zip(unit.buffers(), kept, strict=True):
                buffer.copy_(was)
        unit.forward = partial(self._forwards[repr(unit)], unit)  # type: ignore[method-assign]
        compiled = self._alone(unit, x, asked)
        values, statistics, inputs, weights = (difference(a, b) for a, b in zip(eager, compiled, strict=True))
        self.apart = self.apart.or_more(values, inputs).or_more(statistics, weights)

    def _alone(self, unit: Unit, x: torch.Tensor, asked: torch.Tensor) -> tuple[list[torch.Tensor], ...]:
        """(its map, its norms' statistics, the gradient of its input, those of its weights)."""
        unit.zero_grad(set_to_none=True)
        x = x.detach().requires_grad_()
        with self._cast():
            result = unit(x)
        result.backward(asked)
        statistics = [buffer.clone() for buffer in unit.buffers() if buffer.is_floating_point()]
        weights = [weight.grad for weight in unit.parameters() if weight.grad is not None]
        return [result.detach()], statistics, [x.grad] if x.grad is not None else [], weights


def difference(expected: Sequence[torch.Tensor], found: Sequence[torch.Tensor]) -> float:
    """The greatest ‖a - b‖ / ‖a‖ of two lists of tensors, small ones against :data:`FLOOR` of all; NaN where one is."""
    if not expected:
        return 0.0
    norms = torch.stack([a.double().norm() for a in expected])
    apart = torch.stack([(a.double() - b.double()).norm() for a, b in zip(expected, found, strict=True)])
    least = (FLOOR * norms.norm()).clamp(min=torch.finfo(torch.float32).tiny)
    return float((apart / torch.maximum(norms, least)).max())


@contextmanager
def unnoticed() -> Iterator[None]:
    """What this thread compiles inside, other threads do not feel, and nobody inspects a network meanwhile.

    While torch.fx traces, it patches the calls of all modules in all threads; a network that trains in another one
    would stop with "module is not installed as a submodule". Torch tells threads apart from its pull request 187589 on.
    """
    mine, call_module, getattribute = threading.get_ident(), fx.Tracer.call_module, fx.Tracer.getattr

    def call(tracer: fx.Tracer, m: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if threading.get_ident() != mine:
            return forward(*args, **kwargs)
        return call_module(tracer, m, forward, args, kwargs)

    def get(tracer: fx.Tracer, attr: str, value: Any, cache: dict[str, Any]) -> Any:
        return value if threading.get_ident() != mine else getattribute(tracer, attr, value, cache)

    with TORCH:
        fx.Tracer.call_module, fx.Tracer.getattr = call, get  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            fx.Tracer.call_module, fx.Tracer.getattr = call_module, getattribute  # type: ignore[method-assign]


def eager_again(model: nn.Module) -> None:
    """Undo :meth:`Compilation.install`."""
    for unit in _units(model):
        unit.__dict__.pop("forward", None)


def _units(model: nn.Module) -> list[Unit]:
    return [module for module in model.modules() if isinstance(module, Unit)]


def _own(function: Any) -> FunctionType:
    """The same function with code of its own: torch keeps what it compiled, and counts it, by code."""
    return FunctionType(function.__code__.replace(), function.__globals__, function.__name__)


def _greatest(*values: float) -> float:
    return max(values, key=lambda value: math.inf if math.isnan(value) else value)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ["no reason given"]
    if lines[0].endswith("raised:") and len(lines) > 1:  # torch names the backend first, then what it said
        return lines[1].rstrip(".")
    return f"{type(error).__name__}: {lines[0].rstrip('.')}"
