"""The same networks written out by hand with ``torch.nn.functional``: an oracle that shares no code with the package.

It reads weights from a state dict by torchvision's names and follows the formulas of He 2016a and 2016b, Srivastava
2015, Szegedy 2015, Xie 2017 and Hu 2018. What is drawn at random in training is left out.
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


def norm(state: State, path: str, x: Tensor, training: bool, kind: str = "batch") -> Tensor:
    """The norm by its formula; no norm where the state has none of that name."""
    if f"{path}.weight" not in state:
        return x
    shape = (1, -1, 1, 1)
    if kind == "batch":
        if training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        else:
            mean, var = state[f"{path}.running_mean"], state[f"{path}.running_var"]
        x = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + 1e-5)
    else:
        groups = 1 if kind == "layer" else max(g for g in (1, 2, 4, 8, 16, 32) if x.shape[1] % g == 0)
        cut = x.reshape(x.shape[0], groups, -1)
        cut = (cut - cut.mean(2, keepdim=True)) / torch.sqrt(cut.var(2, unbiased=False, keepdim=True) + 1e-5)
        x = cut.reshape(x.shape)
    return x * state[f"{path}.weight"].view(shape) + state[f"{path}.bias"].view(shape)


def shortcut(
    state: State, path: str, block: Block, x: Tensor, activated: Tensor, out: Tensor, stride: int, training: bool
) -> Tensor:
    if f"{path}.downsample.0.weight" in state:
        y = conv(state, f"{path}.downsample.0", activated, stride)
        return norm(state, f"{path}.downsample.1", y, training, block.norm)
    x = x[:, :, ::stride, ::stride]
    missing = out.shape[1] - x.shape[1]
    zeros = torch.zeros(x.shape[0], missing, *x.shape[2:], dtype=x.dtype)
    return torch.cat([x, zeros], 1)


Plan = list[tuple[str, int, int]]


def chain(state: State, path: str, block: Block, plan: Plan, x: Tensor, training: bool, last: bool = True) -> Tensor:
    """Convolutions (name, stride, groups) with what stands between them in each order of He 2016b, Fig. 4.

    The first convolution's pre-activation is not done here. ``last`` says whether the branch ends with the plan.
    """
    act = ACTIVATIONS[block.activation]
    out = x
    for i, (name, by, cut) in enumerate(plan):
        end = last and i == len(plan) - 1
        bn = f"{path}.{name.replace('conv', 'bn')}"
        if block.order == "preactivation":
            if i:
                out = act(norm(state, bn, out, training, block.norm))
            out = conv(state, f"{path}.{name}", out, by, cut)
            continue
        out = conv(state, f"{path}.{name}", out, by, cut)
        if not (end and block.order == "bn_after_addition"):
            out = norm(state, bn, out, training, block.norm)
        if not end or block.order == "relu_before_addition":
            out = act(out)
    return out


def branch(state: State, path: str, block: Block, stride: int, x: Tensor, training: bool) -> Tensor:
    groups, on_first = block.cardinality, block.stride_on == "1x1"
    if block.branch == "basic":
        return chain(state, path, block, [("conv1", stride, groups), ("conv2", 1, groups)], x, training)
    if block.branch == "bottleneck":
        first, second = ("conv1", stride if on_first else 1, 1), ("conv2", 1 if on_first else stride, groups)
        if block.form == "grouped":
            return chain(state, path, block, [first, second, ("conv3", 1, 1)], x, training)
        return split(state, path, block, [first, (*second[:2], 1)], x, training)
    outs = []
    for i, lane in enumerate(block.lanes):
        y, by = x, stride
        if lane.pool == "max":
            y, by = F.max_pool2d(y, 3, by, 1), 1
        elif lane.pool == "average":
            y, by = F.avg_pool2d(y, 3, by, 1, count_include_pad=False), 1
        plan = [(f"conv{j}", by if j == 1 else 1, 1) for j in range(1, len(lane.convs) + 1)]
        outs.append(chain(state, f"{path}.paths.{i}", block, plan, y, training))
    return torch.cat(outs, 1)


def split(state: State, path: str, block: Block, inner: Plan, x: Tensor, training: bool) -> Tensor:
    """Xie 2017, Fig. 3b (paths concatenated before the last 1x1) and 3a (paths with their own 1x1, added)."""
    act, pre = ACTIVATIONS[block.activation], block.order == "preactivation"
    total: list[Tensor] = []
    for i in range(block.cardinality):
        lane = f"{path}.paths.{i}"
        y = chain(state, lane, block, inner, x, training, last=False)
        if pre:
            y = act(norm(state, f"{lane}.bn3", y, training, block.norm))
        total.append(conv(state, f"{lane}.conv3", y) if block.form == "split_sum" else y)
    y = sum(total[1:], total[0]) if block.form == "split_sum" else conv(state, f"{path}.conv3", torch.cat(total, 1))
    if not pre and block.order != "bn_after_addition":
        y = norm(state, f"{path}.bn3", y, training, block.norm)
    return act(y) if block.order == "relu_before_addition" else y


def unit(state: State, path: str, block: Block, stride: int, x: Tensor, training: bool) -> Tensor:
    act, entered = ACTIVATIONS[block.activation], x
    if block.order == "preactivation":
        entered = act(norm(state, f"{path}.bn1", x, training, block.norm))
    elif block.order == "relu_only_preactivation":
        entered = act(x)
    out = branch(state, path, block, stride, entered, training)
    if f"{path}.se.fc1.weight" in state:
        seen = conv(state, f"{path}.se.fc1", out.mean((2, 3), keepdim=True)).clamp(min=0)
        out = out / (1 + torch.exp(-conv(state, f"{path}.se.fc2", seen)))
    if block.merge != "none":
        around = shortcut(state, path, block, x, entered, out, stride, training)
        if block.merge != "add":
            gate = 1 / (1 + torch.exp(-conv(state, f"{path}.gate.conv", x, stride)))
            out = out * gate if block.merge == "highway" else out
            around = around * (1 - gate)
        out = block.beta * out + block.alpha * around
    if block.order == "bn_after_addition":
        out = norm(state, f"{path}.bn{block.depth}", out, training, block.norm)
    return act(out) if block.order in ("original", "bn_after_addition") else out


def forward(network: Network, state: State, x: Tensor, training: bool) -> Tensor:
    """The network's scores with these weights."""
    stem, last = network.stem, network.each[-1]
    x = conv(state, "conv1", x, stem.stride)
    x = norm(state, "bn1", x, training, stem.norm)
    if stem.activated:
        x = ACTIVATIONS[stem.activation](x)
    if stem.pool == "max":
        x = F.max_pool2d(x, 3, 2, 1)
    for s, stage in enumerate(network.stages, 1):
        for b, block in enumerate(stage.each):
            x = unit(state, f"layer{s}.{b}", block, stage.stride if b == 0 else 1, x, training)
    if last.preactivated:
        x = ACTIVATIONS[last.activation](norm(state, "norm", x, training, last.norm))
    return x.mean((2, 3)) @ state["fc.weight"].T + state["fc.bias"]
