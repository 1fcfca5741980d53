"""Lab 10, bottleneck: basic, bottleneck and grouped blocks at nearly equal multiply-adds, on images that are hard."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...draw.canvas import canvas, legend, line
from ...draw.colours import Role, Theme
from ...draw.titles import amount
from ...inspect import summarize
from ...spec import Block, Comparison, Input, Network
from ...spec.presets.layouts import CIFAR, cifar
from ..lab import Effect, Evidence, Finding, Findings, Guess, Lab, Large, Numbers, Source, collect

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..bench import Bench

DATA = "cluttered_digits"
CLUTTERED = Input(channels=1, height=16, width=16)
WIDTH, LARGE_WIDTH = 8, 16
EPOCHS, LARGE_EPOCHS = 4, 10
IMAGES = 5000
"""Of the 8,000 training images, so that a repeat takes about a minute."""
NETS: dict[str, tuple[str, int, Block, Role]] = {
    "basic": ("basic", 14, Block(shortcut="A"), "plain"),
    "bottleneck": ("bottleneck", 20, Block(branch="bottleneck", shortcut="A"), "residual"),
    "grouped": (
        "ResNeXt 4×24d", 20, Block(branch="bottleneck", shortcut="A", cardinality=4, base_width=24), "third",
    ),
}  # fmt: skip
"""Words, depth, block, colour. Xie 2017, Table 2, has 4 groups of 24 at width 64; a width of 8 makes that 4 of 3."""
BATCH, TRIES = 128, 5
CLEAR = 0.03
"""Three points of error: about the spread of the repeats."""


def network(bench: Bench, name: str) -> Network:
    """Six blocks of that kind, on cluttered digits or, where labs run larger, on CIFAR-10."""
    _, depth, block, _ = NETS[name]
    return small(name, depth, block, large=bench.large)


def small(name: str, depth: int, block: Block, *, large: bool = False) -> Network:
    """Two blocks a stage."""
    image, width = (CIFAR, LARGE_WIDTH) if large else (CLUTTERED, WIDTH)
    return cifar(name, depth, width=width, image=image, shape=block)


def measure(bench: Bench, seed: int) -> Iterator[Finding]:
    """What each costs, counted and on the clock; then the three of them side by side."""
    nets = {name: network(bench, name) for name in NETS}
    for name, net in nets.items():
        bench.tell(f"counting and timing {NETS[name][0]}")
        counted = summarize(net)
        yield {
            "part": "cost", "net": name, "macs": counted.macs, "params": counted.params,
            "step": seconds_a_step(bench, net, seed),
        }  # fmt: skip
    epochs = LARGE_EPOCHS if bench.large else EPOCHS
    for row in bench.race(
        nets,
        seed=seed,
        dataset=bench.cifar10 or DATA,
        epochs=epochs,
        schedule="cosine",
        evaluate_every=2,
        train_images=None if bench.large else IMAGES,
    ):
        bench.tell(f"{NETS[row.contestant][0]}, epoch {row.epoch} of {epochs}")
        yield {
            "part": "trained", "net": row.contestant, "epoch": row.epoch, "epochs": epochs,
            "train_error": row.train_error, "test_error": row.test_error,
        }  # fmt: skip


def seconds_a_step(bench: Bench, net: Network, seed: int) -> float:
    """Seconds of a forward and a backward pass of a batch, the least of a few."""
    import torch

    from ...nn import build

    model = build(net, str(bench.device), seed)
    x = torch.zeros(BATCH, net.input.channels, net.input.height, net.input.width, device=bench.device)
    taken = []
    for _ in range(TRIES):
        begin = time.perf_counter()
        model(x).sum().backward()
        if bench.device.type == "cuda":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - begin)
        bench.check()
    return min(taken)


def read(findings: Findings) -> dict[str, float]:
    """Costs and last errors by net, "grouped_macs", "basic_test", and what lies between them."""
    found: dict[str, float] = {}
    for one in findings:
        if one["part"] == "cost":
            found |= {f"{one['net']}_{which}": float(one[which]) for which in ("macs", "params", "step")}
        elif one["epoch"] == one["epochs"]:
            found |= {f"{one['net']}_{which}": one[f"{which}_error"] for which in ("train", "test")}
    for name, first, second in (("gain", "basic", "bottleneck"), ("groups", "bottleneck", "grouped")):
        if f"{first}_test" in found and f"{second}_test" in found:
            found[name] = found[f"{first}_test"] - found[f"{second}_test"]
    if "basic_step" in found and "grouped_step" in found:
        found["slower"] = found["grouped_step"] / found["basic_step"]
        found["most_macs"] = found["grouped_macs"] / found["basic_macs"]
    return found


def groups_came(numbers: Numbers) -> str | None:
    """What four groups do to the bottleneck."""
    if "groups" not in numbers:
        return None
    value = numbers["groups"].median
    return "better" if value >= CLEAR else "worse" if value <= -CLEAR else "same"


def figure(findings: Findings, theme: Theme) -> go.Figure:
    """Test error by epoch, the three side by side."""
    epochs = max((one["epochs"] for one in findings if one["part"] == "trained"), default=EPOCHS)
    made = canvas(theme, x="epoch (beside each name: multiply-adds for one image)", y="test error", percent=True,
                  x_range=(-0.1, epochs + 0.15), y_range=(0, 1),
                  ticks=range(epochs + 1))  # fmt: skip
    for name, (words, _, _, role) in NETS.items():
        found = collect([one for one in findings if one["part"] == "trained" and one["net"] == name], ("epoch",),
                        "test_error")  # fmt: skip
        line(
            made, theme, words, [epoch for (epoch,) in found], [number.median for number in found.values()],
            low=[number.low for number in found.values()], high=[number.high for number in found.values()], role=role,
            label=False,
        )  # fmt: skip
    costs = collect([one for one in findings if one["part"] == "cost"], ("net",), "macs")
    told = {name: f": {number:amount!}" for (name,), number in costs.items()}
    legend(made, [(f"{words}{told.get(name, '')}", role) for name, (words, _, _, role) in NETS.items()], theme)
    return made


def table(findings: Findings) -> list[dict[str, str]]:
    """One row a net."""
    numbers, rows = LAB.numbers(findings), []
    for name, (words, depth, _, _) in NETS.items():
        if f"{name}_macs" in numbers:
            trained = f"{name}_test" in numbers
            rows.append({
                "Blocks": words, "Layers": str(depth), "Multiply-adds": amount(round(numbers[f"{name}_macs"].median)),
                "Parameters": f"{numbers[f'{name}_params']:count!}",
                "Forward and backward, 128 images": f"{numbers[f'{name}_step']:seconds!}",
                "Train error": f"{numbers[f'{name}_train']:percent}" if trained else "-",
                "Test error": f"{numbers[f'{name}_test']:percent}" if trained else "-",
            })  # fmt: skip
    return rows


def apart() -> Comparison:
    """All three on the Compare page, where the solver holds the budget."""
    return Comparison(networks=tuple(small(name, depth, block) for name, (_, depth, block, _) in NETS.items()))


def worse(epochs: int) -> str:
    """What is said where the bottleneck is worse after so many epochs."""
    return (
        "**Not at this size: it is worse at the same cost.** A bottleneck narrows the map with a 1×1, works on it with "
        "the 3×3, and widens it again with a 1×1: 20 layers for the multiply-adds of 14. It ends at "
        "{bottleneck_test:percent} test error, basic blocks at {basic_test:percent}, four groups (ResNeXt) at "
        "{grouped_test:percent}. In so narrow a net little is left inside the bottleneck, and "
        f"after {epochs} epochs the deeper net may be behind only for now.\n\nThe paper uses it from 50 layers on, "
        "where its point is that depth becomes affordable. Equal multiply-adds are not equal seconds: the grouped net "
        "takes {slower:times} the time of the basic one for a step on this machine."
    )


SOLVER = "whose solver holds the budget while you change width, expansion or cardinality."
NO_TWIN = (
    "only the question is the same. He 2016a gives no basic net at a bottleneck's exact cost: ResNet-34 (3.6 G) and "
    "-50 (3.8 G) come near, 24.5 % (shortcut B) and 22.9 % top-1 error with ten crops (Table 3)."
)

LAB = Lab(
    number=10,
    slug="bottleneck",
    title="Bottleneck",
    question="How is a bottleneck block built, and is it better than a basic one that computes as much?",
    answer="1×1 down, 3×3, 1×1 up: three layers for the price of two. At equal multiply-adds it ends at "
    "{bottleneck_test:percent!} test error here, the basic block at {basic_test:percent!}, four groups at "
    "{grouped_test:percent!}.",
    setting="Six blocks of each kind, 1.6 to 1.8 million multiply-adds, on cluttered digits of 16 × 16 pixels (plain "
    "digits are too easy: all end near 1 %); four epochs of 5,000 images, learning rate along half a cosine. "
    "\"Take it apart\" opens all three on the Compare page, " + SOLVER,
    guesses={
        "gain": Guess(
            "Bottlenecks instead of basic blocks, at about the same multiply-adds. The test error is",
            {
                "present": "lower by more than three points",
                "absent": "about the same",
                "reversed": "higher by more than three points",
            },
        ),
        "groups": Guess(
            "And the bottleneck's 3×3 cut into four groups, wider so that the cost stays? The test error is",
            {"better": "lower by more than three points", "same": "about the same", "worse": "higher"},
            groups_came,
        ),
    },
    measure=measure,
    read=read,
    effects=(Effect("gain", "test error with basic blocks minus with bottlenecks", CLEAR, -CLEAR, "points"),),
    explain={
        "present": "**Yes, in this run.** A bottleneck narrows the map with a 1×1, works on it with the 3×3, and "
        "widens it again with a 1×1: four times as many channels on the shortcut, and 20 layers for the multiply-adds "
        "of 14. It ends at {bottleneck_test:percent} test error, basic blocks at {basic_test:percent}, four groups "
        "(ResNeXt) at {grouped_test:percent}.\n\nEqual multiply-adds are not equal seconds: the grouped net takes "
        "{slower:times} the time of the basic one for a step on this machine.",
        "absent": "No difference seen: bottlenecks end at {bottleneck_test:percent} test error, basic blocks at "
        "{basic_test:percent}, four groups (ResNeXt) at {grouped_test:percent}; less than three points may be chance. "
        "A bottleneck narrows the map with a 1×1, works on it with the 3×3, and widens it again, so it has 20 layers "
        "for the multiply-adds of 14. Equal multiply-adds are not equal seconds: the grouped net takes {slower:times} "
        "the time of the basic one for a step on this machine.",
        "reversed": worse(EPOCHS),
    },
    figure=figure,
    table=table,
    evidence=(
        Evidence("basic_macs", "basic, multiply-adds", "amount"),
        Evidence("bottleneck_macs", "bottleneck, multiply-adds", "amount"),
        Evidence("grouped_macs", "ResNeXt 4×24d, multiply-adds", "amount"),
        Evidence("basic_test", "basic, test error", prototype="1.1 % on plain digits"),
        Evidence("bottleneck_test", "bottleneck, test error", prototype="1.1 % on plain digits",
                 published="23.9 % on ImageNet for 1×64d, 50 layers (Xie 2017, Table 3)"),
        Evidence("grouped_test", "ResNeXt 4×24d, test error", prototype="1.3 % on plain digits (8 groups)",
                 published="22.6 % on ImageNet for 4×24d, 50 layers (Xie 2017, Table 3)"),
        Evidence("slower", "seconds a step, ResNeXt over basic", "times"),
    ),
    comparable="The papers' errors are for nets of 50 layers on ImageNet, two thousand times as much to compute; "
    + NO_TWIN,
    sources=(
        Source("He et al. 2016a, Deep Residual Learning", "Fig. 5, Sect. 4.1, Tables 1 and 3",
               "https://arxiv.org/abs/1512.03385"),
        Source("Xie et al. 2017, Aggregated Residual Transformations", "Tables 2 and 3",
               "https://arxiv.org/abs/1611.05431"),
    ),
    expected="reversed",
    apart=apart,
    large=Large(
        setting=f"Six blocks of each kind, width {LARGE_WIDTH}, 26 to 29 million multiply-adds, on CIFAR-10 (32 × 32 "
        f"pixels): {LARGE_EPOCHS} epochs of all 50,000 images, learning rate along half a cosine. At this width Xie's "
        f"4 groups of 24 are 4 of {24 * LARGE_WIDTH // 64}. \"Take it apart\" opens the three of the small run on the "
        f"Compare page, {SOLVER}",
        explain={"reversed": worse(LARGE_EPOCHS)},
        comparable="The papers' errors are for nets of 50 layers on ImageNet, more than a hundred times as much to "
        f"compute; {NO_TWIN}",
    ),
)  # fmt: skip
