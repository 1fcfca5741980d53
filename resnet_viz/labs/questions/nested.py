"""Lab 12, nested classes: a trained net grown by blocks of zero, and what more width and depth cost."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ... import instruments
from ...draw.canvas import canvas, legend, level, line, points, stem
from ...draw.colours import Role, Theme
from ...inspect import summarize
from ...spec import Experiment, Network
from ..lab import Effect, Evidence, Finding, Findings, Guess, Lab, Numbers, Source, collect
from ..variants import small

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from torch import nn

    from ..bench import Bench

BEFORE, AFTER = 1, 4
"""Epochs before and after the net grows from 8 to 20 layers."""
BLOCKS = (3, 3, 3)
GROWN: dict[str, tuple[str, Role]] = {
    "zero": ("zero blocks, shortcuts", "residual"),
    "random": ("random blocks, shortcuts", "third"),
    "plain": ("random blocks, plain", "plain"),
    "control": ("not grown", "sixth"),
}
IMAGES, LONG, EVERY = 200, 40, 10
"""Few images, many epochs, and between which of them the errors are told."""
NOISE = 0.2
WIDTHS, DEEP = (2, 8, 32), 56
ALIKE = 16
"""Digits to which scores agree that are equal to the last bit."""
JUMP = 0.3
JUST_BEFORE = -2
"""Where the picture shows the net that has not grown yet."""
POINTS = 0.05


def base(net: str) -> Network:
    """The net before it grows: eight layers."""
    return small(net, 8, merge="none" if net == "plain" else "add")


def measure(bench: Bench, seed: int) -> Iterator[Finding]:
    """The growth of a net that has learned something already; then the price of more with 200 images."""
    nets = {"residual": base("residual"), "plain": base("plain")}
    first = bench.race(nets, seed=seed, epochs=BEFORE)
    for row in first:
        bench.tell(f"{row.contestant}, 8 layers, before it grows")
        yield {"part": "before", "net": row.contestant, "epoch": row.epoch, "train_error": row.train_error}
    yield from growth(bench, seed, first.models)
    yield from price(bench, seed)


def growth(bench: Bench, seed: int, models: dict[str, nn.Module]) -> Iterator[Finding]:
    """What becomes of scores and loss at the moment of growth, and of the loss in the steps after it."""
    x, y = bench.data().train_x, bench.data().train_y
    nets: dict[str, Network] = {}
    starts: dict[str, nn.Module] = {}
    for name in GROWN:
        which = "plain" if name == "plain" else "residual"
        nets[name], starts[name] = base(which), models[which]
        if name != "control":
            nets[name] = instruments.taller(base(which), BLOCKS, name)
            starts[name] = instruments.grown(
                base(which), models[which], nets[name], start="zero" if name == "zero" else "random", seed=seed
            )
        (old, before), (new, after) = seen(models[which], x, y), seen(starts[name], x, y)
        apart = float((old - new).abs().max())
        yield {"part": "moment", "net": name, "apart": apart, "loss_before": before, "loss_after": after}
    trial = bench.race(nets, seed=seed, epochs=AFTER, warmup_steps=0, starts=starts)
    for row in trial:
        bench.tell(f"{GROWN[row.contestant][0]}, epoch {row.epoch} of {AFTER} after growing")
        if row.epoch == AFTER:
            losses = [float(loss) for loss in trial.signals(row.contestant)["loss"]]
            yield {"part": "after", "net": row.contestant, "train_error": row.train_error, "losses": losses}


def seen(model: nn.Module, x: Any, y: Any) -> tuple[Any, float]:
    """(scores, mean loss) of the training images, with the batch norm statistics of all of them."""
    import torch
    from torch.nn import functional

    # One memory format for both: kernels of another add up in another order.
    same = copy.deepcopy(model).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    with torch.no_grad():
        scores = same.train()(x.contiguous())
    return scores, float(functional.cross_entropy(scores, y))


def price(bench: Bench, seed: int) -> Iterator[Finding]:
    """Width and depth with few images, their labels right or a fifth of them wrong: errors, seconds, multiply-adds."""
    nets = {f"{width} wide": (8, width, 0.0) for width in WIDTHS}
    nets |= {f"{width} wide, wrong labels": (8, width, NOISE) for width in WIDTHS}
    nets |= {f"{DEEP} layers": (DEEP, 8, 0.0)}
    made = {name: small(name, depth, width=width) for name, (depth, width, _) in nets.items()}
    recipes = {name: {"label_noise": noise} for name, (_, _, noise) in nets.items()}
    begun: dict[str, float] = {}
    trial = bench.race(
        made, seed=seed, epochs=LONG, evaluate_every=EVERY, train_images=IMAGES, recipes=recipes
    )  # fmt: skip
    for row in trial:
        name, (depth, width, noise) = row.contestant, nets[row.contestant]
        bench.tell(f"{IMAGES} images, {name}, epoch {row.epoch} of {LONG}")
        begun.setdefault(name, time.monotonic())
        yield {
            "part": "price", "layers": depth, "width": width, "noise": noise, "epoch": row.epoch, "epochs": LONG,
            "train_error": row.train_error, "test_error": row.test_error,
            "seconds": time.monotonic() - begun[name], "macs": summarize(made[name]).macs,
        }  # fmt: skip


def read(findings: Findings) -> dict[str, float]:
    """What growing does to scores and loss, and the errors of "price_8_2_clean" (layers, width, labels)."""
    found: dict[str, float] = {}
    for one in findings:
        if one["part"] == "moment":
            found[f"apart_{one['net']}"] = one["apart"]
            found[f"jump_{one['net']}"] = one["loss_after"] - one["loss_before"]
            found[f"before_{one['net']}"], found[f"at_{one['net']}"] = one["loss_before"], one["loss_after"]
        elif one["part"] == "after":
            found[f"peak_{one['net']}"], found[f"train_{one['net']}"] = max(one["losses"]), one["train_error"]
        elif one["part"] == "price" and one["epoch"] == one["epochs"]:
            name = f"{one['layers']}_{one['width']}_{'noisy' if one['noise'] else 'clean'}"
            found[f"price_{name}"], found[f"seconds_{name}"] = one["test_error"], one["seconds"]
            found[f"macs_{name}"] = one["macs"]
    if "apart_zero" in found:
        found["digits"] = min(-math.log10(max(found["apart_zero"], 1e-16)), ALIKE)
    if "jump_random" in found and "jump_zero" in found:
        found["spared"] = found["jump_random"] - found["jump_zero"]
    noisy = [found[name] for width in WIDTHS if (name := f"price_8_{width}_noisy") in found]
    if len(noisy) == len(WIDTHS):
        found["wider_noisy"], found["no_curve"] = noisy[0] - noisy[-1], min(noisy[:-1]) - noisy[-1]
    shallow, deep = "8_8_clean", f"{DEEP}_8_clean"
    if f"price_{shallow}" in found and f"price_{deep}" in found:
        found["deeper"] = found[f"price_{deep}"] - found[f"price_{shallow}"]
        found["dearer"] = found[f"macs_{deep}"] / found[f"macs_{shallow}"]
    return found


def jump_came(numbers: Numbers) -> str | None:
    """What happens to the loss at the moment of growth."""
    if "jump_zero" not in numbers:
        return None
    jump = numbers["jump_zero"].median
    return "same" if abs(jump) < 1e-6 else "little" if jump < JUMP else "much"


def wider_came(numbers: Numbers) -> str | None:
    """What width does to the test error with few images and wrong labels."""
    if "wider_noisy" not in numbers:
        return None
    gain = numbers["wider_noisy"].median
    return "falls" if gain >= POINTS else "rises" if gain <= -POINTS else "same"


def figure(findings: Findings, theme: Theme) -> go.Figure:
    """The loss of all training images just before and after growing, then that of the batch at every step."""
    made = canvas(theme, x="step after growing from 8 to 20 layers (dots at the left: before and after)",
                  y="training loss", x_range=(JUST_BEFORE - 1, AFTER * 12), y_range=(0, 3.2),
                  ticks=list(range(0, AFTER * 12 + 1, 6)))  # fmt: skip
    level(made, theme, "loss of guessing", math.log(10), right=True)
    for net, (words, role) in GROWN.items():
        moment = [one for one in findings if one["part"] == "moment" and one["net"] == net]
        if moment and net != "control":
            ends = [_median([one[f"loss_{when}"] for one in moment]) for when in ("before", "after")]
            stem(made, theme, JUST_BEFORE, ends[0], ends[1], role=role, until=0)
            points(made, theme, f"{words}, before", [JUST_BEFORE], ends[:1], role=role, hollow=True)
            points(made, theme, f"{words}, grown", [0], ends[1:], role=role)
        rows = [one["losses"] for one in findings if one["part"] == "after" and one["net"] == net]
        middle = [_median(step) for step in zip(*rows, strict=False)]
        line(made, theme, words, list(range(len(middle))), middle, role=role, markers=False, label=False)
    legend(made, list(GROWN.values()), theme)
    return made


def _median(values: Any) -> float:
    ordered = sorted(values)
    return float((ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2)


def costs(findings: Findings, theme: Theme) -> go.Figure:
    """Test error against width, with 200 images."""
    made = canvas(theme, x="width of the first stage, 8 layers", y=f"test error, {IMAGES} training images",
                  percent=True, log_x=True, x_range=(1.6, 60), y_range=(0, 0.7), ticks=WIDTHS)  # fmt: skip
    series: tuple[tuple[str, float, Role], ...] = (("labels right", 0.0, "residual"), ("a fifth wrong", NOISE, "plain"))
    for words, noise, role in series:
        chosen = [one for one in findings if one["part"] == "price" and one["noise"] == noise and one["layers"] == 8]
        found = sorted((key[0], number) for key, number in collect(chosen, ("width",), "test_error").items())
        line(
            made, theme, words, [width for width, _ in found], [number.median for _, number in found],
            low=[number.low for _, number in found], high=[number.high for _, number in found], role=role,
        )  # fmt: skip
    return made


def table(findings: Findings) -> list[dict[str, str]]:
    """One row for each way to grow and each net with few images."""
    numbers, rows = LAB.numbers(findings), []
    for net, (words, _) in GROWN.items():
        if f"jump_{net}" in numbers:
            rows.append({
                "What": words, "Scores move by": f"{numbers[f'apart_{net}']:scientific}",
                "Loss before": f"{numbers[f'before_{net}']:decimal}", "Loss after": f"{numbers[f'at_{net}']:decimal}",
                "Error": f"{numbers[f'train_{net}']:percent} (train)" if f"train_{net}" in numbers else "-",
                "Seconds": "-",
            })  # fmt: skip
    by = ("layers", "width", "noise")
    prices = [one for one in findings if one["part"] == "price"]
    errors, taken = (collect(prices, by, value) for value in ("test_error", "seconds"))
    for (layers, width, noise), number in sorted(errors.items()):
        labels = ", a fifth of the labels wrong" if noise else ""
        rows.append({
            "What": f"{IMAGES} images, {layers} layers, width {width}{labels}", "Scores move by": "-",
            "Loss before": "-", "Loss after": "-", "Error": f"{number:percent} (test)",
            "Seconds": f"{taken[layers, width, noise]:seconds!}",
        })  # fmt: skip
    return rows


def apart() -> Experiment:
    """The net before and after growing, from the start."""
    return Experiment(
        contestants={"8 layers": base("residual"), "20 layers": instruments.taller(base("residual"), BLOCKS)}
    )


LAB = Lab(
    number=12,
    slug="nested-classes",
    title="Nested classes",
    question="If a larger class of functions contains the smaller one, why not make networks larger without bound?",
    answer="Growing by blocks that start as zero costs nothing at first (the scores stay the same to {digits:count!} "
    "digits), and here more width never hurt; what stops you is depth's price in time, {dearer:times!} the "
    "multiply-adds for 56 layers.",
    setting="A net of 8 layers that has learned digits for 12 steps grows to 20 layers and goes on for 48 steps. Then "
    "the price, where overfitting would show if anywhere: 200 training images, 40 epochs, every label right or a fifth "
    "of them wrong.",
    guesses={
        "jump": Guess(
            "The net has learned for one epoch. Now it gets 12 more layers, in blocks whose branch starts at zero. "
            "The training loss at that moment",
            {"same": "stays exactly where it is", "little": "rises a little", "much": "rises by more than 0.3"},
            jump_came,
        ),
        "wider": Guess(
            "200 images, a fifth of the labels wrong. From width 2 to width 32 the test error",
            {"falls": "falls", "same": "stays within 5 points", "rises": "rises: too many weights for so few images"},
            wider_came,
        ),
    },
    measure=measure,
    read=read,
    effects=(
        Effect("digits", f"digits to which scores agree after growing by zeros ({ALIKE}: every bit)", 12, 3, "count"),
        Effect("spared", "how much more the loss jumps with random blocks than with zeros", JUMP, -JUMP, "decimal"),
        Effect("no_curve", "least test error below width 32 minus that at width 32, a fifth of the labels wrong",
               -POINTS, -2 * POINTS, "points"),
    ),
    explain={
        "present": "**More need not hurt; what stops you is the price.** With blocks of zero the larger class "
        "contains the smaller one from the start: the largest change of a score is {apart_zero:scientific!}, and the "
        "loss goes on from {at_zero:decimal}, as in the net that was not grown. Random blocks lift it from "
        "{before_random:decimal!} to {at_random:decimal}, and without shortcuts from {before_plain:decimal!} to "
        "{at_plain:decimal}.\n\nAnd later? With 200 images the test error at widths 2, 8 and 32 is "
        "{price_8_2_clean:percent!}, {price_8_8_clean:percent!} and {price_8_32_clean:percent!}; with a fifth of the "
        "labels wrong {price_8_2_noisy:percent!}, {price_8_8_noisy:percent!} and {price_8_32_noisy:percent!}: the "
        "widest net is no worse for its width, there is no U-curve. 56 layers in place of 8 end at "
        "{price_56_8_clean:percent}, for {dearer:times!} the multiply-adds. The bound is what you can "
        "pay for, in time before anything else.",
        "absent": "This run does not show it clearly: growing by zeros changes a score by up to "
        "{apart_zero:scientific}; the loss jumps by {jump_zero:decimal}, with random blocks by {jump_random:decimal}. "
        "With 200 images and a fifth of the labels wrong the test error goes from {price_8_2_noisy:percent} at width 2 "
        "to {price_8_32_noisy:percent} at width 32.",
        "reversed": "In this run more does hurt somewhere: growing by zeros changes a score by up to "
        "{apart_zero:scientific}, the loss jumps by {jump_zero:decimal} with zeros and by {jump_random:decimal} with "
        "random blocks, and from width 2 to width 32 the test error with a fifth of the labels wrong goes from "
        "{price_8_2_noisy:percent} to {price_8_32_noisy:percent}.",
    },
    figure=figure,
    views={"The price of width": costs},
    table=table,
    evidence=(
        Evidence("apart_zero", "largest change of a score, zero blocks", "scientific", prototype="0"),
        Evidence("at_random", "loss with random blocks, shortcuts", "decimal", prototype="2.1 (from 1.20)"),
        Evidence("at_plain", "loss with random blocks, plain", "decimal", prototype="2.31 (from 1.54)"),
        Evidence("train_zero", "train error 48 steps later, zero blocks", prototype="0.2 %"),
        Evidence("train_plain", "train error 48 steps later, plain", prototype="9 %"),
        Evidence("price_8_2_clean", "200 images, width 2: test error", prototype="19 %"),
        Evidence("price_8_8_clean", "200 images, width 8: test error", prototype="6.8 %"),
        Evidence("price_8_32_clean", "200 images, width 32: test error", prototype="5.5 %"),
        Evidence("price_56_8_clean", "200 images, 56 layers: test error", prototype="11.1 %"),
        Evidence("price_8_2_noisy", "a fifth of the labels wrong, width 2", prototype="41 %"),
        Evidence("price_8_32_noisy", "a fifth of the labels wrong, width 32", prototype="20 %"),
    ),
    comparable="No paper prints these numbers; that zeros at the end of a branch make a block the identity, and ease "
    "training, is in Goyal 2017, Sect. 5.1. The prototypes measured the price after 80 epochs and on "
    "1,597 test images, this lab after 40 and on 297.",
    sources=(
        Source("Zhang et al., Dive into Deep Learning", "Sect. 8.6.1, function classes",
               "https://d2l.ai/chapter_convolutional-modern/resnet.html"),
        Source("Goyal et al. 2017, Accurate, Large Minibatch SGD", "Sect. 5.1", "https://arxiv.org/abs/1706.02677"),
    ),
    apart=apart,
)  # fmt: skip
