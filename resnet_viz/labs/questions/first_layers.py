"""Lab 13, first layers: growing on a small net that is bad, frozen and then set free, with and without shortcuts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ... import instruments
from ...draw.canvas import canvas, legend, level, line
from ...draw.colours import Role, Theme
from ...spec import Experiment, Network
from ..lab import Effect, Evidence, Finding, Findings, Guess, Lab, Numbers, Source, collect
from ..variants import small

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from torch import nn

    from ..bench import Bench

EPOCHS, AFTER = 8, 4
LATER = 11
"""The row of the last step of the first epoch: the gradient after so many updates."""
NONSENSE = 0.9
"""With ten classes this share of wrong labels leaves none of the truth: each class is as likely as any other."""
FROZEN = ("conv1", "bn1", "layer1.0", "layer2.0", "layer3.0")
"""All that the small net has but the linear layer."""
ON_TOP, DEEP = (1, 1, 3), (5, 5, 5)
"""Blocks by stage: 8 layers become 12 or 32."""
FIRST = "layer1.0.conv1"
ARMS: dict[str, tuple[str, Role, str]] = {
    "good_frozen": ("on a good net, frozen", "third", "dash"),
    "good_free": ("on a good net, all learn", "sixth", "solid"),
    "bad_frozen": ("on a bad net, frozen", "plain", "dash"),
    "bad_free": ("on a bad net, all learn", "residual", "solid"),
}
POINTS = 0.05
FAR = 0.1


def base(net: str) -> Network:
    """The small net of eight layers, plain or residual."""
    return small(net, 8, merge="none" if net == "plain" else "add")


def measure(bench: Bench, seed: int) -> Iterator[Finding]:
    """Train a good and two bad small nets, grow the residual ones on top, then grow the bad ones deep."""
    nets = {"good": base("residual"), "bad": base("residual"), "bad_plain": base("plain")}
    noise = {name: {"label_noise": 0.0 if name == "good" else NONSENSE} for name in nets}
    first = bench.race(nets, seed=seed, epochs=EPOCHS, recipes=noise)
    for row in first:
        bench.tell(f"{row.contestant.replace('_', ' ')} small net, epoch {row.epoch} of {EPOCHS}")
        yield {"part": "small", "net": row.contestant, "epoch": row.epoch}
    for name in nets:
        # Errors on the true labels: the race counts those that it learned from.
        train, test = bench.errors(first.models[name])
        yield {"part": "small", "net": name, "epoch": EPOCHS, "train_error": train, "test_error": test}
    yield from on_top(bench, seed, first.models)
    yield from deep(bench, seed, first.models)


def on_top(bench: Bench, seed: int, models: dict[str, nn.Module]) -> Iterator[Finding]:
    """Two blocks of zero behind the last one of either net, the old layers frozen or free."""
    large = instruments.taller(base("residual"), ON_TOP)
    starts = {arm: instruments.grown(base("residual"), models[arm.partition("_")[0]], large, seed=seed) for arm in ARMS}
    frozen = {arm: FROZEN for arm in ARMS if arm.endswith("frozen")}
    trial = bench.race(
        dict.fromkeys(ARMS, large), seed=seed, epochs=AFTER, warmup_steps=0, weight_decay=0.0, starts=starts,
        frozen=frozen,
    )  # fmt: skip
    for row in trial:
        bench.tell(f"{ARMS[row.contestant][0]}, epoch {row.epoch} of {AFTER}")
        yield {
            "part": "top", "net": row.contestant, "epoch": row.epoch, "train_error": row.train_error,
            "test_error": row.test_error,
        }  # fmt: skip


def deep(bench: Bench, seed: int, models: dict[str, nn.Module]) -> Iterator[Finding]:
    """The bad nets grown to 32 layers, all of them free: what arrives at the first layer, step by step.

    Plain blocks of zero would pass nothing on, so that the plain net grows by random ones.
    """
    nets = {net: instruments.taller(base(net), DEEP) for net in ("residual", "plain")}
    starts = {
        "residual": instruments.grown(base("residual"), models["bad"], nets["residual"], seed=seed),
        "plain": instruments.grown(base("plain"), models["bad_plain"], nets["plain"], start="random", seed=seed),
    }
    trial = bench.race(nets, seed=seed, epochs=AFTER, warmup_steps=0, starts=starts)
    for row in trial:
        bench.tell(f"{row.contestant}, 32 layers on a bad net, epoch {row.epoch} of {AFTER}")
        if row.epoch == AFTER:
            norms = [float(norm) for norm in trial.signals(row.contestant)[f"grad_norm/{FIRST}"]]
            yield {"part": "deep", "net": row.contestant, "train_error": row.train_error, "norms": norms}


def read(findings: Findings) -> dict[str, float]:
    """Last test errors by arm, "bad_frozen", and the gradient that arrives at the first layer."""
    found: dict[str, float] = {}
    for one in findings:
        if one["part"] == "small" and "test_error" in one:
            found[f"small_{one['net']}"] = one["test_error"]
        elif one["part"] == "top" and one["epoch"] in (0, AFTER):
            found[f"{one['net']}{'' if one['epoch'] else '_at_first'}"] = one["test_error"]
        elif one["part"] == "deep":
            found[f"deep_{one['net']}"], found[f"norm_{one['net']}"] = one["train_error"], one["norms"][LATER]
            found[f"start_{one['net']}"] = one["norms"][0]
    if "bad_frozen" in found and "bad_free" in found:
        found["stuck"] = found["bad_frozen"] - found["bad_free"]
    if "good_frozen" in found and "good_free" in found:
        found["spared"] = found["good_frozen"] - found["good_free"]
    if "deep_plain" in found and "deep_residual" in found:
        found["gap"] = found["deep_plain"] - found["deep_residual"]
        found["arrives"] = found["norm_residual"] / max(found["norm_plain"], 1e-30)
    return found


def frozen_came(numbers: Numbers) -> str | None:
    """Whether layers on top make up for bad ones below."""
    if "stuck" not in numbers:
        return None
    return "stuck" if numbers["stuck"].median >= POINTS else "repaired"


def free_came(numbers: Numbers) -> str | None:
    """Whether a free net gets over its bad start."""
    if "bad_free" not in numbers or "good_free" not in numbers:
        return None
    return "over" if numbers["bad_free"].median - numbers["good_free"].median < POINTS else "behind"


def figure(findings: Findings, theme: Theme) -> go.Figure:
    """Test error by epoch after growing on top."""
    made = canvas(theme, x="epoch after growing on top", y="test error", percent=True, x_range=(-0.1, AFTER + 0.15),
                  y_range=(-0.03, 1.0), ticks=range(AFTER + 1))  # fmt: skip
    level(made, theme, "guessing", 0.9, right=True)
    for arm, (words, role, dash) in ARMS.items():
        found = collect([one for one in findings if one["part"] == "top" and one["net"] == arm], ("epoch",),
                        "test_error")  # fmt: skip
        line(
            made, theme, words, [epoch for (epoch,) in found], [number.median for number in found.values()],
            low=[number.low for number in found.values()], high=[number.high for number in found.values()], role=role,
            dash=dash, label=False,
        )  # fmt: skip
    legend(made, [(words, role) for words, role, _ in ARMS.values()], theme)
    return made


def gradients(findings: Findings, theme: Theme) -> go.Figure:
    """The gradient norm of the first block's first convolution, at 32 layers."""
    made = canvas(theme, x="step after growing a bad net to 32 layers", y="gradient norm of the first block",
                  log_y=True, x_range=(0, AFTER * 12))  # fmt: skip
    made.update_yaxes(dtick=None, nticks=6)
    roles: tuple[tuple[str, Role], ...] = (("plain", "plain"), ("residual", "residual"))
    for net, role in roles:
        rows = [one["norms"] for one in findings if one["part"] == "deep" and one["net"] == net]
        middle = [sorted(step)[len(step) // 2] for step in zip(*rows, strict=False)]
        line(made, theme, net, list(range(len(middle))), middle, role=role, markers=False, label=False)
    legend(made, roles, theme)
    return made


def table(findings: Findings) -> list[dict[str, str]]:
    """One row a net."""
    numbers, rows = LAB.numbers(findings), []
    for arm, (words, _, _) in ARMS.items():
        if arm in numbers:
            rows.append({
                "Net": f"12 layers {words}", "Test error when grown": f"{numbers[f'{arm}_at_first']:percent}",
                "Error 4 epochs later": f"{numbers[arm]:percent} (test)", "First block's gradient, step 11": "-",
            })  # fmt: skip
    for net in ("residual", "plain"):
        if f"deep_{net}" in numbers:
            rows.append({
                "Net": f"32 layers, {net}, on a bad net, all learn", "Test error when grown": "-",
                "Error 4 epochs later": f"{numbers[f'deep_{net}']:percent} (train)",
                "First block's gradient, step 11": f"{numbers[f'norm_{net}']:scientific}",
            })  # fmt: skip
    return rows


def apart() -> Experiment:
    """The deep pair from an ordinary start."""
    return Experiment(contestants={net: instruments.taller(base(net), DEEP) for net in ("plain", "residual")})


LAB = Lab(
    number=13,
    slug="first-layers",
    title="First layers",
    question="How do we know that the first layers are good, so that an identity on top is enough?",
    answer="We do not: on frozen bad layers new ones end at {bad_frozen:percent!} test error, against "
    "{bad_free:percent!} when all may learn. An identity only promises not to be worse than what is below; the first "
    "layers become good because the gradient reaches them.",
    setting="Two small nets of 8 layers on digits, 96 steps each: a good one, and a bad one whose training labels were "
    "drawn at random. Both get two blocks of zero on top, and 48 steps with the right labels; what they had is frozen, "
    "or learns as well. Then both kinds, with shortcuts and without, are grown from a bad net to 32 layers.",
    guesses={
        "frozen": Guess(
            "The bad small net (its answers are as good as chance) is frozen, and two blocks on top learn from the "
            "right labels. Their test error",
            {
                "stuck": "stays more than 5 points above that of a net in which all layers learn",
                "repaired": "comes within 5 points: layers on top repair what is below",
            },
            frozen_came,
        ),
        "free": Guess(
            "And if the bad net's own layers learn as well, from the same bad start?",
            {"over": "It ends within 5 points of the good net", "behind": "It stays more than 5 points behind"},
            free_came,
        ),
    },
    measure=measure,
    read=read,
    effects=(
        Effect("stuck", "test error on the bad net frozen minus free", POINTS, -POINTS, "points"),
        Effect("gap", "train error of the plain 32-layer net on a bad one minus its residual twin's", FAR, -FAR,
               "points"),
    ),
    explain={
        "present": "**We do not know it; they become good because they go on learning.** Blocks of zero leave the "
        "answers as they are: {bad_frozen_at_first:percent!} test error on a bad net, {good_frozen_at_first:percent!} "
        "on a good one. Over frozen layers the new blocks come to {bad_frozen:percent} on the bad net and "
        "{good_frozen:percent} on the good one; when all layers learn, the same bad start ends at {bad_free:percent}. "
        "So an identity on top promises *not worse*, never *good*.\n\nTo learn on, the first layers must hear what to "
        "learn. At 32 layers the residual net's first block gets a gradient of {norm_residual:scientific} after 11 "
        "steps, and the net reaches {deep_residual:percent} train error. The plain net's starts far too large, at "
        "{start_plain:scientific}, and is {norm_plain:scientific} by then; that net is left at {deep_plain:percent}.",
        "absent": "This run does not show it clearly: on the bad net the new blocks end at {bad_frozen:percent} test "
        "error when it is frozen and at {bad_free:percent} when all layers learn; grown to 32 layers the plain net "
        "ends at {deep_plain:percent} train error, the residual one at {deep_residual:percent}.",
        "reversed": "In this run it is the other way round somewhere: on the bad net the new blocks end at "
        "{bad_frozen:percent} test error when it is frozen and at {bad_free:percent} when all layers learn; grown to "
        "32 layers the plain net ends at {deep_plain:percent} train error, the residual one at "
        "{deep_residual:percent}.",
    },
    figure=figure,
    views={"What reaches the first layer": gradients},
    table=table,
    evidence=(
        Evidence("small_bad", "the bad small net itself, test error"),
        Evidence("bad_frozen", "two blocks on the bad net, frozen", prototype="16 % (one seed)"),
        Evidence("bad_free", "two blocks on the bad net, all learn", prototype="1.3 % (one seed)"),
        Evidence("good_frozen", "two blocks on the good net, frozen", prototype="1.3 % (one seed)"),
        Evidence("deep_residual", "32 layers on a bad net, residual, train error", prototype="0.1 % (one seed)"),
        Evidence("deep_plain", "32 layers on a bad net, plain, train error", prototype="38 % (one seed)"),
        Evidence("arrives", "first block's gradient after 11 steps, residual over plain", "times", "3.9 × (one seed)"),
    ),
    comparable="No paper prints this experiment. He 2016a (Sect. 3.1) argues with an identity on top of a *trained* "
    "shallow net, and says that solvers do not find it in plain nets; the paper does not claim that first layers are "
    "good by themselves.",
    sources=(
        Source("He et al. 2016a, Deep Residual Learning", "Sect. 1 and 3.1", "https://arxiv.org/abs/1512.03385"),
        Source("Zhang et al., Dive into Deep Learning", "Sect. 8.6.1, function classes",
               "https://d2l.ai/chapter_convolutional-modern/resnet.html"),
    ),
    apart=apart,
)  # fmt: skip
