"""Layers that draw random numbers in training: dropped branches and dropped values of a shortcut.

Each network has a generator of its own, so that two networks that train in two threads draw the same numbers in
every run. In evaluation these layers do nothing.
"""

from __future__ import annotations

from itertools import count
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import nn

_SOURCES: WeakValueDictionary[int, torch.Generator] = WeakValueDictionary()
_KEYS = count()


@torch.fx.wrap
def kept(x: torch.Tensor, key: int, survival: float, whole: bool) -> torch.Tensor:
    """Zeros and 1 / survival for [N, C, H, W]: one number for all (``whole``), or one a value.

    ``key`` names the generator: a trace of torch.fx records numbers, not generators. A trace that outlives its
    network draws from torch's own.
    """
    source = _SOURCES.get(key)
    mask = torch.empty(() if whole else x.shape, dtype=x.dtype, device=x.device if source is None else source.device)
    return (mask.bernoulli_(survival, generator=source) / survival).to(x.device)


class Stochastic(nn.Module):
    """Keeps with probability ``survival`` and divides what is kept by it, so that the mean stays."""

    whole = False

    def __init__(self, survival: float) -> None:
        super().__init__()
        self.survival = survival
        self.draw_from(torch.Generator())

    def draw_from(self, source: torch.Generator) -> None:
        """Take random numbers from that generator from now on."""
        self.source = source
        self._key = next(_KEYS)
        _SOURCES[self._key] = source

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A copy has its own generator in the same state, and so needs a key of its own.
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self.draw_from(self.source)

    def __deepcopy__(self, memo: dict[int, Any]) -> Stochastic:
        twin = type(self)(self.survival).train(self.training)
        if id(self.source) not in memo:
            source = torch.Generator(self.source.device)
            source.set_state(self.source.get_state())
            memo[id(self.source)] = source
        twin.draw_from(memo[id(self.source)])
        return twin

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The same map in evaluation."""
        if not self.training:
            return x
        return x * kept(x, self._key, self.survival, self.whole)

    def extra_repr(self) -> str:
        """Shown when the module is printed."""
        return f"survival={self.survival:g}"


class DropPath(Stochastic):
    """Stochastic depth (Huang 2016, eq. 2): the whole branch is there for this minibatch, or it is not.

    Kept branches are divided by the survival probability in training; the paper multiplies by it in evaluation.
    """

    whole = True


class Dropout(Stochastic):
    """Drops single values of a shortcut (He 2016b, Fig. 2f).

    What is kept is divided by the share kept; the paper's expectation of one half needs ``alpha`` 0.5 besides.
    """


def draw_from(model: nn.Module, source: torch.Generator) -> None:
    """Let all stochastic layers of a network draw from one generator, in forward order."""
    for module in model.modules():
        if isinstance(module, Stochastic):
            module.draw_from(source)


def sources(model: nn.Module) -> list[torch.Generator]:
    """The generators that a network's stochastic layers draw from, each once, in forward order."""
    found: dict[int, torch.Generator] = {}
    for module in model.modules():
        if isinstance(module, Stochastic):
            found.setdefault(id(module.source), module.source)
    return list(found.values())
