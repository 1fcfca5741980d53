"""Which images make which batch: from the seed alone, so that all contestants see the same ones."""

from __future__ import annotations

from functools import lru_cache

import torch

from .augment import crop_flip, epoch_moves


@lru_cache(maxsize=8)
def epoch_order(images: int, seed: int, epoch: int) -> torch.Tensor:
    """A permutation of ``images`` places, int64 [images], drawn for this seed and epoch only.

    Any epoch can be asked for without those before it. Shared between contestants: do not write into it.
    """
    generator = torch.Generator().manual_seed((seed << 20) ^ epoch)
    return torch.randperm(images, generator=generator)


class Batches:
    """The batches of a training set in the order of the seed; the short last batch of an epoch is kept.

    ``x`` float32 [N, C, H, W] and ``y`` int64 [N] lie on the device where the batches are wanted. With ``augment``
    each image is cropped and mirrored (:func:`~resnet_viz.train.augment.crop_flip`).

    What a step reads lies in buffers on the device that never move: the order of the epoch, its moves, and the place
    in it. :meth:`aim` writes them, :meth:`fetch` depends on nothing else, so that it can stand in a CUDA graph.
    """

    def __init__(self, x: torch.Tensor, y: torch.Tensor, batch: int, seed: int, *, augment: bool = False) -> None:
        self.x, self.y, self.batch, self.seed, self.augment = x, y, batch, seed, augment
        self.per_epoch = -(-len(x) // batch)
        self._epoch: tuple[int, int] | None = None
        self._order = torch.zeros(len(x), dtype=torch.int64, device=x.device)
        self._moves = torch.zeros(len(x) if augment else 0, 3, dtype=torch.int64, device=x.device)
        self._place = torch.zeros((), dtype=torch.int64, device=x.device)
        self._lanes = torch.arange(batch, device=x.device)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes that a batch has: the recipe's, and where it differs that of the last one of an epoch."""
        last = len(self.x) - (self.per_epoch - 1) * self.batch
        return (last,) if self.per_epoch == 1 else tuple(dict.fromkeys((self.batch, last)))

    def aim(self, step: int) -> int:
        """Let :meth:`fetch` give the batch of that step, counted from 0 over all epochs; gives its size."""
        epoch, place = divmod(step, self.per_epoch)
        if (self.seed, epoch) != self._epoch:
            self._order.copy_(epoch_order(len(self.x), self.seed, epoch))
            if self.augment:
                self._moves.copy_(epoch_moves(len(self.x), self.seed, epoch))
            self._epoch = (self.seed, epoch)
        first = place * self.batch
        self._place.fill_(first)
        return min(self.batch, len(self.x) - first)

    def fetch(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Images [size, C, H, W] and labels [size] of the step that was aimed at; reads only buffers of the device."""
        chosen = self._order.index_select(0, self._place + self._lanes[:size])
        x, y = self.x.index_select(0, chosen), self.y.index_select(0, chosen)
        return (crop_flip(x, self._moves.index_select(0, chosen)) if self.augment else x), y

    def __getitem__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Images [B, C, H, W] and labels [B] of that step, counted from 0 over all epochs."""
        return self.fetch(self.aim(step))
