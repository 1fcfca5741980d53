"""The other one's loop: Lightning with its TensorBoard logger, logging at every step, with or without norms."""

from __future__ import annotations

import logging
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.nn import functional

Optimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


def wait(device: torch.device) -> None:
    """Until the device has done everything."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def loads() -> bool:
    """Whether Lightning is there; prints its version, or why it is left out, and lets it log errors alone."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import lightning
    except Exception as error:  # missing, or beside a torchvision that does not load
        print(f"Lightning does not load ({type(error).__name__}: {error}): left out.")
        print("It is installed by: pip install -r benchmarks/requirements.txt")
        return False
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    print(f"lightning {lightning.__version__}")
    return True


def seconds(
    net: nn.Module,
    loader: torch.utils.data.DataLoader[list[torch.Tensor]],
    optimizer: Optimizer,
    device: torch.device,
    *,
    norms: bool,
    epochs: int = 1,
    precision: str = "32-true",
) -> float:
    """Train with mean cross-entropy; seconds a step, from the first batch on until the device has done the last.

    ``norms``: Lightning's own ``grad_norm`` of every parameter is logged too. ``precision`` as its trainer takes it.
    """
    import lightning as pl
    from lightning.pytorch.loggers import TensorBoardLogger
    from lightning.pytorch.utilities import grad_norm

    class Classifier(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = net
            self.start = self.took = 0.0

        def training_step(self, batch: list[torch.Tensor], place: int) -> torch.Tensor:
            x, y = batch
            scores = self.net(x)
            loss = functional.cross_entropy(scores, y)
            self.log("loss", loss)
            self.log("train_error", (scores.argmax(1) != y).float().mean())
            return loss

        def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
            if norms:
                self.log_dict(grad_norm(self, norm_type=2))

        def on_train_batch_start(self, batch: object, place: int) -> None:
            if not self.start:
                wait(device)
                self.start = time.perf_counter()

        def on_train_end(self) -> None:
            wait(device)
            self.took = time.perf_counter() - self.start

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return optimizer(self.parameters())

    with tempfile.TemporaryDirectory() as directory:
        trainer = pl.Trainer(
            accelerator="gpu" if device.type == "cuda" else "cpu", devices=1, max_epochs=epochs, precision=precision,
            logger=TensorBoardLogger(directory), log_every_n_steps=1, enable_progress_bar=False,
            enable_model_summary=False, enable_checkpointing=False,
        )  # fmt: skip
        model = Classifier()
        trainer.fit(model, loader)
    return model.took / trainer.global_step
