"""A Lightning callback around :func:`~resnet_viz.runs.recorder.record`; Lightning is imported when it is made.

``trainer = Trainer(callbacks=[lightning_callback(store=..., name=...)])``. It needs Lightning 2 (``pip install
"resnet-viz[lightning]"``) or the older package ``pytorch_lightning``.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from .recorder import Recorder, record

PACKAGES = ("lightning.pytorch", "pytorch_lightning")


class RecordHooks:
    """The hooks; :func:`lightning_callback` makes a Lightning callback of them.

    A row is written for each step of the optimizer: with ``accumulate_grad_batches`` one for each accumulated batch,
    with the loss of its last part. Lightning zeroes the gradients before the next backward pass, so that after a batch
    they are those that the optimizer saw, and its 16-bit plugin has unscaled them. Only rank 0 records.
    """

    def __init__(self, store: str | Path | None = None, name: str | None = None) -> None:
        super().__init__()
        self.store, self.name = store, name
        self.recorder: Recorder | None = None
        self._steps = 0

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Training begins (after the sanity check of the validation)."""
        planned = trainer.estimated_stepping_batches
        steps = int(planned) if 0 < planned < 10**9 else 0  # infinite where no end is given
        optimizer = trainer.optimizers[0] if trainer.optimizers else None
        self._steps = trainer.global_step
        self.recorder = record(pl_module, self.store, self.name, steps=steps, optimizer=optimizer)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """A batch is done; when the optimizer has made a step, that is a row."""
        if self.recorder is None or trainer.global_step == self._steps:
            return
        self._steps = trainer.global_step
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1:  # a manual loop may give anything
            loss = loss if isinstance(loss, float) else float("nan")
        self.recorder.step(loss, scaler=_scaler(trainer))

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Training has ended as planned."""
        if self.recorder is not None:
            self.recorder.close()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """An error or Ctrl-C has ended it."""
        if self.recorder is not None:
            self.recorder.__exit__(type(exception), exception, None)


def _scaler(trainer: Any) -> Any:
    return getattr(getattr(trainer, "precision_plugin", None), "scaler", None)


def lightning_callback(store: str | Path | None = None, name: str | None = None) -> Any:
    """A callback that records what a Lightning trainer does; arguments as for :func:`~resnet_viz.runs.record`.

    Raises ``ImportError`` when Lightning is not installed.
    """
    for package in PACKAGES:
        try:
            base = import_module(package).Callback
        except ImportError:
            continue
        return type("RecordCallback", (RecordHooks, base), {})(store, name)
    raise ImportError('Lightning is not installed: pip install "resnet-viz[lightning]"')
