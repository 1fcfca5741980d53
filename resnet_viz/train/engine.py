"""The eager engine: one contestant's training step as anybody would write it in PyTorch, with probes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import nn

from ..data import Dataset
from ..nn import build
from ..spec import Network, Recipe
from ..spec.shapes import after_stem, block_shapes
from .batches import Batches
from .checkpoints import CheckpointError
from .evaluation import Evaluator
from .losses import LOSSES
from .probes import Probe
from .state import gather, scatter


def block_paths(network: Network) -> tuple[str, ...]:
    """Module paths of all blocks in forward order: "layer1.0", "layer1.1", ..."""
    return tuple(f"layer{row.stage}.{row.block - 1}" for row in block_shapes(network))


def widest_map(network: Network) -> int:
    """Values of the largest feature map of one image between blocks."""
    maps = (after_stem(network), *(row.leaves for row in block_shapes(network)))
    return max(channels * height * width for channels, height, width in maps)


def on_device(data: Dataset, device: torch.device) -> Dataset:
    """The data set with its tensors on the device; the same object when they lie there already."""
    if data.train_x.device == device:
        return data
    names = ("train_x", "train_y", "test_x", "test_y")
    return replace(data, **{name: getattr(data, name).to(device) for name in names})


def memory_format(device: torch.device) -> torch.memory_format:
    """How images and feature maps lie in memory: channels last on a CPU, where small maps are 15 % faster so."""
    return torch.channels_last if device.type == "cpu" else torch.contiguous_format


class EagerEngine:
    """One network with its optimizer, batches, probe and evaluator.

    SGD with momentum on the recipe's loss. A step is :meth:`compute` (forward, backward, one row of telemetry)
    and then :meth:`update`. ``layers`` are the paths whose weight gradients are measured. On a GPU everything
    runs in a stream of the engine's own, so that contestants overlap. Raises ``SpecError`` from the build.
    """

    def __init__(
        self, network: Network, recipe: Recipe, data: Dataset, layers: Sequence[str], device: torch.device
    ) -> None:
        self.device = device
        self._format = memory_format(device)
        self._loss = LOSSES[recipe.loss]
        model = build(network, device=str(device), seed=recipe.seed)
        self.model: nn.Module = model.to(memory_format=self._format).train()  # type: ignore[call-overload]
        self.batches = Batches(data.train_x, data.train_y, recipe.batch, recipe.seed)
        self._evaluator = Evaluator(self.model, data, widest_map(network))
        self.probe = Probe(self.model, layers, block_paths(network), device)
        self._optimizer = torch.optim.SGD(
            self.model.parameters(),
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            foreach=True,
        )
        self._stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
            self._stream.wait_stream(torch.cuda.current_stream(device))

    @contextmanager
    def on_stream(self) -> Iterator[None]:
        """Everything inside runs in the engine's own stream; nothing on a CPU."""
        with torch.cuda.stream(self._stream):
            yield

    def compute(self, step: int, rate: float) -> None:
        """Forward and backward on the batch of ``step`` at the present weights, and the row of that step."""
        x, y = self.batches[step]
        x = x.contiguous(memory_format=self._format)
        self._optimizer.zero_grad(set_to_none=True)
        scores = self.model(x)
        loss = self._loss(scores, y)
        loss.backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            error = (scores.argmax(1) != y).sum() / len(y)
            self.probe.record(loss, error, rate)

    def update(self, rate: float) -> None:
        """Apply the gradients of the last :meth:`compute` with that learning rate."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()

    def evaluate(self) -> tuple[float, float]:
        """(train error, test error) on the whole sets as fractions, batch-norm statistics estimated again."""
        return self._evaluator(self.model)

    def state(self, *, computed: bool) -> dict[str, torch.Tensor]:
        """All that a later :meth:`restore` needs, copied to the CPU; ``computed``: :meth:`compute` came last."""
        return gather(self.model, self._optimizer, gradients=computed)

    def restore(self, tensors: Mapping[str, torch.Tensor], step: int, *, computed: bool) -> None:
        """Stand where :meth:`state` was taken: ``step`` updates done, with ``computed`` the row of ``step`` as well.

        Raises :class:`~resnet_viz.train.checkpoints.CheckpointError` for the state of another network.
        """
        try:
            scatter(self.model, self._optimizer, tensors)
        except (RuntimeError, KeyError, ValueError) as error:
            raise CheckpointError("belongs to another network") from error
        self.probe.begin(step + computed)
        if self._stream is not None:
            self._stream.wait_stream(torch.cuda.current_stream(self.device))
