"""Batch-norm statistics that fit a changed network, and its error with them."""

from __future__ import annotations

import copy

import torch
from torch import nn

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
CHUNK = 2048
"""Images that are taken at once."""


@torch.no_grad()
def restated(model: nn.Module, images: torch.Tensor, chunk: int = CHUNK) -> nn.Module:
    """A copy in evaluation mode whose batch norms have the statistics of these images, [N, C, H, W].

    Mean and variance of what enters each norm, each norm behind those before it normalised by the chunk's own; the
    mean of the chunks' where N is above ``chunk``. Without batch norm an equal copy. Most of what a lesion seems to do
    to a network is that the running averages belong to the network before it.
    """
    fresh = copy.deepcopy(model).eval()
    norms = [module for module in fresh.modules() if isinstance(module, NORMS)]
    for norm in norms:
        norm.train()
        norm.reset_running_stats()
        norm.momentum = None  # plain averages over the chunks
    if norms:
        for part in torch.split(images, chunk):
            fresh(part)
    return fresh.eval()


@torch.no_grad()
def error_of(model: nn.Module, x: torch.Tensor, y: torch.Tensor, chunk: int = CHUNK) -> float:
    """Share of images [N, C, H, W] whose largest score is not their label [N]; the model keeps the mode it is in."""
    parts = zip(torch.split(x, chunk), torch.split(y, chunk), strict=True)
    wrong = [(model(images).argmax(1) != labels).sum() for images, labels in parts]
    return int(torch.stack(wrong).sum()) / len(y)
