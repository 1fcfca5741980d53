"""Pad, crop and flip (He 2016a, Sect. 4.2), on the device; what is drawn comes from the seed and the epoch alone."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch.nn import functional

PAD = 4
"""Pixels of zeros on each side; of normalised images zero is the channel's mean."""
OWN_STREAM = 1 << 60
"""Keeps these draws apart from those of the batch order."""


@lru_cache(maxsize=8)
def epoch_moves(images: int, seed: int, epoch: int) -> torch.Tensor:
    """Where each image of the training set is cropped, and whether it is mirrored, in that epoch.

    int64 [images, 3] on the CPU: row and column from 0 to ``2 * PAD``, then 0 or 1. The same on every device. Any
    epoch can be asked for without those before it. Shared between contestants: do not write into it.
    """
    generator = torch.Generator().manual_seed(OWN_STREAM | (seed << 20) ^ epoch)
    places = torch.randint(0, 2 * PAD + 1, (images, 2), generator=generator)
    return torch.cat((places, torch.randint(0, 2, (images, 1), generator=generator)), dim=1)


def crop_flip(x: torch.Tensor, moves: torch.Tensor) -> torch.Tensor:
    """Images [B, C, H, W] padded, cropped and mirrored as ``moves`` int64 [B, 3] says; values are only moved.

    Nothing in here depends on values on the host, so that it can stand in a CUDA graph.
    """
    count, _, height, width = x.shape
    padded = functional.pad(x, (PAD, PAD, PAD, PAD))
    across = torch.arange(width, device=x.device)
    mirrored = torch.where(moves[:, 2:] == 1, width - 1 - across, across)
    rows = (moves[:, :1] + torch.arange(height, device=x.device))[:, :, None]
    columns = (moves[:, 1:2] + mirrored)[:, None, :]
    image = torch.arange(count, device=x.device)[:, None, None]
    return padded[image, :, rows, columns].permute(0, 3, 1, 2)
