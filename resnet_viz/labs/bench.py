"""What a lab may use to compute: networks trained side by side, told about as they go, cancellable at any moment.

Nothing here touches an optimizer: contestants are those of :class:`resnet_viz.train.Race`, each in a race of its own
so that one that diverges ends nobody else, at most as many at once as there are slots (one a core on a CPU).
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..data import load
from ..data.own_images import own_images
from ..nn import reuse_memory
from ..spec import Experiment, Network, OwnImages, Recipe, SpecError
from ..train.cards import cards, measured_paths
from ..train.devices import choose, describe, slots_for
from ..train.engine import on_device
from ..train.evaluation import Evaluator
from ..train.race import Ended, Evaluated, Failed, Race, Rows, Snapshot

if TYPE_CHECKING:
    from torch import nn

    from ..data import Dataset
    from ..train.slots import Slots

POLL_SECONDS = 0.02
LARGE = "cifar10"
"""The name under which this machine has CIFAR-10 as images of its own, if it has: then labs run larger on a GPU."""
SHAPE = (3, 32, 32, 10, 50_000, 10_000)
"""Channels, height, width, classes, training and test images of CIFAR-10 (Krizhevsky 2009, Sect. 3.1)."""

Signals = dict[str, NDArray[np.float32]]


class Cancelled(Exception):
    """Somebody stopped the lab: everything that computes for it ends."""


class Bench:
    """``device`` "auto", "cpu", "cuda" or one by its index. ``cancelled`` is asked often and from then on ends
    everything with :class:`Cancelled`; ``told`` gets what is done now in a few words. Use it inside
    :func:`resnet_viz.train.devices.calculation`. Raises ``SpecError`` for a device that is not there.
    """  # fmt: skip

    def __init__(
        self,
        device: str = "auto",
        *,
        slots: Slots | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        told: Callable[[str], None] = lambda words: None,
    ) -> None:
        self.device = choose(device)
        self.slots = slots or slots_for(self.device)
        self._cancelled = cancelled
        self._told = told

    @cached_property
    def cifar10(self) -> OwnImages | None:
        """CIFAR-10 where labs run larger by themselves: on a GPU of a machine that has it. None elsewhere.

        Images of that name that are not as many, as large and in as many classes are somebody's own, and not taken.
        """
        if self.device.type != "cuda":
            return None
        try:
            found = own_images(LARGE)
        except SpecError:
            return None
        shape = (found.channels, found.height, found.width, found.classes, found.train, found.test)
        return found if shape == SHAPE else None

    @property
    def large(self) -> bool:
        """True where labs run larger: see :attr:`cifar10`."""
        return self.cifar10 is not None

    def about(self) -> dict[str, Any]:
        """The device as a run's header describes it: kind, name, cores, threads."""
        return describe(self.device, self.slots.count)

    def check(self) -> None:
        """Raises :class:`Cancelled` when somebody has stopped the lab. Call it in every loop that takes a while."""
        if self._cancelled():
            raise Cancelled

    def tell(self, words: str) -> None:
        """Say what is done now: "residual, 56 layers, epoch 3 of 8"."""
        self.check()
        self._told(words)

    def data(self, dataset: str | OwnImages = "digits") -> Dataset:
        """The data set with its tensors on the device."""
        return on_device(load(dataset), self.device)

    def errors(self, model: nn.Module, dataset: str | OwnImages = "digits") -> tuple[float, float]:
        """(train error, test error) as fractions, batch-norm statistics estimated again on a copy."""
        from math import prod

        data = self.data(dataset)
        return Evaluator(model, data, 64 * prod(data.train_x.shape[1:]))(model)

    def race(
        self,
        networks: Mapping[str, Network],
        *,
        seed: int,
        dataset: str | OwnImages = "digits",
        recipes: Mapping[str, Mapping[str, Any]] | None = None,
        starts: Mapping[str, nn.Module] | None = None,
        frozen: Mapping[str, Sequence[str]] | None = None,
        **recipe: Any,
    ) -> Trial:
        """Train these networks on the same batches from the same seed; ``recipe`` has fields of ``Recipe``.

        ``recipes`` has those of single networks by name, over the common ones; ``starts`` modules from whose weights
        a network begins in place of its own; ``frozen`` paths of modules whose weights stay as they are, and which
        then have no gradient and no signal of it. Iterate over what it gives to let them go. Raises a refusal for
        what is no valid experiment.
        """
        own = recipes or {}
        fixed = {"seed": seed, "device": self.device.type}
        return Trial(self, {
            name: Experiment(
                contestants={name: network}, dataset=dataset,
                recipe=Recipe.model_validate({**recipe, **own.get(name, {}), **fixed}),
            )
            for name, network in networks.items()
        }, starts or {}, frozen or {})  # fmt: skip


class Trial:
    """The training of some networks: iterating lets them go and gives each evaluation of the whole sets as it comes.

    There is one at initialisation and one after each epoch. Afterwards, and for a network that is over already during
    the iteration: :attr:`models`, the trained modules; :meth:`signals`, their telemetry; :attr:`failed`, one sentence
    for each that did not stay finite, which then has no further evaluations.
    """

    def __init__(
        self,
        bench: Bench,
        experiments: Mapping[str, Experiment],
        starts: Mapping[str, nn.Module],
        frozen: Mapping[str, Sequence[str]],
    ) -> None:
        self.models: dict[str, nn.Module] = {}
        self.failed: dict[str, str] = {}
        self.layers: dict[str, list[str]] = {}
        """Paths of the measured layers in forward order, by network."""
        self._bench = bench
        self._waiting = dict(experiments)
        self._starts, self._frozen = starts, frozen
        self._going: dict[str, Race] = {}
        self._columns: dict[str, list[str]] = {}
        self._rows: dict[str, list[NDArray[np.float32]]] = {name: [] for name in experiments}

    def signals(self, name: str) -> Signals:
        """Each signal as float32 [steps] by name, as :meth:`resnet_viz.Run.signals` has them."""
        empty = np.empty((0, len(self._columns[name])), np.float32)
        values = np.concatenate([empty, *self._rows[name]])
        return {signal: values[:, column] for column, signal in enumerate(self._columns[name])}

    def __iter__(self) -> Iterator[Evaluated]:
        self._bench.tell("the networks are built")
        try:
            while self._waiting or self._going:
                self._bench.check()
                self._start()
                news = [one for name in list(self._going) for one in self._news(name)]
                yield from news
                if not news:
                    time.sleep(POLL_SECONDS)
        finally:
            for race in self._going.values():
                race.control.stop()
            for race in self._going.values():
                race.join()

    def run(self) -> Trial:
        """Let them go until all are over; gives itself."""
        for _ in self:
            pass
        return self

    def _start(self) -> None:
        while self._waiting and len(self._going) < self._bench.slots.count:
            name = next(iter(self._waiting))
            experiment = self._waiting.pop(name)
            found = cards(experiment)
            still = tuple(f"{path}." for path in self._frozen.get(name, ()))
            every = measured_paths(found)[name]
            self.layers[name] = [path for path in every if not f"{path}.".startswith(still)]
            gone = {f"grad_norm/{path}" for path in every if path not in self.layers[name]}
            self._columns[name] = [signal for signal in found[0]["signals"] if signal not in gone]
            race = Race(experiment, {name: self.layers[name]}, slots=self._bench.slots, device=self._bench.device)
            self._prepare(name, race.engines[name].model)
            self._going[name] = race
            race.start()

    def _prepare(self, name: str, model: nn.Module) -> None:
        """Give it the weights to start from, and let those stay that are to stay."""
        if name in self._starts:
            model.load_state_dict(self._starts[name].state_dict())
        for path in self._frozen.get(name, ()):
            model.get_submodule(path).requires_grad_(False)

    def _news(self, name: str) -> list[Evaluated]:
        race, found = self._going[name], list[Evaluated]()
        while True:
            try:
                message = race.messages.get_nowait()
            except queue.Empty:
                return found
            if isinstance(message, Rows):
                self._rows[name].append(message.values)
            elif isinstance(message, Evaluated):
                found.append(message)
            elif isinstance(message, Snapshot):
                message.done(0.0)  # nobody resumes a lab
            elif isinstance(message, Failed):
                self.failed[name] = message.reason
            elif isinstance(message, Ended):
                self.models[name] = race.engines[name].model
                reuse_memory(self.models[name], False)  # a lab looks at what single layers give
                del self._going[name]
                return found
