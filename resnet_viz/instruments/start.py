"""The ways of the gradient in a network that has learned nothing yet: digits at its size, one backward pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch.nn import functional

from ..data import load
from ..inspect import Summary, summarize
from ..nn import build
from ..nn.stochastic import Stochastic
from ..spec import Network, SpecError
from ..spec.shapes import block_shapes, halve, problems
from .routes import GradientShare, gradient_shares

MOST_IMAGES, WANTED, FEWEST = 64, 8, 2
"""Images at most; how many there should be before a larger size is taken; fewer than the last are no batch."""
BUDGET = 10_000_000_000
"""Multiply-adds of one forward pass of all images."""
MOST_STORED, MOST_WEIGHTS = 400_000_000, 1_000_000_000
"""Bytes of the activations that are stored for all images, and of the weights. With :data:`BUDGET` they keep the
measurement at about two seconds on one core, and below 2 GB."""


@dataclass(frozen=True)
class Start:
    """What was measured and on what: ``images`` digits at ``height`` x ``width`` pixels, weights of that ``seed``."""

    shares: tuple[GradientShare, ...]
    images: int
    height: int
    width: int
    seed: int


def shares_at_start(network: Network, seed: int = 0, *, memory: float = 1.0) -> Start:
    """:func:`gradient_shares` of the mean cross-entropy on digits, with starting weights of that seed.

    The images are the first of the training digits whose class the network has, enlarged to the size of its input and
    the same in each of its channels; a network that takes too long there gets them at half the side, or a quarter, and
    so on. In training mode, so that norms use the batch's own statistics; drop path and dropout keep everything.

    ``memory``: which part of the memory it may take, for a small host. Raises :class:`~resnet_viz.spec.SpecError` for a
    network that cannot be built or is too large for it.
    """
    sized, count = _fitting(network, memory)
    data = load("digits")
    known = (data.train_y < network.head.classes).nonzero().flatten()[:count]
    size = (sized.input.height, sized.input.width)
    images = functional.interpolate(data.train_x[known], size, mode="bilinear", antialias=True)
    model = build(network, seed=seed)
    for module in model.modules():
        if isinstance(module, Stochastic):
            module.eval()
    x = images.expand(-1, network.input.channels, -1, -1).contiguous()
    return Start(gradient_shares(model, x, data.train_y[known]), len(x), *size, seed)


def _fitting(network: Network, memory: float) -> tuple[Network, int]:
    """The network at the largest size, its own or halves of it, at which enough images fit, and how many do."""
    sizes = tuple(_sizes(network))
    affordable = [_affordable(summarize(sized), memory) for sized in sizes]
    for sized, images in zip(sizes, affordable, strict=True):
        if images >= WANTED:
            return sized, min(images, MOST_IMAGES)
    if affordable[-1] >= FEWEST:
        return sizes[-1], affordable[-1]
    raise SpecError(
        f"The network is too large to be measured while a person waits, at {sizes[-1].input} too: use fewer blocks or "
        "a smaller width."
    )


def _sizes(network: Network) -> Iterator[Network]:
    """The network with its own input, then with half of it again and again, down to a last map of 2 x 2."""
    yield network
    while True:
        half = {side: halve(getattr(network.input, side), 2) for side in ("height", "width")}
        network = network.model_copy(update={"input": network.input.model_copy(update=half)})
        if problems(network) or min(block_shapes(network)[-1].leaves[1:]) < 2:
            return
        yield network


def _affordable(summary: Summary, memory: float) -> int:
    """How many images may be measured at once."""
    if summary.forward_memory - summary.live_memory > memory * MOST_WEIGHTS:
        return 0
    return min(BUDGET // max(summary.macs, 1), int(memory * MOST_STORED) // max(summary.stored_memory, 1))
