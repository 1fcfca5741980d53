"""Lab 11, order: the five places for norm and activation of He 2016b, Fig. 4, racing at 110 layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...draw.canvas import canvas, level, line, name_ends
from ...draw.colours import Role, Theme
from ...spec import Experiment, Network
from ..lab import Effect, Evidence, Finding, Findings, Guess, Lab, Large, Numbers, Source, collect
from ..numbers import Number
from ..variants import small

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..bench import Bench, Trial

DEPTH = 110
EPOCHS, LARGE_EPOCHS = 8, 3
EVERY = 2
"""Epochs between two evaluations: of 110 layers on digits each takes a quarter of an epoch's time."""
ORDERS: dict[str, tuple[str, Role]] = {
    "original": ("original", "plain"),
    "preactivation": ("full pre-activation", "residual"),
    "relu_only_preactivation": ("ReLU-only pre-activation", "third"),
    "bn_after_addition": ("BN after addition", "fourth"),
    "relu_before_addition": ("ReLU before addition", "fifth"),
}
"""The order of He 2016b as the spec names it: words, and a colour."""
ON_THE_WAY = ("bn_after_addition", "relu_before_addition")
"""Something stands on the shortcut's way, or the branch can only add what is not negative."""
CHANCE = 0.9
CLEAR, SMALL = 0.1, 0.02


def network(order: str, *, large: bool = False) -> Network:
    """110 layers in that order."""
    return small(ORDERS[order][0], DEPTH, large=large, order=order)


def measure(bench: Bench, seed: int) -> Iterator[Finding]:
    """Errors after each epoch of each order, and the gradient at every block's input at initialisation."""
    epochs = LARGE_EPOCHS if bench.large else EPOCHS
    nets = {order: network(order, large=bench.large) for order in ORDERS}
    trial = bench.race(nets, seed=seed, dataset=bench.cifar10 or "digits", epochs=epochs, evaluate_every=EVERY)
    for row in trial:
        bench.tell(f"{ORDERS[row.contestant][0]}, epoch {row.epoch} of {epochs}")
        found = {
            "order": row.contestant, "epoch": row.epoch, "epochs": epochs, "train_error": row.train_error,
            "test_error": row.test_error,
        }  # fmt: skip
        yield found | ({"flow": flow(trial, row.contestant)} if row.epoch == 0 else {})


def flow(trial: Trial, order: str) -> list[float]:
    """The norm of the loss's gradient at the input of every block, first to last, at initialisation."""
    return [float(rows[0]) for name, rows in trial.signals(order).items() if name.startswith("input_grad/")]


def read(findings: Findings) -> dict[str, float]:
    """Last errors by order, how much the orders with something on the way lose, and what pre-activation gains."""
    found: dict[str, float] = {}
    for one in findings:
        if one["epoch"] == one["epochs"]:
            found[f"{one['order']}_train"], found[f"{one['order']}_test"] = one["train_error"], one["test_error"]
        if one.get("flow") and one["flow"][-1]:
            found[f"{one['order']}_flow"] = (one["flow"][0] or 0.0) / one["flow"][-1]
    best = found.get("preactivation_train")
    if best is not None and all(f"{order}_train" in found for order in ON_THE_WAY):
        found["blocked"] = min(found[f"{order}_train"] for order in ON_THE_WAY) - best
    if best is not None and "original_train" in found:
        found["gain"] = found["original_train"] - best
    return found


def came(numbers: Numbers) -> str | None:
    """Which order ends with the lowest train error, as far as the difference is clear."""
    if "gain" not in numbers or "blocked" not in numbers:
        return None
    if numbers["blocked"].median < 0 and numbers["blocked"].median < numbers["gain"].median:
        return "on_the_way"
    gain = numbers["gain"].median
    return "preactivation" if gain >= SMALL else "original" if gain <= -SMALL else "equal"


def failed(numbers: Numbers) -> str | None:
    """Whether the orders with something on the shortcut's way train."""
    if "blocked" not in numbers:
        return None
    return "fail" if numbers["blocked"].median >= CLEAR else "train"


def figure(findings: Findings, theme: Theme) -> go.Figure:
    """Train error by epoch, one line an order."""
    epochs = max((one["epochs"] for one in findings if "epochs" in one), default=EPOCHS)
    made = canvas(theme, x="epoch", y="train error", percent=True, x_range=(0, epochs * 1.42), y_range=(-0.03, 1.0),
                  ticks=list(range(0, epochs + 1, 2)))  # fmt: skip
    level(made, theme, "guessing", CHANCE, right=True)
    errors = collect(findings, ("order", "epoch"), "train_error")
    ends: list[tuple[str, float, float, Role]] = []
    for order, (name, role) in ORDERS.items():
        rows = [(epoch, number) for (one, epoch), number in errors.items() if one == order]
        line(
            made, theme, name, [epoch for epoch, _ in rows], [number.median for _, number in rows],
            low=[number.low for _, number in rows], high=[number.high for _, number in rows], role=role, label=False,
        )  # fmt: skip
        ends += [(name, rows[-1][0], rows[-1][1].median, role)] if rows else []
    name_ends(made, theme, ends, 0.065)
    return made


def flows(findings: Findings, theme: Theme) -> go.Figure:
    """The gradient along the shortcut at initialisation, block by block."""
    made = canvas(theme, x="block, input to output", y="gradient at the block's input, at initialisation", log_y=True,
                  x_range=(0, (DEPTH - 2) / 2 * 1.5))  # fmt: skip
    made.update_yaxes(dtick=None, nticks=8)
    ends: list[tuple[str, float, float, Role]] = []
    for order, (name, role) in ORDERS.items():
        rows = [one["flow"] for one in findings if one["order"] == order and one.get("flow")]
        norms = [Number(tuple(n or 0.0 for n in block)).median for block in zip(*rows, strict=True)]
        line(made, theme, name, list(range(1, len(norms) + 1)), norms, role=role, markers=False,
             label=False)  # fmt: skip
        ends += [(name, len(norms), norms[-1], role)] if norms else []
    name_ends(made, theme, ends, 1.8)
    return made


def table(findings: Findings) -> list[dict[str, str]]:
    """One row an order."""
    train, test, epochs = (collect(findings, ("order",), value) for value in ("train_error", "test_error", "epoch"))
    return [
        {
            "Order (He 2016b, Fig. 4)": name, "Epochs": f"{epochs[(order,)]:count!}",
            "Train error": f"{train[(order,)]:percent}", "Test error": f"{test[(order,)]:percent}",
        }
        for order, (name, _) in ORDERS.items()
        if (order,) in train
    ]  # fmt: skip


def apart() -> Experiment:
    """Original against full pre-activation as a race."""
    return Experiment(contestants={"original": network("original"), "pre-activation": network("preactivation")})


LESS_CLEAR = (
    "This run separates the orders less clearly than the lab promises: full pre-activation ends at "
    "{preactivation_train:percent}, the original order at {original_train:percent}, batch norm after the "
    "addition at {bn_after_addition_train:percent}, ReLU before it at {relu_before_addition_train:percent}."
)
PATIENCE = (
    "The paper trains ResNet-110 on CIFAR-10 for 64,000 steps and prints *test* errors, medians of five: with that "
    "patience all five orders learn, and batch norm after the addition costs 1.6 points."
)

LAB = Lab(
    number=11,
    slug="order",
    title="Order of layers",
    question="Batch norm, activation, convolution: why in that order, and does another one train better?",
    answer="What matters is that nothing stands on the shortcut's way: full pre-activation ends at "
    "{preactivation_train:percent!} train error, the original order at {original_train:percent!}, batch norm after the "
    "addition at {bn_after_addition_train:percent!}.",
    setting="The five orders of He 2016b (Fig. 4) with the same layers, 110 of them, width 8, on digits: 96 steps "
    "with 8 of warm-up. At 56 layers the three good orders cannot be told apart, so the lab takes 110.",
    guesses={
        "best": Guess(
            "Which order has the lowest **training** error?",
            {
                "original": "original: convolution, norm, ReLU, and a ReLU after the addition",
                "preactivation": "full pre-activation: norm, ReLU, convolution, nothing after the addition",
                "on_the_way": "one with batch norm after, or ReLU right before the addition",
                "equal": "no clear difference",
            },
            came,
        ),
        "moved": Guess(
            "With batch norm moved behind the addition, or the last ReLU moved in front of it, the net",
            {"train": "trains about as well", "fail": "fails to train"},
            failed,
        ),
    },
    measure=measure,
    read=read,
    effects=(
        Effect("blocked", "train error of the better of the two moved orders minus full pre-activation", CLEAR, -CLEAR,
               "points"),
        Effect("gain", "train error of the original order minus full pre-activation", SMALL, -SMALL, "points"),
    ),
    explain={
        "present": "**The order matters because of what it puts on the shortcut's way.** Full pre-activation has "
        "nothing there, from the first block to the last, and ends at {preactivation_train:percent} train error; "
        "ReLU-only pre-activation at {relu_only_preactivation_train:percent}. The original order has a ReLU after "
        "each of 54 additions and ends at {original_train:percent}.\n\nBatch norm in that place rescales the shortcut "
        "in every block: {bn_after_addition_train:percent}. With a ReLU right before the addition a branch can only "
        "add, never take away: {relu_before_addition_train:percent}. The second picture, in the list above the first, "
        "shows the gradient along the shortcut before any training.",
        "absent": f"{LESS_CLEAR} The original order varies most between repeats.",
        "reversed": "In this run full pre-activation is behind: it ends at {preactivation_train:percent}, the original "
        "order at {original_train:percent}, batch norm after the addition at {bn_after_addition_train:percent}, ReLU "
        "before it at {relu_before_addition_train:percent}. That contradicts the paper; run the three repeats.",
    },
    figure=figure,
    views={"Gradient along the shortcut": flows},
    table=table,
    evidence=(
        Evidence("original_train", "original: train error", prototype="21 % (6 to 38)",
                 published="test error 6.61 % on CIFAR-10 (He 2016b, Table 2)"),
        Evidence("bn_after_addition_train", "BN after addition: train error", prototype="85 % (82 to 86)",
                 published="8.17 % (the same table)"),
        Evidence("relu_before_addition_train", "ReLU before addition: train error", prototype="56 % (41 to 80)",
                 published="7.84 %"),
        Evidence("relu_only_preactivation_train", "ReLU-only pre-activation: train error",
                 prototype="0.9 % (0.7 to 1.1)", published="6.71 %"),
        Evidence("preactivation_train", "full pre-activation: train error", prototype="0.6 % (0.3 to 1.2)",
                 published="6.37 %"),
    ),
    comparable=f"{PATIENCE} Ninety-six steps "
    "on digits show who gets going at all; here the two middle orders fail outright, which the paper does not report.",
    sources=(
        Source("He et al. 2016b, Identity Mappings in Deep Residual Networks", "Fig. 4, Table 2, Sect. 4",
               "https://arxiv.org/abs/1603.05027"),
    ),
    apart=apart,
    large=Large(
        setting=f"The five orders of He 2016b (Fig. 4) with the same layers, {DEPTH} of them, width 16, on CIFAR-10 "
        f"(32 × 32 pixels): {LARGE_EPOCHS} epochs, their first 8 steps with a rising learning rate.",
        explain={"absent": LESS_CLEAR},
        comparable=f"{PATIENCE} {LARGE_EPOCHS} epochs show who gets going, and no more than that.",
    ),
)  # fmt: skip
