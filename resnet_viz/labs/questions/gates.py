"""Lab 3, gates: highway units beside residual ones, and everything else that was put on a shortcut's way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

from ...draw.canvas import bars, canvas, level, line, name_ends, note
from ...draw.colours import Role, Theme
from ...draw.wording import percent, scientific, superscript
from ...spec import Experiment, Network
from ..lab import Effect, Evidence, Finding, Findings, Guess, Lab, Numbers, Source, collect
from ..numbers import Number
from ..variants import small

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..bench import Bench

DEPTH, BLOCKS, EPOCHS = 56, 27, 8
CHANCE, CLEAR, LEARNS = 0.9, 0.2, 0.5
"""An order is told from another by 20 points; "learns" is a train error under a half."""
GREATER = 5.0
"""A gradient that many times another is clearly greater."""
BIASES: dict[int, Role] = {0: "plain", -1: "fourth", -3: "third", -6: "residual"}
"""Where the gates of the highways start, and a colour."""


@dataclass(frozen=True)
class Way:
    """One kind of shortcut: words, the family of the picture, a word at its mark, what the blocks have, the test error
    of ResNet-110 with it in He 2016b, Table 1 ("fails": above 20 %), and a name for below a bar."""

    words: str
    family: str = ""
    mark: str = ""
    block: dict[str, Any] = field(default_factory=dict)
    published: str = ""
    short: str = ""


def gate(bias: int, *, both: bool, published: str = "") -> Way:
    """A gated shortcut; ``both``: the branch has the gate's other half, as in a highway."""
    merge, family, words = ("highway", "both", "gate on both ways") if both else (
        "shortcut_gate", "shortcut", "gate on the shortcut")  # fmt: skip
    shown = f"{bias}".replace("-", "−")
    return Way(
        f"{words}, bias {shown}", family, f"b = {shown}", {"merge": merge, "gate_bias": bias}, published,
        f"{'both ways' if both else 'shortcut'}<br>b = {shown}",
    )  # fmt: skip


WAYS: dict[str, Way] = {
    "identity": Way("identity: a residual net", "strength", "α = 1", {}, "6.61 %", "identity"),
    "both_0": gate(0, both=True, published="fails"),
    "both_6": gate(-6, both=True, published="8.70 %"),
    "both_1": gate(-1, both=True),
    "both_3": gate(-3, both=True),
    "half": Way("half of shortcut and branch", "", "½ + ½", {"alpha": 0.5, "beta": 0.5}, "12.35 %", "half of<br>both"),
    "conv": Way("1×1 convolution", "", "", {"shortcut": "C"}, "12.22 %", "1×1<br>conv."),
    "dropout": Way("dropout 0.5", "", "", {"shortcut_dropout": 0.5}, "fails", "dropout"),
    "shortcut_0": gate(0, both=False, published="12.86 %"),
    "shortcut_6": gate(-6, both=False, published="6.91 %"),
    "alpha_50": Way("shortcut × 0.5", "strength", "α = 0.5", {"alpha": 0.5}, "fails", "shortcut<br>× 0.5"),
    "alpha_90": Way("shortcut × 0.9", "strength", "α = 0.9", {"alpha": 0.9}),
}
FAMILIES: dict[str, tuple[str, Role]] = {
    "both": ("gate on both ways (highway)", "plain"),
    "shortcut": ("gate on the shortcut", "third"),
    "strength": ("fixed strength α", "residual"),
}
MARKS: dict[Role, tuple[int, int]] = {"plain": (5, 10), "third": (4, -25), "residual": (-9, -12)}
"""Pixels to the right and up from a point to its mark."""
CROWDED = {"both_3": (-14, 21), "shortcut_0": (6, 9), "alpha_50": (-56, -15)}
"""The same for points that have neighbours."""
TABLE_1 = tuple(name for name, way in WAYS.items() if way.published)
RANKED = ("identity", "both_6", "half", "conv")
"""What the reader ranks."""


def network(name: str) -> Network:
    """56 layers with that shortcut."""
    return small(name, DEPTH, **WAYS[name].block)


def measure(bench: Bench, seed: int) -> Iterator[Finding]:
    """What passes at initialisation, errors after each epoch, and the gates before and after."""
    trial = bench.race({name: network(name) for name in WAYS}, seed=seed, epochs=EPOCHS, evaluate_every=EPOCHS)
    for row in trial:
        name = row.contestant
        bench.tell(f"{WAYS[name].words}, epoch {row.epoch} of {EPOCHS}")
        found = {"net": name, "epoch": row.epoch, "train_error": row.train_error, "test_error": row.test_error}
        if row.epoch == 0:
            yield {"net": name, **passing(bench, name, seed)}
            found["gradient"] = float(trial.signals(name)["grad_norm/conv1"][0])
        yield found
    for name in trial.failed:
        yield {"net": name, "failed": True}
    for name, way in WAYS.items():
        if "gate_bias" in way.block and name not in trial.failed:
            yield {"net": name, "moment": "end", "gates": gates(bench, trial.models[name])}
    yield {"opened": opened(bench, seed)}


def passing(bench: Bench, name: str, seed: int) -> Finding:
    """Which share of the input all shortcuts together hand on, where they are numbers; mean gates at the start."""
    block = WAYS[name].block
    if name in ("conv", "dropout"):
        return {"moment": "start"}
    if "gate_bias" not in block:
        return {"moment": "start", "share": float(block.get("alpha", 1.0)) ** BLOCKS}
    from ...nn import build

    found = gates(bench, build(network(name), device=bench.device.type, seed=seed))
    return {"moment": "start", "gates": found, "share": prod(1 - gate for gate in found)}


def gates(bench: Bench, model: Any) -> list[float]:
    """The mean gate T of every block in forward order, over the training images and all values of the map."""
    from ...instruments import gate_means, restated

    images = bench.data().train_x
    return [gate.mean for gate in gate_means(restated(model, images), images)]


def opened(bench: Bench, seed: int) -> float:
    """The largest difference between the outputs of the highway with its gates held open and of the residual net that
    has its weights."""
    import torch

    from ...nn import build, open_gates

    device = bench.device.type
    highway = build(network("both_6"), device=device, seed=seed).train()
    residual = build(network("identity"), device=device, seed=seed).train()
    residual.load_state_dict({name: value for name, value in highway.state_dict().items() if ".gate." not in name})
    open_gates(highway)
    images = bench.data().test_x
    with torch.no_grad():
        return float((highway(images) - residual(images)).abs().max())


def read(findings: Findings) -> dict[str, float]:
    """By kind of shortcut: "both_6_train", "..._test", "..._share", "..._gradient"; and the differences that decide."""
    found: dict[str, float] = {}
    for one in findings:
        name = one.get("net")
        if one.get("epoch") == EPOCHS and one["train_error"] is not None:
            found[f"{name}_train"], found[f"{name}_test"] = one["train_error"], one["test_error"]
        for value in ("share", "gradient"):
            if one.get(value) is not None:
                found[f"{name}_{value}"] = one[value]
        if "opened" in one:
            found["opened"] = one["opened"]
        if one.get("gates"):
            found[f"{name}_gate_{one['moment']}"] = sum(one["gates"]) / len(one["gates"])
    ends = {name: found[f"{name}_train"] for name in WAYS if f"{name}_train" in found}
    if {"both_0", "both_6"} <= set(ends):
        found["closing"] = ends["both_0"] - ends["both_6"]
    if {"half", "identity"} <= set(ends):
        found["halving"] = ends["half"] - ends["identity"]
    if {"alpha_50_gradient", "identity_gradient"} <= set(found):
        found["growth"] = found["alpha_50_gradient"] / found["identity_gradient"]
    return found


def best(numbers: Numbers) -> str | None:
    """Which of the ranked ends with the lowest train error."""
    ends = {name: numbers[f"{name}_train"].median for name in RANKED if f"{name}_train" in numbers}
    return min(ends, key=lambda name: ends[name]) if len(ends) == len(RANKED) else None


def learning(numbers: Numbers) -> str | None:
    """From which bias on the highway learns."""
    ends = [numbers.get(f"both_{-bias}_train") for bias in BIASES]
    if any(end is None for end in ends):
        return None
    learn = [bias for bias, end in zip(BIASES, ends, strict=True) if end is not None and end.median < LEARNS]
    return f"from_{-learn[0]}" if learn else "none"


def arriving(numbers: Numbers) -> str | None:
    """What half a shortcut does to the first layer's gradient at initialisation."""
    if "growth" not in numbers:
        return None
    growth = numbers["growth"].median
    return "larger" if growth >= GREATER else "smaller" if growth <= 1 / GREATER else "same"


def ends_of(findings: Findings) -> dict[str, Number]:
    """The newest train error by kind of shortcut."""
    return {name: number for (name,), number in collect(findings, ("net",), "train_error").items()}


def figure(findings: Findings, theme: Theme) -> go.Figure:
    """Train error against the share of the input that all 27 shortcuts together hand on at initialisation."""
    made = canvas(
        theme, x=f"share of the input that {BLOCKS} shortcuts hand on at initialisation", y="train error",
        percent=True, log_x=True, x_range=(1e-13, 3e1), y_range=(-0.11, 1.0), ticks=[1e-8, 1e-6, 1e-4, 1e-2, 1],
        names=[f"10{superscript(exponent)}" for exponent in (-8, -6, -4, -2)] + ["1"],
    )  # fmt: skip
    level(made, theme, "guessing", CHANCE)
    shares = {name: number for (name,), number in collect(findings, ("net",), "share").items()}
    errors, first = ends_of(findings), list[tuple[str, float, float, Role]]()
    for family, (words, role) in FAMILIES.items():
        names = [name for name, way in WAYS.items() if way.family == family and name in errors and name in shares]
        names.sort(key=lambda name: shares[name].median)
        points = [(shares[name].median, errors[name]) for name in names]
        line(
            made, theme, words, [x for x, _ in points], [number.median for _, number in points],
            low=[number.low for _, number in points], high=[number.high for _, number in points], role=role,
            label=False,
        )  # fmt: skip
        for name, (x, number) in zip(names, points, strict=True):
            _mark(made, theme, name, x, number.median, role)
        if points:
            first.append((words, points[0][0], points[0][1].median, role))
    name_ends(made, theme, first, 0.065, right=False)
    return made


def _mark(made: go.Figure, theme: Theme, name: str, x: float, y: float, role: Role) -> None:
    """The setting of one point: above it for the highway, below for the others, where all meet at the right."""
    note(made, theme, WAYS[name].mark, x, y, role=role)
    across, up = CROWDED.get(name, MARKS[role])
    made.layout.annotations[-1].update(xshift=across, yshift=up, font={"size": 11})


def ranking(findings: Findings, theme: Theme) -> go.Figure:
    """The kinds of He 2016b, Table 1, from best to worst in this run; the paper's test error below each name."""
    errors = {name: number for name, number in ends_of(findings).items() if name in TABLE_1}
    order = sorted(errors, key=lambda name: errors[name].median)
    labels = {name: f"{WAYS[name].short}<br>{WAYS[name].published}" for name in TABLE_1}
    made = canvas(theme, x="shortcut, and test error in the paper", y="train error here", percent=True,
                  y_range=(0, 1.08), categories=[labels[name] for name in order or TABLE_1])  # fmt: skip
    level(made, theme, "guessing", CHANCE)
    bars(
        made, theme, "train error", [labels[name] for name in order], [errors[name].median for name in order],
        role="residual", texts=[percent(errors[name].median) for name in order],
        low=[errors[name].low for name in order], high=[errors[name].high for name in order],
    )  # fmt: skip
    made.update_xaxes(tickfont={"size": 11}, tickangle=0)
    return made


def opening(findings: Findings, theme: Theme) -> go.Figure:
    """The mean gate of every block of the highways: dotted at initialisation, solid after training."""
    made = canvas(theme, x="block, input to output (dotted: at initialisation · solid: after training)",
                  y="mean gate T", log_y=True, x_range=(0, BLOCKS * 1.25), y_range=(1e-3, 1.5))  # fmt: skip
    for bias, role in BIASES.items():
        name = f"both_{-bias}"
        for moment, dash in (("start", "dot"), ("end", "solid")):
            rows = [one["gates"] for one in findings if one.get("net") == name and one.get("moment") == moment]
            means = [Number(tuple(block)).median for block in zip(*rows, strict=True)]
            line(
                made, theme, WAYS[name].mark, list(range(1, len(means) + 1)), means, role=role, dash=dash,
                markers=False, label=moment == "start",
            )  # fmt: skip
    return made


def table(findings: Findings) -> list[dict[str, str]]:
    """One row a kind of shortcut."""
    ends, tests, shares, gradients = (
        {name: number for (name,), number in collect(findings, ("net",), value).items()}
        for value in ("train_error", "test_error", "share", "gradient")
    )
    broken = {one["net"] for one in findings if one.get("failed")}
    return [
        {
            "Shortcut": way.words,
            "Handed on by all": scientific(shares[name].median) if name in shares else "no number",
            "Gradient of the first layer at the start": scientific(gradients[name].median),
            "Train error": f"{ends[name]:percent}" + (" (diverged in a repeat)" if name in broken else ""),
            "Test error": f"{tests[name]:percent}",
            "Published test error": way.published or "-",
        }
        for name, way in WAYS.items()
        if name in ends and name in gradients
    ]  # fmt: skip


def apart() -> Experiment:
    """A highway with half-open gates, one with nearly closed gates, and the residual net as a race."""
    return Experiment(contestants={name: network(name) for name in ("both_0", "both_6", "identity")})


LAB = Lab(
    number=3,
    slug="gates",
    title="Gates",
    question="How do Highway networks relate to residual ones, and does a gate on the shortcut help?",
    answer="A highway with its gates held open is the residual net; learned gates have to start nearly closed: in 27 "
    "blocks a bias of 0 ends at {both_0_train:percent!} train error, −3 at {both_3_train:percent!}, no gate at all at "
    "{identity_train:percent!}.",
    setting="One residual net of 56 layers (27 blocks, width 8, batch norm) on 8 × 8 digits, 96 steps; only what "
    "stands on its shortcuts differs. A highway block gives T · F(x) + (1 − T) · x with T = sigmoid(w · x + b): the "
    "bias b says how far the gate is open at first.",
    guesses={
        "best": Guess(
            "Which of these shortcuts ends with the lowest train error?",
            {
                "conv": "a 1×1 convolution, which can learn the identity and more",
                "both_6": "a learned gate, nearly closed at first (bias −6)",
                "half": "half the input plus half the branch",
                "identity": "the bare identity",
            },
            best,
        ),
        "bias": Guess(
            "The gates start at bias 0, −1, −3 or −6. The highway gets below 50 % train error",
            {
                "from_0": "with all of them",
                "from_1": "with −1, −3 and −6",
                "from_3": "with −3 and −6",
                "from_6": "with −6 only",
                "none": "with none of them",
            },
            learning,
        ),
        "gradient": Guess(
            "With every shortcut at half strength, the first layer's gradient at the start is",
            {"smaller": "much smaller", "same": "about the same", "larger": "much larger"},
            arriving,
        ),
    },
    measure=measure,
    read=read,
    effects=(
        Effect("closing", "train error of the highway with bias 0 minus that with bias −6", CLEAR, -CLEAR, "points"),
        Effect("halving", "train error with half of shortcut and branch minus the identity", CLEAR, -CLEAR, "points"),
    ),
    explain={
        "present": "**A highway whose gates are held open is the residual net** (outputs differ by "
        "{opened:scientific!}). **A learned gate trains well only where enough of the input gets through all "
        "blocks.** Each of 27 multiplies it by 1 − T. Half-open gates (bias 0) leave {both_0_share:scientific!} of "
        "it, and the highway ends at {both_0_train:percent} train error; bias −1 at {both_1_train:percent}, −3 at "
        "{both_3_train:percent}. At −6 it hands on {both_6_share:percent!}, but lets {both_6_gate_start:percent!} of "
        "each branch pass at first, and ends at {both_6_train:percent}. Without any gate: "
        "{identity_train:percent}.\n\nFixed strengths tell the same: 0.9 to the power of 27 is "
        "{alpha_90_share:percent!}, and that net ends at {alpha_90_train:percent}; with 0.5 it ends at "
        "{alpha_50_train:percent}. It is a condition, no guarantee: a 1×1 convolution on the shortcut could learn the "
        "identity and ends at {conv_train:percent}. And weak shortcuts do not make gradients vanish: at half strength "
        "the first layer's is {growth:times} that under the identity.",
        "absent": "This run shows no clear order: the highway with bias 0 ends at {both_0_train:percent}, with −6 at "
        "{both_6_train:percent}; half of shortcut and branch at {half_train:percent}, the identity at "
        "{identity_train:percent}. Less than 20 points may be chance.",
        "reversed": "In this run it is the other way round: the highway with bias 0 ends at {both_0_train:percent}, "
        "with −6 at {both_6_train:percent}; half of shortcut and branch at {half_train:percent}, the identity at "
        "{identity_train:percent}. That contradicts the paper; run the three repeats before you believe it.",
    },
    figure=figure,
    views={"Table 1 as a ranking": ranking, "Gates by block": opening},
    table=table,
    evidence=(
        Evidence("identity_train", "identity: train error", prototype="0.2 %",
                 published="test error 6.61 % on CIFAR-10, ResNet-110 (He 2016b, Table 1)"),
        Evidence("both_0_train", "gate on both ways, bias 0: train error", prototype="76 %",
                 published="fails, above 20 % (the same table)"),
        Evidence("both_6_train", "gate on both ways, bias −6: train error", prototype="10 % (9 to 11)",
                 published="8.70 %; fails from 0 to −5, 9.81 % at −7"),
        Evidence("shortcut_0_train", "gate on the shortcut, bias 0: train error", prototype="67 %",
                 published="12.86 %"),
        Evidence("shortcut_6_train", "gate on the shortcut, bias −6: train error", prototype="1.9 % (0.2 to 4.3)",
                 published="6.91 %"),
        Evidence("half_train", "half of shortcut and branch: train error", prototype="59 % (54 to 63)",
                 published="12.35 %"),
        Evidence("conv_train", "1×1 convolution: train error", prototype="83 % (69 to 90)", published="12.22 %"),
        Evidence("alpha_90_train", "shortcut × 0.9: train error", prototype="1.6 %"),
        Evidence("alpha_50_gradient", "shortcut × 0.5: first layer's gradient at the start", "scientific", "56"),
        Evidence("identity_gradient", "identity: first layer's gradient at the start", "scientific", "2.3"),
    ),
    comparable="The paper trains 110 layers on CIFAR-10 for 64,000 steps and prints test errors, medians of five. Its "
    "best three (identity, gate on the shortcut at −6, gate on both ways at −6) come in that order here too. The rest "
    "does not: gates at −3 fail there and learn here, and those that fail here are ordered differently. Greff and "
    "others (2017) compare highway and residual nets of equal size and dispute that gates do harm.",
    sources=(
        Source("He et al. 2016b, Identity Mappings in Deep Residual Networks", "Table 1, Fig. 2, Sect. 3",
               "https://arxiv.org/abs/1603.05027"),
        Source("Srivastava et al. 2015, Highway Networks", "Eq. 3, Sect. 2", "https://arxiv.org/abs/1505.00387"),
        Source("Greff et al. 2017, Highway and Residual Networks learn Unrolled Iterative Estimation", "Sect. 5",
               "https://arxiv.org/abs/1612.07771"),
    ),
    apart=apart,
)  # fmt: skip
