"""The eager engine: one contestant's training step as anybody would write it in PyTorch, with probes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import nn

from ..data import Dataset
from ..nn import build, reuse_memory
from ..nn.stochastic import Stochastic
from ..spec import Network, ProbePlan, Recipe
from ..spec.shapes import after_stem, block_shapes
from .batches import Batches
from .changes import Change
from .checkpoints import CheckpointError
from .evaluation import Evaluator
from .losses import LOSSES
from .measures import Measures, measure_names
from .news import News
from .precision import autocast
from .probes import Probe, weight_of
from .state import PROBE, copied, gather, part, scatter
from .steering import Shortcuts, steer


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
    and then :meth:`update`; what both do on the device (:meth:`gradients`, :meth:`apply`) reads buffers that never
    move, so that the graph engine can capture the very same. ``layers`` are the paths whose weight gradients are
    measured. On a GPU everything runs in a stream of the engine's own, so that contestants overlap. ``fused``: torch's
    fused optimizer, by default on a GPU only. Raises ``SpecError`` from the build.
    """

    kind = "eager"

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        data: Dataset,
        layers: Sequence[str],
        device: torch.device,
        *,
        fused: bool | None = None,
    ) -> None:
        self.device = device
        self._news: list[News] = []
        self._format = memory_format(device)
        self.loss = LOSSES[recipe.loss]
        self._precision = recipe.precision
        model = build(network, device=str(device), seed=recipe.seed)
        self.model: nn.Module = model.to(memory_format=self._format).train()  # type: ignore[call-overload]
        reuse_memory(self.model)
        augment = recipe.augment == "crop_flip"
        self.batches = Batches(data.train_x, data.train_y, recipe.batch, recipe.seed, augment=augment)
        self._evaluator = Evaluator(self.model, data, widest_map(network), recipe.precision)
        # A graph captures numbers as they are, so the rate is a tensor there; only the fused optimizer reads one. On a
        # CPU it is no faster than the other and rounds otherwise: runs of before would not go on to the same bits.
        fused = device.type == "cuda" if fused is None else fused
        self._rate = torch.full((), recipe.learning_rate, device=device) if fused else None
        self._optimizer = torch.optim.SGD(
            self.model.parameters(),
            lr=recipe.learning_rate if self._rate is None else self._rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            foreach=not fused,
            fused=fused,
        )
        self._layers = tuple(layers)
        self._network, self._seed = network, recipe.seed
        self.shortcuts = Shortcuts((self.model, self._evaluator.copy))
        self._measures = self._planned(network, recipe.probes, layers)
        self.probe = Probe(self.model, layers, block_paths(network), device, measures=self._measures)
        self._stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
            self._stream.wait_stream(torch.cuda.current_stream(device))

    def _planned(self, network: Network, plan: ProbePlan, layers: Sequence[str]) -> Measures | None:
        names = measure_names(network, layers, plan)
        return Measures(self.model, self._optimizer, layers, names, plan, self.device) if names else None

    @contextmanager
    def on_stream(self) -> Iterator[None]:
        """Everything inside runs in the engine's own stream; nothing on a CPU."""
        with torch.cuda.stream(self._stream):
            yield

    def compute(self, step: int, rate: float) -> None:
        """Forward and backward on the batch of ``step`` at the present weights, and the row of that step."""
        self.probe.put(self.gradients(self.batches.aim(step)), rate)

    def update(self, rate: float) -> None:
        """Apply the gradients of the last :meth:`compute` with that learning rate."""
        self.set_rate(rate)
        self.apply()

    def set_rate(self, rate: float) -> None:
        """The learning rate of the updates to come."""
        if self._rate is not None:
            self._rate.fill_(rate)
        else:
            self._optimizer.param_groups[0]["lr"] = rate

    def gradients(self, size: int) -> torch.Tensor:
        """Forward and backward on the batch that was aimed at; gives the row of telemetry without the rate."""
        x, y = self.batches.fetch(size)
        x = x.contiguous(memory_format=self._format)
        self._optimizer.zero_grad(set_to_none=True)
        with autocast(self._precision, self.device):
            scores = self.model(x)
        loss = self.loss(scores.float(), y)
        loss.backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            error = (scores.argmax(1) != y).sum() / len(y)
            return self.probe.measure(loss, error)

    def apply(self) -> None:
        """The optimizer's step at the learning rate on the device."""
        self._optimizer.step()

    def evaluate(self) -> tuple[float, float]:
        """(train error, test error) on the whole sets as fractions, batch-norm statistics estimated again."""
        return self._evaluator(self.model)

    def steer(self, change: Change) -> None:
        """Let a change hold from the next :meth:`compute` on. The learning rate comes with each step."""
        if change.kind == "weight_decay":
            for group in self._optimizer.param_groups:
                group["weight_decay"] = change.value
        else:
            steer(change, self.model, self._network, self.shortcuts, self._seed)

    def close(self) -> None:
        """The contestant has ended: there will be no other step."""

    def news(self) -> list[News]:
        """What the engine has to tell of itself since the last call."""
        found, self._news = self._news, []
        return found

    def weights(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Path and weight of each measured layer, with the gradients of the last :meth:`compute`."""
        return ((path, weight_of(self.model, path)) for path in self._layers)

    def apart(self, step: int) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
        """(a copy of the model as it stands, the images and the labels of ``step``), to be measured at will.

        The copy is in training mode and has none of the probe's hooks; its stochastic layers keep everything.
        """
        model = self._evaluator.copy_of(self.model).train()
        for module in model.modules():
            if isinstance(module, Stochastic):
                module.eval()
        x, y = self.batches[step]
        return model, x.contiguous(memory_format=self._format), y

    def state(self, *, computed: bool) -> dict[str, torch.Tensor]:
        """All that a later :meth:`restore` needs, copied to the CPU; ``computed``: :meth:`compute` came last."""
        probe = self._measures.state() if self._measures else {}
        return gather(self.model, self._optimizer, gradients=computed) | {
            PROBE + name: copied(value) for name, value in probe.items()
        }

    def restore(self, tensors: Mapping[str, torch.Tensor], step: int, *, computed: bool) -> None:
        """Stand where :meth:`state` was taken: ``step`` updates done, with ``computed`` the row of ``step`` as well.

        Raises :class:`~resnet_viz.train.checkpoints.CheckpointError` for the state of another network.
        """
        try:
            scatter(self.model, self._optimizer, tensors)
            if self._measures is not None:
                self._measures.restore(dict(part(tensors, PROBE)))
        except (RuntimeError, KeyError, ValueError) as error:
            raise CheckpointError("belongs to another network") from error
        self.probe.begin(step + computed)
        if self._stream is not None:
            self._stream.wait_stream(torch.cuda.current_stream(self.device))
