"""The engine that begins as the eager one and goes on with compiled blocks once they are ready and agree with it."""

from __future__ import annotations

import copy
from functools import partial

from ..nn.stochastic import sources
from .changes import Change
from .compilation import TOLERANCE, Compilation, eager_again
from .engine import EagerEngine
from .news import News
from .precision import autocast

UNTIL = "The eager engine trains until torch.compile is done in the background and agrees with it."
DRAWS = "Drop path and dropout draw from the network's own random numbers, which torch.compile does not take along."
HELD = "Compiled blocks hold as a number what was changed by hand."


class CompiledEngine(EagerEngine):
    """Takes and does what :class:`EagerEngine` does, to the same bits until the blocks are compiled.

    Compiling begins with the first step; its blocks take over between two steps, which is told as news, as is why they
    do not. From then on numbers differ from the eager ones by rounding (:data:`~resnet_viz.train.compilation.TOLERANCE`
    at most for each block, on the batches that were compared). Stem and head stay eager.
    """

    kind = "compile"
    backend = "inductor"
    """What ``torch.compile`` compiles with; tests take one that needs no compiler of C++."""
    _work: Compilation | None = None
    _begun = _compiled = False

    def compute(self, step: int, rate: float) -> None:
        """As :meth:`EagerEngine.compute`."""
        if not self._begun:
            self._begin()
        elif self._work is not None and self._work.done.is_set():
            self._take_over(self._work)
        super().compute(step, rate)

    def steer(self, change: Change) -> None:
        """As :meth:`EagerEngine.steer`. What blocks hold as a number is compiled anew; eager blocks train meanwhile."""
        super().steer(change)
        if self._begun and change.kind in ("alpha", "shortcut", "drop_path") and len(self.shortcuts):
            self.close()
            if self._compiled:
                eager_again(self.model)
                self._news.append(News("eager", "is trained eagerly until its blocks are compiled again", HELD))
            self._begun = self._compiled = False

    def close(self) -> None:
        """Let what is being compiled go."""
        if self._work is not None:
            self._work.give_up()
            self._work = None

    def _begin(self) -> None:
        self._begun = True
        if sources(self.model):
            self._stay(DRAWS)
            return
        model = copy.deepcopy(self.model)
        for module in model.modules():
            module._forward_pre_hooks.clear()  # the probe's
            module._forward_hooks.clear()
        batches = []
        for place in range(len(self.batches.sizes)):
            x, y = self.batches[place * (self.batches.per_epoch - 1)]
            batches.append((x.contiguous(memory_format=self._format), y))
        cast = partial(autocast, self._precision, self.device)
        allowed = TOLERANCE[self._precision]
        self._work = Compilation(model, batches, self.loss, self.on_stream, cast, allowed, self.backend)

    def _take_over(self, work: Compilation) -> None:
        self._work = None
        if work.reason is not None:
            self._stay(work.reason)
            return
        work.install(self.model)
        self._compiled = True
        why = (
            f"torch.compile ({work.backend}) took {work.seconds:.1f} s in the background. Block by block, on a batch, "
            f"values differ from the eager ones by {work.apart.values:.1e} ({work.allowed.values:g} is allowed), "
            f"gradients by {work.apart.gradients:.1e} ({work.allowed.gradients:g})."
        )
        self._news.append(News("compiled", "is trained with compiled blocks", why, round(work.seconds, 3)))

    def _stay(self, why: str) -> None:
        self._news.append(News("eager", "stays with the eager engine", why))
