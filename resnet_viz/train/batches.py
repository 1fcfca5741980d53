"""Which images make which batch: from the seed alone, so that all contestants see the same ones."""

from __future__ import annotations

from functools import lru_cache

import torch


@lru_cache(maxsize=8)
def epoch_order(images: int, seed: int, epoch: int) -> torch.Tensor:
    """A permutation of ``images`` places, int64 [images], drawn for this seed and epoch only.

    Any epoch can be asked for without those before it. Shared between contestants: do not write into it.
    """
    generator = torch.Generator().manual_seed((seed << 20) ^ epoch)
    return torch.randperm(images, generator=generator)


class Batches:
    """The batches of a training set in the order of the seed; the short last batch of an epoch is kept.

    ``x`` float32 [N, C, H, W] and ``y`` int64 [N] lie on the device where the batches are wanted.
    """

    def __init__(self, x: torch.Tensor, y: torch.Tensor, batch: int, seed: int) -> None:
        self.x, self.y, self.batch, self.seed = x, y, batch, seed
        self.per_epoch = -(-len(x) // batch)
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    def __getitem__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Images [B, C, H, W] and labels [B] of that step, counted from 0 over all epochs."""
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._order = epoch_order(len(self.x), self.seed, epoch).to(self.x.device)
            self._epoch = epoch
        chosen = self._order[place * self.batch : (place + 1) * self.batch]
        return self.x[chosen], self.y[chosen]
