"""Telemetry for a training loop of the caller's own: :func:`record` before the loop, ``rec.step(loss)`` in it.

The run lies in the same store as all others, so the app shows it live and replays it. The loop itself is left alone:
once it has begun, nothing that goes wrong with the recording stops it.
"""

from __future__ import annotations

import atexit
import os
import platform
import sqlite3
import sys
import threading
import time
import warnings
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

from .. import __version__
from ..train.devices import describe
from ..train.meter import Layers, Measured, Meter, is_shortcut
from .liveness import process_identity
from .places import locate
from .store import Store, StoreError

if TYPE_CHECKING:
    from torch.amp import GradScaler

CONTESTANT = "model"
FLUSH_SECONDS = 0.25
"""A write takes half a millisecond, so that it costs 0.2 % of any loop."""
BEAT_SECONDS = 1.0

_open: WeakKeyDictionary[nn.Module, Recorder] = WeakKeyDictionary()


class Recorder:
    """One recording; :func:`record` makes it. ``id`` is the run's id, None where nothing is recorded.

    A row is written for each :meth:`step`: "loss", "lr" and "grad_norm/<layer>" for each convolution and linear layer
    (``nn.Linear``, ``nn.Conv1d`` to ``nn.Conv3d``), the L2 norm of its weight's gradient as the optimizer saw it; NaN
    where there was none. A layer that takes no part in the first step stays out of the pictures.
    """

    def __init__(
        self,
        model: nn.Module,
        store: Store | None,
        name: str | None,
        steps: int,
        optimizer: Any | None,
        watched: bool,
    ) -> None:
        self.id: str | None = None
        self._model, self._store, self._steps, self._optimizer = model, store, steps, optimizer
        self._pid = os.getpid()
        self._meter: Meter | None = None
        self._rates: list[float] = []
        self._flushed = 0.0
        self._closed = False
        self._lock = threading.RLock()
        self._done = threading.Event()
        self._error_before = _last_error()
        if store is None:  # another rank records
            return
        self._layers = Layers(model, watched=watched)
        self.id = store.create(None, name=name or type(model).__name__, owner=process_identity())
        _open[model] = self
        atexit.register(self._at_exit)
        self._beat = threading.Thread(target=self._live, name=f"recording {self.id}", daemon=True)
        self._beat.start()

    # -- the loop's side ----------------------------------------------------------------------------------

    def step(self, loss: torch.Tensor | float, *, scaler: GradScaler | None = None) -> None:
        """Write down one step: call it after ``optimizer.step()`` and before the next ``zero_grad()``.

        ``loss``: one number or a tensor with one value, not multiplied by a scaler. With gradient accumulation call
        it once for each ``optimizer.step()``: the norms are those of the sum. With a gradient scaler call it after
        ``scaler.step(optimizer)``, which has divided the gradients by then; ``scaler`` makes the row of a step that it
        left out NaN. Nothing waits for the device. Raises ``ValueError`` for a loss of another shape or after
        :meth:`close`.
        """
        if isinstance(loss, torch.Tensor) and loss.numel() != 1:
            raise ValueError(f"loss has the shape {tuple(loss.shape)}: give one number, such as its mean")
        if self._closed:
            raise ValueError("this recording is closed: rv.record(model) begins another one")
        if self._store is None or self._done.is_set() or os.getpid() != self._pid:
            return
        with self._lock, self._shielded():
            if self._meter is None:
                self._begin()
            assert self._meter is not None  # noqa: S101  (just made)
            self._meter.record(loss, skipped_is_missing=scaler is not None and scaler.is_enabled())
            self._rates.append(self._rate())
            if self._meter.waiting == self._meter.capacity or time.monotonic() - self._flushed >= FLUSH_SECONDS:
                self._flush()

    def close(self) -> None:
        """The loop is over: write what is left; the run is "finished". A second time it does nothing."""
        self._end("finished", None)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(*_outcome(error))

    # -- inside -------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """The first step: now it is known which layers there are, and which take part."""
        assert self._store is not None and self.id is not None  # noqa: S101  (step has looked)
        rows = self._layers.found()
        self._meter = Meter([row.weight for row in rows])
        self._store.set_header(self.id, _header(self._model, rows, self._steps))

    def _rate(self) -> float:
        groups = getattr(self._optimizer, "param_groups", None)
        return float(groups[0]["lr"]) if groups else float("nan")

    def _flush(self) -> None:
        meter, store = self._meter, self._store
        if meter is None or store is None or self.id is None or not meter.waiting:
            return
        import numpy as np

        first, values = meter.take()
        rates, self._rates = self._rates, []
        self._flushed = time.monotonic()
        if not store.append(self.id, CONTESTANT, first, np.insert(values, 1, rates, axis=1)):
            self._done.set()  # somebody removed the run

    def _live(self) -> None:
        """Once a second: the process lives; rows that wait; a wish to stop."""
        store, run = self._store, self.id
        assert store is not None and run is not None  # noqa: S101  (else there is no such thread)
        while not self._done.wait(BEAT_SECONDS):
            try:
                if not store.path.exists() or not store.beat(run):
                    self._done.set()
                elif any(command.kind == "stop" for command in store.take_commands(run)):
                    self._end("stopped", "The recording was stopped by hand; the loop that it listened to goes on.",
                              silent=True)  # fmt: skip
                else:
                    with self._lock:
                        if time.monotonic() - self._flushed >= BEAT_SECONDS:
                            self._flush()
            except (sqlite3.Error, OSError):
                continue
        store.close()

    def _end(self, state: str, reason: str | None, *, silent: bool = False) -> None:
        """``silent``: the loop may go on to call :meth:`step`."""
        over = self._done.is_set()
        self._closed = self._closed or not silent
        if self._store is None or over or os.getpid() != self._pid:
            return
        with self._lock, self._shielded():
            self._done.set()
            if self._meter is not None:
                self._flush()
            self._store.set_state(self.id or "", state, reason)
            self._meter = None
        if _open.get(self._model) is self:
            del _open[self._model]
        atexit.unregister(self._at_exit)
        if threading.current_thread() is not self._beat:
            self._beat.join(2 * BEAT_SECONDS)

    def _at_exit(self) -> None:
        error = _last_error()
        self._end(*_outcome(None if error is self._error_before or _interactive() else error))

    def _shielded(self) -> _Shield:
        return _Shield(self._done)


class _Shield:
    """What the store cannot do ends the recording with one warning, and never the loop."""

    def __init__(self, done: threading.Event) -> None:
        self._done = done

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, (sqlite3.Error, OSError)):
            return False
        self._done.set()
        warnings.warn(f"The recording ends here, since the store cannot be written ({error}).", stacklevel=4)
        return True


def record(
    model: nn.Module,
    store: Store | str | Path | None = None,
    name: str | None = None,
    *,
    steps: int = 0,
    optimizer: torch.optim.Optimizer | None = None,
) -> Recorder:
    """Begin to record a training loop of your own; the app shows it live, next to its own runs.

    ``model``: any module; what DistributedDataParallel, DataParallel or ``torch.compile`` have wrapped is unwrapped.
    ``store``: a directory (see :func:`~resnet_viz.runs.open_runs`); ``name``: by default the model's class.
    ``steps``: how many are planned, so that the pictures have their full width at once; 0: not known.
    ``optimizer``: its learning rate (that of the first group) is recorded as "lr". Of several processes only rank 0
    records; the others get a recorder that does nothing. Recording a model again closes the recording before. Close it
    with :meth:`Recorder.close` or ``with``; otherwise it closes when the process ends. One whose process is killed is
    shown as interrupted. Raises ``TypeError`` for what is no module and :class:`StoreError` for a directory that
    cannot hold the runs.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"rv.record takes a torch.nn.Module, not {type(model).__name__}")
    compiled = hasattr(model, "_orig_mod")
    model = _unwrapped(model)
    if _rank() != 0:
        return Recorder(model, None, name, steps, optimizer, False)
    before = _open.pop(model, None)
    if before is not None:
        before.close()
    if not isinstance(store, Store):
        store = Store(locate(store).directory)
    try:
        return Recorder(model, store, name, steps, optimizer, not compiled)
    except sqlite3.Error as error:
        raise StoreError(f"{store.directory} cannot hold the runs ({error}): choose another directory.") from error


def _unwrapped(model: nn.Module) -> nn.Module:
    wrappers = (nn.parallel.DistributedDataParallel, nn.DataParallel)
    while True:
        inner = model.module if isinstance(model, wrappers) else getattr(model, "_orig_mod", model)
        if inner is model:
            return model
        model = inner


def _rank() -> int:
    """This process's rank; 0 when it is alone."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank()
    rank = os.environ.get("RANK", "0") if "WORLD_SIZE" in os.environ else "0"
    return int(rank) if rank.isdecimal() else 0


def _header(model: nn.Module, rows: list[Measured], steps: int) -> dict[str, Any]:
    """As a run's of our own, where that makes sense: stages, data set and seed are the caller's affair."""
    device = rows[0].weight.device if rows else torch.device("cpu")
    about = describe(torch.device(device), 1) if device.type in ("cpu", "cuda") else {"kind": device.type, "name": ""}
    layers = [
        {"path": row.path, "kind": row.kind, "stage": 0, "block": 0, "projection": is_shortcut(row.path),
         "channels": row.size[0], "height": row.size[1], "width": row.size[2]}
        for row in rows if row.weight.grad is not None
    ]  # fmt: skip
    return {
        "versions": {"python": platform.python_version(), "torch": str(torch.__version__), "resnet_viz": __version__},
        "device": about,
        "steps": steps,
        "started": time.time(),
        "recorded": True,
        "contestants": [
            {
                "name": CONTESTANT,
                "role": "third",
                "network_name": type(model).__name__,
                "parameters": sum(weight.numel() for weight in model.parameters()),
                "description": f"{len(layers)} convolutions and linear layers",
                "gaps": True,
                "signals": ["loss", "lr", *(f"grad_norm/{row.path}" for row in rows)],
                "layers": layers,
            }
        ],
    }


def _outcome(error: BaseException | None) -> tuple[str, str | None]:
    """The last state of a recording whose loop ended with that error."""
    if error is None or (isinstance(error, SystemExit) and not error.code):
        return "finished", None
    if isinstance(error, KeyboardInterrupt):
        return "stopped", "Stopped with Ctrl-C."
    first = (str(error).strip().splitlines() or [""])[0][:300]
    return "failed", f"The loop ended with {type(error).__name__}{': ' + first if first else ''}."


def _last_error() -> BaseException | None:
    """The error that nobody caught, which Python has just printed."""
    return getattr(sys, "last_value", None)


def _interactive() -> bool:
    """In a notebook or a shell an error ends a cell and not the process."""
    return hasattr(sys, "ps1") or "IPython" in sys.modules
