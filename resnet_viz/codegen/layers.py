"""Single layers as source, in both styles: explicit, with the channels that enter, or lazy, without."""

from __future__ import annotations

from math import gcd

from ..spec.block import Norm
from .kinds import Style
from .lines import Group, call


def convolution(
    style: Style,
    channels: str,
    out: str,
    kernel: int | str,
    *,
    stride: str = "1",
    groups: str = "1",
    bias: bool = False,
) -> Group:
    """A same-padded square convolution."""
    words = [out, str(kernel)] if style == "lazy" else [channels, out, str(kernel)]
    if stride != "1":
        words.append(f"stride={stride}" if stride.isdigit() else stride)
    if isinstance(kernel, str):
        words.append(f"padding={kernel} // 2")
    elif kernel > 1:
        words.append(f"padding={kernel // 2}")
    words += [f"groups={groups}"] if groups != "1" else []
    words += [] if bias else ["bias=False"]
    return call("nn.LazyConv2d" if style == "lazy" else "nn.Conv2d", *words)


def norm(style: Style, kind: Norm, channels: str) -> str:
    """A norm; group norm has no lazy form, so its channels are written in both styles."""
    if kind == "batch":
        return "nn.LazyBatchNorm2d()" if style == "lazy" else f"nn.BatchNorm2d({channels})"
    if kind == "layer":
        return f"nn.GroupNorm(1, {channels})"
    if channels.isdigit():
        return f"nn.GroupNorm({gcd(32, int(channels))}, {channels})"
    return f"group_norm({channels})"
