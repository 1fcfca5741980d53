"""The state of one contestant as tensors, out of its network and optimizer and back into them, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import nn

from ..nn.stochastic import sources

MODEL, MOMENTUM, GRADIENT, RANDOM, PROBE = "model/", "momentum/", "gradient/", "random/", "probe/"
BUFFER = "momentum_buffer"


def gather(model: nn.Module, optimizer: torch.optim.Optimizer, *, gradients: bool) -> dict[str, torch.Tensor]:
    """Copies on the CPU of weights, buffers, momentum and generator states; with ``gradients`` those too."""
    found = {MODEL + name: value for name, value in model.state_dict().items()}
    for name, weight in model.named_parameters():
        momentum = optimizer.state.get(weight, {}).get(BUFFER)
        if momentum is not None:
            found[MOMENTUM + name] = momentum
        if gradients and weight.grad is not None:
            found[GRADIENT + name] = weight.grad
    found |= {f"{RANDOM}{i}": source.get_state() for i, source in enumerate(sources(model))}
    return {name: copied(value) for name, value in found.items()}


def copied(value: torch.Tensor) -> torch.Tensor:
    """A copy on the CPU, contiguous, as a file wants it."""
    return torch.empty(value.shape, dtype=value.dtype, device="cpu").copy_(value.detach())


@torch.no_grad()
def scatter(model: nn.Module, optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put what :func:`gather` gave into a network of the same shape and its optimizer.

    Momentum and gradients lie in memory as their weights do: a kernel may round the last values of a row otherwise
    than those before. Raises ``RuntimeError`` for tensors of another network.
    """
    model.load_state_dict(dict(part(tensors, MODEL)))
    weights = dict(model.named_parameters())
    for name, value in part(tensors, MOMENTUM):
        optimizer.state[weights[name]][BUFFER] = torch.empty_like(weights[name]).copy_(value)
    for name, value in part(tensors, GRADIENT):
        weights[name].grad = torch.empty_like(weights[name]).copy_(value)
    for source, (_, value) in zip(sources(model), sorted(part(tensors, RANDOM)), strict=True):
        source.set_state(value)


def part(tensors: Mapping[str, torch.Tensor], prefix: str) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors whose names begin so, and the rest of their names."""
    return ((name.removeprefix(prefix), value) for name, value in tensors.items() if name.startswith(prefix))
