"""The same networks written out by hand with ``torch.nn.functional``: an oracle that shares no code with the package.

It reads weights from a state dict by torchvision's names and follows the formulas of He 2016a and He 2016b.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from resnet_viz.spec import Block, Network

State = dict[str, Tensor]
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": lambda x: x.clamp(min=0),
    "leaky_relu": lambda x: torch.where(x > 0, x, 0.01 * x),
    "gelu": lambda x: x * 0.5 * (1 + torch.erf(x / 2**0.5)),
    "silu": lambda x: x / (1 + torch.exp(-x)),
    "tanh": lambda x: 1 - 2 / (torch.exp(2 * x) + 1),
    "sigmoid": lambda x: 1 / (1 + torch.exp(-x)),
}


def conv(state: State, path: str, x: Tensor, stride: int = 1, groups: int = 1) -> Tensor:
    weight = state[f"{path}.weight"]
    return F.conv2d(x, weight, state.get(f"{path}.bias"), stride, weight.shape[-1] // 2, groups=groups)


def norm(state: State, path: str, x: Tensor, training: bool) -> Tensor:
    """Batch norm by its formula; no norm where the state has none of that name."""
    if f"{path}.weight" not in state:
        return x
    if training:
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
    else:
        mean, var = state[f"{path}.running_mean"], state[f"{path}.running_var"]
    shape = (1, -1, 1, 1)
    x = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + 1e-5)
    return x * state[f"{path}.weight"].view(shape) + state[f"{path}.bias"].view(shape)


def shortcut(state: State, path: str, x: Tensor, activated: Tensor, out: Tensor, stride: int, training: bool) -> Tensor:
    if f"{path}.downsample.0.weight" in state:
        return norm(state, f"{path}.downsample.1", conv(state, f"{path}.downsample.0", activated, stride), training)
    x = x[:, :, ::stride, ::stride]
    missing = out.shape[1] - x.shape[1]
    zeros = torch.zeros(x.shape[0], missing, *x.shape[2:], dtype=x.dtype)
    return torch.cat([x, zeros], 1)


def unit(state: State, path: str, block: Block, stride: int, x: Tensor, training: bool) -> Tensor:
    act = ACTIVATIONS[block.activation]
    groups, out, first = block.cardinality, x, x
    if block.branch == "basic":
        plan = [("conv1", stride, groups), ("conv2", 1, groups)]
    else:
        on_first = block.stride_on == "1x1"
        plan = [("conv1", stride if on_first else 1, 1), ("conv2", 1 if on_first else stride, groups), ("conv3", 1, 1)]
    for i, (name, by, cut) in enumerate(plan, 1):
        if block.order == "preactivation":
            out = act(norm(state, f"{path}.bn{i}", out, training))
            first = out if i == 1 else first
        out = conv(state, f"{path}.{name}", out, by, cut)
        if block.order == "original":
            out = norm(state, f"{path}.bn{i}", out, training)
            out = act(out) if i < len(plan) else out
    if block.merge == "add":
        out = out + shortcut(state, path, x, first, out, stride, training)
    return act(out) if block.order == "original" else out


def forward(network: Network, state: State, x: Tensor, training: bool) -> Tensor:
    """The network's scores with these weights."""
    stem, last = network.stem, network.stages[-1].block
    x = conv(state, "conv1", x, stem.stride)
    if stem.activated:
        x = ACTIVATIONS[stem.activation](norm(state, "bn1", x, training))
    if stem.pool == "max":
        x = F.max_pool2d(x, 3, 2, 1)
    for s, stage in enumerate(network.stages, 1):
        for b in range(stage.blocks):
            x = unit(state, f"layer{s}.{b}", stage.block, stage.stride if b == 0 else 1, x, training)
    if last.order == "preactivation":
        x = ACTIVATIONS[last.activation](norm(state, "norm", x, training))
    return x.mean((2, 3)) @ state["fc.weight"].T + state["fc.bias"]
