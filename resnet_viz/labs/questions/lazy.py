"""Lab 14, lazy and explicit: the same block written both ways, before and after its first batch; and what bn1 does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...draw.canvas import ALTERED, bars, canvas, legend
from ...draw.colours import Role, Theme
from ...draw.wording import scientific
from ..lab import Effect, Evidence, Finding, Findings, Guess, Lab, Numbers, Source
from ..numbers import Number, written

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import torch
    from torch import nn

    from ..bench import Bench

CHANNELS, WIDTH, STRIDE, IMAGES, SIZE = 16, 32, 2, 64, 8
LAYERS = ("conv1", "bn1", "conv2", "bn2", "conv3")
STYLES: dict[str, Role] = {"lazy": "residual", "explicit": "plain"}
MOMENTS = {"before": "before the first batch", "after": "after the first batch"}


def block(style: str) -> nn.Module:
    """The chapter's residual block with 32 channels and stride 2 (Zhang 2023, Sect. 8.6.2), both ways."""
    from torch import nn

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            if style == "lazy":
                self.conv1: nn.Module = nn.LazyConv2d(WIDTH, 3, padding=1, stride=STRIDE)
                self.conv2: nn.Module = nn.LazyConv2d(WIDTH, 3, padding=1)
                self.conv3: nn.Module = nn.LazyConv2d(WIDTH, 1, stride=STRIDE)
                self.bn1: nn.Module = nn.LazyBatchNorm2d()
                self.bn2: nn.Module = nn.LazyBatchNorm2d()
            else:
                self.conv1 = nn.Conv2d(CHANNELS, WIDTH, 3, padding=1, stride=STRIDE)
                self.conv2 = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
                self.conv3 = nn.Conv2d(CHANNELS, WIDTH, 1, stride=STRIDE)
                self.bn1 = nn.BatchNorm2d(WIDTH)
                self.bn2 = nn.BatchNorm2d(WIDTH)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = nn.functional.relu(self.bn1(self.conv1(x)))
            y = self.bn2(self.conv2(y))
            return nn.functional.relu(y + self.conv3(x))

    return Residual()


def draw(module: nn.Module, seed: int) -> None:
    """Convolutions as PyTorch draws them, uniform within 1 / sqrt(values that one output takes), from the seed.

    PyTorch draws from one source for the whole process, which other threads use as well.
    """
    import torch

    from ...nn.initialisers import generator

    for name in ("conv1", "conv2", "conv3"):
        source, layer = generator(seed, f"lab/lazy/{name}"), getattr(module, name)
        bound = layer.weight[0].numel() ** -0.5
        for part in (layer.weight, layer.bias):
            part.copy_(torch.empty(part.shape).uniform_(-bound, bound, generator=source))


def shapes(module: nn.Module) -> dict[str, Any]:
    """The shape of each layer's weight; None while it has none."""
    from torch.nn.parameter import is_lazy

    found = {}
    for name in LAYERS:
        weight = getattr(module, name).weight
        found[name] = None if is_lazy(weight) else list(weight.shape)
    return found


def counted(module: nn.Module, name: str) -> int:
    """Parameters of a layer that have values already."""
    from torch.nn.parameter import is_lazy

    return sum(0 if is_lazy(weight) else weight.numel() for weight in getattr(module, name).parameters())


def measure(bench: Bench, seed: int) -> Iterator[Finding]:
    """Weights of both blocks before and after one batch, whether they then compute the same, and what bn1 gives."""
    import torch

    from ...nn.initialisers import generator

    images = torch.randn(IMAGES, CHANNELS, SIZE, SIZE, generator=generator(seed, "lab/lazy"))
    blocks = {style: block(style).to(bench.device) for style in STYLES}
    for moment in MOMENTS:
        bench.tell(f"looking at both blocks {MOMENTS[moment]}")
        if moment == "after":
            with torch.no_grad():
                for module in blocks.values():
                    module(images.to(bench.device))
                    draw(module, seed)
        for style, module in blocks.items():
            found = shapes(module)
            for name in LAYERS:
                yield {"style": style, "moment": moment, "layer": name, "shape": found[name],
                       "params": counted(module, name)}  # fmt: skip
    yield compared(blocks, images.to(bench.device))
    yield normed(blocks["lazy"], images.to(bench.device))


def compared(blocks: dict[str, nn.Module], images: torch.Tensor) -> Finding:
    """The largest difference of the outputs once the explicit block has the lazy block's weights."""
    import torch

    lazy, explicit = blocks["lazy"], blocks["explicit"]
    same = {key: value.shape for key, value in lazy.state_dict().items()} == {
        key: value.shape for key, value in explicit.state_dict().items()
    }
    if not same:
        return {"same": False, "difference": None}
    explicit.load_state_dict(lazy.state_dict())
    with torch.no_grad():
        return {"same": True, "difference": float((lazy(images) - explicit(images)).abs().max())}


def normed(module: nn.Module, images: torch.Tensor) -> Finding:
    """Mean and standard deviation of one channel in front of bn1 and behind it, in training and in evaluation mode."""
    import torch

    found: dict[str, Any] = {"norm": "bn1"}
    with torch.no_grad():
        before = module.get_submodule("conv1")(images) * 3 + 2  # as if the layers below had drifted
        for mode in ("train", "eval"):
            norm = module.get_submodule("bn1").train(mode == "train")
            if mode == "eval":
                norm.reset_running_stats()  # type: ignore[operator]
            behind = norm(before)
            for where, maps in (("before", before), (mode, behind)):
                found[f"{where}_mean"] = float(maps[:, 0].mean())
                found[f"{where}_deviation"] = float(maps[:, 0].std(correction=0))
    return found


def read(findings: Findings) -> dict[str, float]:
    """Weights by style and moment, shapes that are unknown before the first batch, agreement after it, and bn1."""
    found: dict[str, float] = {}
    rows = {(one["style"], one["moment"], one["layer"]): one for one in findings if "style" in one}
    for style in STYLES:
        for moment in MOMENTS:
            there = [row for (one, when, _), row in rows.items() if (one, when) == (style, moment)]
            if len(there) == len(LAYERS):
                found[f"{style}_{moment}"] = sum(row["params"] for row in there)
                found[f"{style}_{moment}_unknown"] = sum(row["shape"] is None for row in there)
    if "lazy_before_unknown" in found and "explicit_before_unknown" in found:
        found["unknown"] = (found["lazy_before_unknown"] - found["explicit_before_unknown"]) / len(LAYERS)
    for one in findings:
        if "same" in one:
            found["agree"] = 1.0 if one["same"] and one["difference"] is not None and one["difference"] < 1e-6 else -1.0
            if one["difference"] is not None:
                found["difference"] = one["difference"]
        if "norm" in one:
            found |= {f"bn_{key}": value for key, value in one.items() if isinstance(value, float) and key != "t"}
    return found


def came(numbers: Numbers) -> str | None:
    """How many of the lazy block's weights exist before it has seen a batch."""
    if "lazy_before" not in numbers or "lazy_after" not in numbers:
        return None
    before, after = numbers["lazy_before"].median, numbers["lazy_after"].median
    return "none" if before == 0 else "all" if before == after else "some"


def same(numbers: Numbers) -> str | None:
    """Whether the two blocks compute the same."""
    return None if "agree" not in numbers else "equal" if numbers["agree"].median > 0 else "other"


def figure(findings: Findings, theme: Theme) -> go.Figure:
    """Weights of each layer that exist, before and after the first batch, for both styles."""
    made = canvas(theme, x="layer of the block", y="weights that exist", log_y=True, categories=LAYERS,
                  y_range=(10, 60_000))  # fmt: skip
    made.update_layout(meta=ALTERED)  # no weights at all are drawn at the lower edge
    parts: list[tuple[str, str, str, Role]] = [
        ("explicit", "before", "explicit, before", "sixth"), ("lazy", "before", "lazy, before", "third"),
        ("explicit", "after", "explicit, after", "plain"), ("lazy", "after", "lazy, after the first batch", "residual"),
    ]  # fmt: skip
    for style, moment, name, role in parts:
        there = [one for one in findings if (one.get("style"), one.get("moment")) == (style, moment)]
        rows = {one["layer"]: one["params"] for one in there}
        bars(made, theme, name, list(rows), [max(count, 10) for count in rows.values()], role=role,
             texts=[f"{count:,}" for count in rows.values()])  # fmt: skip
    legend(made, [(name, role) for _, _, name, role in parts], theme)
    return made


def table(findings: Findings) -> list[dict[str, str]]:
    """One row a layer, then the two checks."""
    shape = {(one["style"], one["moment"], one["layer"]): one["shape"] for one in findings if "style" in one}

    def told(style: str, moment: str, name: str) -> str:
        found = shape.get((style, moment, name), "")
        return "unknown" if found is None else " × ".join(map(str, found)) or "not yet"

    rows = [
        {
            "Layer": name, "Lazy, before": told("lazy", "before", name), "Lazy, after": told("lazy", "after", name),
            "Explicit": told("explicit", "before", name),
        }
        for name in LAYERS
        if ("lazy", "before", name) in shape
    ]  # fmt: skip
    for one in findings:
        if one.get("seed") == findings[0].get("seed") and one.get("norm"):
            rows.append({
                "Layer": "bn1, one channel: mean, deviation",
                "Lazy, before": f"in: {both(one, 'before')}",
                "Lazy, after": f"out, training: {both(one, 'train')}",
                "Explicit": f"out, fresh running statistics: {both(one, 'eval')}",
            })  # fmt: skip
    worst = [one["difference"] for one in findings if one.get("difference") is not None]
    if worst:
        rows.append({"Layer": "Largest difference of outputs", "Lazy, before": "-",
                     "Lazy, after": scientific(Number(tuple(worst)).high), "Explicit": "-"})  # fmt: skip
    return rows


def both(one: Finding, where: str) -> str:
    """Mean and deviation of the channel there."""
    return ", ".join(written(one[f"{where}_{which}"], "decimal") for which in ("mean", "deviation"))


LAB = Lab(
    number=14,
    slug="lazy",
    title="Lazy and explicit",
    question="What is bn1, and what is a lazy batch norm?",
    answer="bn1 is the batch norm behind the first convolution, one scale and one shift a channel; a lazy layer leaves "
    "the number of channels open until the first batch, {lazy_before:count!} weights before it and {lazy_after:count!} "
    "after, and is then an ordinary layer.",
    setting="The chapter's residual block with 32 channels and stride 2, once with `LazyConv2d` and "
    "`LazyBatchNorm2d`, once with `Conv2d(16, 32, ...)` and `BatchNorm2d(32)`; 64 random maps of 16 × 8 × 8 go "
    "through. Nothing is trained.",
    guesses={
        "weights": Guess(
            "Before it has seen any batch the lazy block has",
            {"none": "no weights at all", "some": "those of the second convolution and the norms, which could be known",
             "all": "all its weights"},
            came,
        ),
        "same": Guess(
            "With the same weights, the lazy block and the explicit one give",
            {"equal": "the same outputs", "other": "outputs that differ"},
            same,
        ),
    },
    measure=measure,
    read=read,
    effects=(
        Effect("unknown", "share of the layers with unknown shape before the first batch, lazy minus explicit", 0.5,
               -0.5),
        Effect("agree", "1 if shapes and outputs agree after it, else -1", 1, -1, "decimal"),
    ),
    explain={
        "present": "**bn1 is the batch norm behind the block's first convolution.** It takes each channel over all "
        "images and pixels of the batch: one that comes with mean {bn_before_mean:decimal!} and deviation "
        "{bn_before_deviation:decimal!} leaves with {bn_train_mean:decimal!} and {bn_train_deviation:decimal!}; then "
        "its own scale and shift (1 and 0 at the start) apply. In evaluation it uses running averages in their place: "
        "with fresh ones the channel leaves as it came, with mean {bn_eval_mean:decimal!}.\n\n**A lazy layer waits "
        "for the first batch to learn its shape.** Before it {lazy_before_unknown:count} of 5 layers of the lazy "
        "block have none, and {lazy_before:count} weights exist; even what could be worked out (the second "
        "convolution, the norms) waits. The first batch brings 16 channels, each layer takes its shape from what "
        "reaches it, and {lazy_after:count} weights are there, as many as in the explicit block. With the same "
        "weights both give the same outputs (largest difference {difference:scientific!}).",
        "absent": "This run does not show the difference: {lazy_before:count} weights of the lazy block exist before "
        "the first batch and {lazy_after:count} after it, the explicit block has {explicit_before:count}.",
        "reversed": "In this run the two blocks do not agree, or the explicit one has fewer known shapes: lazy "
        "{lazy_before:count} weights before and {lazy_after:count} after the first batch, explicit "
        "{explicit_before:count}. This version of PyTorch differs from the one that the lab was written with.",
    },
    figure=figure,
    table=table,
    evidence=(
        Evidence("lazy_before", "lazy: weights before the first batch", "count"),
        Evidence("lazy_after", "lazy: weights after it", "count"),
        Evidence("explicit_before", "explicit: weights at once", "count"),
        Evidence("difference", "largest difference of the outputs", "scientific"),
    ),
    comparable="There is nothing to compare in a paper: the numbers are facts about the library.",
    sources=(
        Source("Zhang et al. 2023, Dive into Deep Learning", "Sect. 6.5 and 8.6", "https://arxiv.org/abs/2106.11342"),
        Source("Ioffe and Szegedy 2015, Batch Normalization", "Algorithm 1", "https://arxiv.org/abs/1502.03167"),
    ),
    trains=False,
)  # fmt: skip
