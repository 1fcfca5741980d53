"""Lab 1, degradation: plain networks get worse with depth on the very images they train on (He 2016a, Fig. 1 and 6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...draw.canvas import canvas, level, line, name_ends
from ...draw.colours import ROLES, Role, Theme
from ...draw.wording import listed
from ...spec import Experiment, Network, preset
from ..lab import Effect, Evidence, Finding, Findings, Guess, Lab, Large, Numbers, Sketch, Source, collect

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..bench import Bench

DEPTHS = (8, 20, 32, 56)
KINDS = {"plain": "tiny_plain", "residual": "tiny_resnet"}
LARGE = {"plain": "cifar_plain", "residual": "cifar_resnet"}
LARGE_DEPTHS = (20, 32, 56)
EPOCHS, LARGE_EPOCHS = 8, 10
CHANCE = 0.9
ENOUGH = 0.1
"""Ten points of error: several times the spread of the repeats."""


def networks(bench: Bench) -> dict[tuple[str, int], Network]:
    """Plain and residual of every depth, side by side."""
    if bench.large:
        return {(kind, depth): preset(f"{LARGE[kind]}{depth}") for depth in LARGE_DEPTHS for kind in LARGE}
    return {(kind, depth): preset(f"{KINDS[kind]}{depth}") for depth in DEPTHS for kind in KINDS}


def measure(bench: Bench, seed: int) -> Iterator[Finding]:
    """The errors on the whole sets after each epoch of each network."""
    found = {f"{kind}-{layers}": (kind, layers, net) for (kind, layers), net in networks(bench).items()}
    epochs, dataset = (LARGE_EPOCHS, bench.cifar10) if bench.cifar10 else (EPOCHS, "digits")
    trial = bench.race({name: net for name, (_, _, net) in found.items()}, seed=seed, dataset=dataset, epochs=epochs)
    for row in trial:
        kind, layers, _ = found[row.contestant]
        bench.tell(f"{kind}, {layers} layers, epoch {row.epoch} of {epochs}")
        yield {
            "net": kind, "layers": layers, "epoch": row.epoch, "epochs": epochs, "train_error": row.train_error,
            "test_error": row.test_error,
        }  # fmt: skip


def ended(findings: Findings) -> list[Finding]:
    """The findings at the last epoch."""
    return [one for one in findings if one["epoch"] == one["epochs"]]


def read(findings: Findings) -> dict[str, float]:
    """Last errors by network, "plain_56_train", and what depth does to the training error."""
    found: dict[str, float] = {}
    for one in ended(findings):
        for which in ("train", "test"):
            found[f"{one['net']}_{one['layers']}_{which}"] = one[f"{which}_error"]
    depths = sorted({int(one["layers"]) for one in ended(findings)})
    if depths:
        first, last = depths[0], depths[-1]
        for which in ("train", "test"):
            for kind in KINDS:
                ends = [found.get(f"{kind}_{depth}_{which}") for depth in (first, last)]
                if first != last and ends[0] is not None and ends[1] is not None:
                    found[f"{kind}_first_{which}"], found[f"{kind}_last_{which}"] = ends[0], ends[1]
                    found[f"{kind}_rise_{which}"] = ends[1] - ends[0]
        if "plain_last_train" in found and "residual_last_train" in found:
            found["gap"] = found["plain_last_train"] - found["residual_last_train"]
            found["layers"] = last
            found["first_layers"] = first
    return found


def came(numbers: Numbers) -> str | None:
    """Which of the predictions the training errors bear out."""
    if "plain_rise_train" not in numbers:
        return None
    rise = numbers["plain_rise_train"].median
    if rise >= ENOUGH:
        return "rises"
    return "overfits" if numbers["plain_rise_test"].median >= ENOUGH else "stays" if rise > -ENOUGH else "falls"


def figure(findings: Findings, theme: Theme) -> go.Figure:
    """Error against depth: training solid, test dashed. While it runs each point is that of the newest epoch."""
    depths = LARGE_DEPTHS if any(one["epochs"] == LARGE_EPOCHS for one in findings) else DEPTHS
    made = canvas(
        theme, x="layers that have weights", y="error (solid: training · dotted: test images)", percent=True,
        y_range=(-0.03, 1.0), x_range=(depths[0] - 3, depths[-1] * 1.22), ticks=depths,
    )  # fmt: skip
    level(made, theme, "guessing", CHANCE, right=True)
    names: list[tuple[str, int, float, Role]] = []
    for kind, role in zip(KINDS, ROLES, strict=False):
        for which, dash, width in (("test", "dot", 1.5), ("train", "solid", 3.0)):
            spread = collect([one for one in findings if one["net"] == kind], ("layers",), f"{which}_error")
            rows = sorted((key[0], number) for key, number in spread.items())
            line(
                made, theme, f"{kind}, {which}", [x for x, _ in rows], [number.median for _, number in rows],
                low=[number.low for _, number in rows], high=[number.high for _, number in rows], role=role,
                dash=dash, width=width, label=False,
            )  # fmt: skip
        names += [(kind, rows[-1][0], rows[-1][1].median, role)] if rows else []
    name_ends(made, theme, names, 0.065)
    return made


def table(findings: Findings) -> list[dict[str, str]]:
    """One row a network."""
    rows: list[dict[str, str]] = []
    train, test, epochs = (collect(findings, ("net", "layers"), v) for v in ("train_error", "test_error", "epoch"))
    for (kind, layers), number in sorted(train.items(), key=lambda item: (item[0][0], item[0][1])):
        rows.append({
            "Network": str(kind), "Layers": str(layers), "Epochs": f"{epochs[kind, layers]:count!}",
            "Train error": f"{number:percent}", "Test error": f"{test[kind, layers]:percent}",
        })  # fmt: skip
    return rows


def apart() -> Experiment:
    """The deepest pair as a race."""
    nets: dict[str, Any] = {"plain-56": preset("tiny_plain56"), "residual-56": preset("tiny_resnet56")}
    return Experiment(contestants=nets)


FAILS = (
    "**Something else is wrong: the deep plain net cannot even fit the images that it trains on.** From "
    "{first_layers:count!} to {layers:count!} layers its training error goes from {plain_first_train:percent!} to "
    "{plain_last_train:percent}, so this is no overfitting: that would be a low training error and a high test error. "
    "Its twin with shortcuts, same layers and same weights to start from, is at {residual_last_train:percent}.\n\nThe "
    "paper calls this *degradation* and holds vanishing gradients for an unlikely cause, since its nets have batch "
    "norm (He 2016a, Sect. 4.1); the next lab looks at the gradients. "
)
WATCH = "The curve to watch is the *training* error: a deeper net that overfits has a low one and a high test error."
SHAPE = (
    "what can be compared is the shape: Fig. 6 (left) has plain-20 below plain-56 in training, Fig. 6 (middle) the "
    "opposite order with shortcuts."
)
EVIDENCE = (
    Evidence("plain_8_train", "plain, 8 layers, train error", prototype="0 %"),
    Evidence("plain_20_train", "plain, 20 layers, train error", prototype="3.7 % (1.9 to 7.1)"),
    Evidence("plain_32_train", "plain, 32 layers, train error", prototype="31.5 % (27 to 36)"),
    Evidence("plain_56_train", "plain, 56 layers, train error", prototype="65.6 % (61 to 74)"),
    Evidence("residual_56_train", "residual, 56 layers, train error", prototype="0.2 % (0 to 0.3)"),
    Evidence("residual_8_test", "residual, 8 layers, test error", prototype="1.0 % (0.7 to 1.3)"),
    Evidence("residual_20_test", "residual, 20 layers, test error", prototype="1.9 % (1.3 to 2.7)",
             published="8.75 % on CIFAR-10 (He 2016a, Table 6)"),
    Evidence("residual_56_test", "residual, 56 layers, test error", prototype="2.4 % (1.3 to 4.0)",
             published="6.97 % on CIFAR-10 (He 2016a, Table 6)"),
)  # fmt: skip
ON_CIFAR = Large(
    setting=f"Plain and residual networks of {listed([str(depth) for depth in LARGE_DEPTHS])} layers, as He 2016a has "
    f"them for CIFAR-10 (width 16), on its 50,000 training images of 32 × 32 pixels: {LARGE_EPOCHS} epochs, same "
    f"batches, same recipe. {WATCH}",
    explain={
        "present": FAILS + "What residual depth gains is another matter: the test error is "
        "{residual_first_test:percent} with {first_layers:count!} layers and {residual_last_test:percent} with "
        "{layers:count!}.",
    },
    evidence=tuple(one for one in EVIDENCE if "_8_" not in one.number),
    comparable="The paper trains these nets on the same images for 64,000 steps, each image cropped and mirrored by "
    f"chance, and this lab for {LARGE_EPOCHS} epochs as they are, so its errors are no goal here; {SHAPE}",
)

LAB = Lab(
    number=1,
    slug="degradation",
    title="Degradation",
    question="Do shortcuts help because gradients vanish without them, or is something else wrong?",
    answer="Deep plain nets fail already on the images they train on: {plain_last_train:percent!} train error at "
    "{layers:count!} layers against {residual_last_train:percent!} with shortcuts, so it is not overfitting.",
    setting="Plain and residual networks of 8, 20, 32 and 56 layers, width 8, on 1,500 digits of 8 × 8 pixels: 96 "
    "steps each, same batches, same recipe. " + WATCH,
    guesses={
        "curve": Guess(
            "What happens to the **training** error of a plain net as it gets deeper?",
            {
                "rises": "It rises: the deeper net cannot even fit what it has seen",
                "stays": "It stays about the same: more layers never hurt on the training set",
                "overfits": "It stays low while the test error rises: overfitting",
                "falls": "It falls: more layers fit better",
            },
            came,
        )
    },
    measure=measure,
    read=read,
    effects=(
        Effect("plain_rise_train", "train error of the deepest plain net minus the shallowest", ENOUGH, -ENOUGH,
               "points"),
        Effect("gap", "train error of the deepest plain net minus its residual twin", ENOUGH, -ENOUGH, "points"),
    ),
    explain={
        "present": FAILS + "Not seen here: a gain from more residual layers. On these easy digits the test error is "
        "{residual_first_test:percent} with {first_layers:count!} layers and {residual_last_test:percent} with "
        "{layers:count!}.",
        "absent": "This run shows no clear degradation: the plain net's training error goes from "
        "{plain_first_train:percent} to {plain_last_train:percent}, its deepest twin with shortcuts is at "
        "{residual_last_train:percent}. Less than ten points between them may be chance.",
        "reversed": "In this run it is the other way round: the plain net's training error goes from "
        "{plain_first_train:percent} to {plain_last_train:percent}, and the deepest net with shortcuts is at "
        "{residual_last_train:percent}. That contradicts the paper; run the three repeats before you believe it.",
    },
    figure=figure,
    table=table,
    evidence=EVIDENCE,
    comparable="The paper's nets are trained on CIFAR-10 for 64,000 steps, so its errors are no goal for these 96 "
    "steps on digits; " + SHAPE,
    sources=(
        Source("He et al. 2016a, Deep Residual Learning", "Fig. 1 and 6, Table 6, Sect. 4.1 and 4.2",
               "https://arxiv.org/abs/1512.03385"),
    ),
    apart=apart,
    large=ON_CIFAR,
    sketch=Sketch(
        "train error of the plain nets", tuple(map(float, DEPTHS)), tuple(f"{depth} layers" for depth in DEPTHS)
    ),
)  # fmt: skip
