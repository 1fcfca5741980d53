"""Lab 6, two names for one thing: what a residual block learns, in the letters of the book and of the paper."""

from __future__ import annotations

from collections.abc import Iterator
from math import log10
from statistics import median
from typing import TYPE_CHECKING, Any

from ...draw.canvas import bars, canvas, legend
from ...draw.colours import Role, Theme
from ...draw.wording import scientific
from ...spec import Network, preset
from ..lab import Effect, Evidence, Finding, Findings, Guess, Lab, Numbers, Source, collect

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import torch
    from torch import nn

    from ..bench import Bench

EPOCHS, IMAGES = 8, 64
EXACT, OFF = 6.0, 3.0
"""Digits: single precision has seven; less than three is no rounding."""
PARTS: tuple[tuple[str, str, Role], ...] = (
    ("x", "x: what comes in", "sixth"), ("branch", "g(x) = F(x): what the branch adds", "plain"),
    ("sum", "f(x) = H(x): their sum", "residual"),
)  # fmt: skip
"""Field of a finding; the letters of the book and of the paper; a colour."""


def network() -> Network:
    """Twenty layers with shortcuts: nine blocks."""
    return preset("tiny_resnet20")


def measure(bench: Bench, seed: int) -> Iterator[Finding]:
    """Norms of x, branch and sum at every addition, before and after training, on test images."""
    trial = bench.race({"residual-20": network()}, seed=seed, epochs=EPOCHS)
    images = bench.data().test_x[:IMAGES]
    from ...nn import build

    yield from looked(build(network(), device=str(bench.device), seed=seed), images, "start")
    for row in trial:
        bench.tell(f"residual-20, epoch {row.epoch} of {EPOCHS}")
        yield {"epoch": row.epoch, "train_error": row.train_error, "test_error": row.test_error}
    yield from looked(trial.models["residual-20"], images, "end")


def looked(model: nn.Module, images: torch.Tensor, moment: str) -> Iterator[Finding]:
    """One finding a block: norms over all images, and how far x + branch is from what the block goes on with."""
    import torch

    from ...nn import Add, Unit

    found: list[Finding] = []
    handles = []
    for path, unit in model.named_modules():
        if isinstance(unit, Unit) and isinstance(unit.add, Add):

            def note(add: nn.Module, inputs: Any, output: torch.Tensor, path: str = path) -> None:
                branch, x = inputs[:2]
                norm = torch.linalg.vector_norm
                rest = float(norm(output - x - branch) / norm(output))
                found.append({
                    "moment": moment, "block": path.removeprefix("layer"), "number": len(found) + 1,
                    "x": float(norm(x)), "branch": float(norm(branch)), "sum": float(norm(output)), "rest": rest,
                })  # fmt: skip

            handles.append(unit.add.register_forward_hook(note))
    was = model.training
    model.train()  # the images' own statistics: nothing here depends on running averages
    try:
        with torch.no_grad():
            model(images)
    finally:
        model.train(was)
        for handle in handles:
            handle.remove()
    yield from found


def read(findings: Findings) -> dict[str, float]:
    """What the median block adds to what it gets, at the start and at the end, and the largest rest."""
    found: dict[str, float] = {}
    for moment in ("start", "end"):
        rows = [one for one in findings if one.get("moment") == moment]
        if rows:
            found[f"share_{moment}"] = median(one["branch"] / one["x"] for one in rows)
            found[f"whole_{moment}"] = median(one["sum"] / one["branch"] for one in rows)
            found["blocks"] = len(rows)
    rest = [one["rest"] for one in findings if "rest" in one]
    if rest and "share_end" in found:
        found["rest"] = max(rest)
        found["identity"] = -log10(max(found["rest"], 1e-12))
    for one in findings:
        if one.get("epoch") == EPOCHS:
            found["test"] = one["test_error"]
    return found


def came(numbers: Numbers) -> str | None:
    """What is true of the two figures."""
    if "identity" not in numbers:
        return None
    return "same" if numbers["identity"].median >= EXACT else "other" if numbers["identity"].median <= OFF else None


def smaller(numbers: Numbers) -> str | None:
    """Whether the branch is smaller than what it is added to."""
    if "share_end" not in numbers:
        return None
    share = numbers["share_end"].median
    return "smaller" if share < 0.9 else "larger" if share > 1.1 else "alike"


def figure(findings: Findings, theme: Theme) -> go.Figure:
    """Norms of x, branch and sum in each block: after training, before that at initialisation."""
    there = [one for one in findings if "moment" in one]
    moment = "end" if any(one["moment"] == "end" for one in there) else "start"
    when = "after training" if moment == "end" else "at initialisation"
    blocks = list(dict.fromkeys(str(one["number"]) for one in there)) or [str(i) for i in range(1, 10)]
    made = canvas(theme, x=f"block, {when}", y="size (norm) over 64 test images", categories=blocks)
    rows = [one | {"name": str(one["number"])} for one in there if one["moment"] == moment]
    for part, name, role in PARTS:
        norms = collect(rows, ("name",), part)
        bars(made, theme, name, [key for (key,) in norms], [n.median for n in norms.values()], role=role,
             low=[n.low for n in norms.values()], high=[n.high for n in norms.values()])  # fmt: skip
    legend(made, [(name, role) for _, name, role in PARTS], theme)
    return made


def table(findings: Findings) -> list[dict[str, str]]:
    """One row a block and moment."""
    rows = [one for one in findings if "moment" in one]
    parts = {part: collect(rows, ("moment", "number"), part) for part in ("x", "branch", "sum", "rest")}
    words = {"start": "at initialisation", "end": "after training"}
    return [
        {
            "Block": str(number), "Moment": words[moment], "x": scientific(parts["x"][moment, number].median),
            "g(x), the paper's F(x)": scientific(parts["branch"][moment, number].median),
            "f(x), the paper's H(x)": scientific(parts["sum"][moment, number].median),
            "what is left of f - x - g": scientific(parts["rest"][moment, number].median),
        }
        for moment, number in parts["x"]
    ]  # fmt: skip


LAB = Lab(
    number=6,
    slug="two-names",
    title="Two names for one thing",
    question="Does a block learn f(x) or f(x) − x? Two figures seem to contradict each other.",
    answer="Both: the branch computes g(x) = f(x) − x, and the block as a whole f(x) = x + g(x), the paper's F(x) and "
    "H(x); measured, what is left of f − x − g is {rest:scientific!}.",
    setting="A residual net of 20 layers, trained for 96 steps on digits; at each of its nine additions the lab "
    "measures what comes in over the shortcut, what the branch adds, and the sum, for 64 test images. The book "
    "writes f for what the block is to compute and g for its branch; He 2016a (Fig. 2) writes H and F.",
    guesses={
        "names": Guess(
            "One figure has f(x) at the block's output, another f(x) − x in its dotted box. They show",
            {"same": "the same block, once as a whole and once its branch", "other": "two different blocks"},
            came,
        ),
        "size": Guess(
            "After training, what the branch adds is, in the median block,",
            {"smaller": "smaller than what it is added to", "alike": "about as large", "larger": "larger"},
            smaller,
        ),
    },
    measure=measure,
    read=read,
    effects=(
        Effect("identity", "digits to which f − x and g agree in the worst block", EXACT, OFF, "decimal"),
    ),
    explain={
        "present": "**Both figures show the same block: its branch learns f(x) − x, the block as a whole is f(x).** "
        "The dotted box is the branch alone: the book's g(x), the paper's F(x). The block's output is x plus that: "
        "f(x), the paper's H(x). In all {blocks:count!} blocks the sum is exact to rounding (largest rest "
        "{rest:scientific!} of f). The bars show sizes, and these do not add up like numbers: x and g point in "
        "different directions.\n\nWhat is *learned* is the branch: in the median block it is {share_start:decimal} "
        "times as large as what comes in at initialisation and {share_end:decimal} times after training. To make f "
        "the identity it only has to give zero; a block without shortcut has to learn x itself.",
        "absent": "The sum agrees, but only to {identity:decimal} digits (rest {rest:scientific} of f): more than "
        "rounding should leave.",
        "reversed": "In this run f − x − g is not zero: up to {rest:scientific} of f in one of {blocks:count} "
        "blocks. So the block does something besides adding; look at its graph in the playground.",
    },
    figure=figure,
    table=table,
    evidence=(
        Evidence("rest", "largest rest of f − x − g, share of f", "scientific"),
        Evidence("share_start", "branch over x at initialisation, median block", "decimal"),
        Evidence("share_end", "branch over x after training, median block", "decimal"),
    ),
    comparable="He 2016a (Fig. 7) plots how strongly layers respond on CIFAR-10: residual nets respond less than plain "
    "ones, and less the deeper they are. That is the standard deviation of layer outputs, not these norms.",
    sources=(
        Source("Zhang et al. 2023, Dive into Deep Learning", "Fig. 8.6.2", "https://arxiv.org/abs/2106.11342"),
        Source("He et al. 2016a, Deep Residual Learning", "Fig. 2, eq. 1, Fig. 7", "https://arxiv.org/abs/1512.03385"),
    ),
    apart=network,
)  # fmt: skip
