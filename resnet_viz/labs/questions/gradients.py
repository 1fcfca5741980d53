"""Lab 2, gradients by depth: what really happens to the gradient of the first layers, before and after a few steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ...draw.canvas import ALTERED, canvas, legend, level, line, note, points, stem
from ...draw.colours import Role, Theme
from ...draw.thresholds import EXPLODING, VANISHING
from ...draw.verdict import label
from ...draw.wording import scientific, times
from ...spec import Experiment, Network
from ..lab import Effect, Evidence, Finding, Findings, Guess, Lab, Large, Numbers, Source, collect
from ..numbers import Number
from ..variants import small

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..bench import Bench, Trial

DEPTH = 56
LATER = 11
"""The row of the last step of the first epoch: the gradient after so many updates."""
EPOCHS, LARGE_EPOCHS = 8, 3
NETS: dict[str, Role] = {"plain": "plain", "residual": "residual"}
NORMS = {"batch": "batch norm", "none": "no norm"}
ACTIVATIONS = {"relu": "ReLU", "tanh": "tanh", "sigmoid": "sigmoid"}
LONG = ("plain-batch-relu", "residual-batch-relu", "plain-none-tanh")
GENTLE = {"learning_rate": 0.01}
"""Without norm plain nets need a smaller rate; tanh at this one is the best plain net that the prototypes found."""
FLOOR, CEILING = 1e-8, 1e5
"""Ratios beyond are drawn at the edge of the picture."""
TINY = 1e-30

Cell = tuple[str, str, str]


def cells() -> list[Cell]:
    """(net, norm, activation) of every corner of the cube."""
    return [(net, norm, activation) for norm in NORMS for activation in ACTIVATIONS for net in NETS]


def network(cell: Cell, *, large: bool = False) -> Network:
    """One corner: Kaiming initialisation as in the paper."""
    net, norm, activation = cell
    merge = "none" if net == "plain" else "add"
    return small("-".join(cell), DEPTH, large=large, merge=merge, norm=norm, activation=activation)


def measure(bench: Bench, seed: int) -> Iterator[Finding]:
    """Per-layer gradient norms of each corner at initialisation and later, and how three of them end."""
    ordered = sorted(cells(), key=lambda cell: "-".join(cell) in LONG)
    nets = {"-".join(cell): (cell, network(cell, large=bench.large)) for cell in ordered}
    epochs = LARGE_EPOCHS if bench.large else EPOCHS
    recipes: dict[str, dict[str, Any]] = {name: {"epochs": epochs} for name in LONG}
    recipes["plain-none-tanh"] |= GENTLE
    trial = bench.race(
        {name: net for name, (_, net) in nets.items()}, seed=seed, dataset=bench.cifar10 or "digits", epochs=1,
        recipes=recipes,
    )  # fmt: skip
    for row in trial:
        cell = nets[row.contestant][0]
        bench.tell(f"{words(cell)}, step {row.step}")
        if row.epoch < 2:
            yield seen(trial, row.contestant, cell, LATER if row.epoch else 0)
        if row.contestant in LONG and row.epoch:
            yield of(cell) | {"epoch": row.epoch, "epochs": epochs, "train_error": row.train_error}


def of(cell: Cell) -> Finding:
    """What names a corner in a finding."""
    return dict(zip(("net", "norm", "activation"), cell, strict=True))


def words(cell: Cell) -> str:
    """A corner in words: "plain, batch norm, ReLU"."""
    return f"{cell[0]}, {NORMS[cell[1]]}, {ACTIVATIONS[cell[2]]}"


def moment(step: int) -> str:
    """A step in words."""
    return f"after {step} steps" if step else "at initialisation"


def seen(trial: Trial, name: str, cell: Cell, step: int) -> Finding:
    """The norms of all convolutions of the blocks in forward order, and first over last."""
    signals = trial.signals(name)
    paths = [path for path in trial.layers[name] if path.startswith("layer")]
    norms = [float(signals[f"grad_norm/{path}"][step]) for path in paths]
    ratio = norms[0] / norms[-1] if norms[-1] else None
    return of(cell) | {"step": step, "ratio": ratio, "largest": max(norms), "norms": norms}


def read(findings: Findings) -> dict[str, float]:
    """Ratios by corner and moment, "plain_batch_relu_init" and "..._later", and the train errors."""
    found: dict[str, float] = {}
    for one in findings:
        name = f"{one['net']}_{one['norm']}_{one['activation']}"
        if one.get("ratio") is not None:
            found[f"{name}_{'later' if one['step'] else 'init'}"] = one["ratio"]
        if "epoch" in one and one["epoch"] == one["epochs"]:
            found[f"{name}_train"] = one["train_error"]
    start = found.get("plain_batch_relu_init")
    if start is not None and "plain_batch_relu_later" in found:
        found["turn"] = start / max(found["plain_batch_relu_later"], TINY)
    if start is not None and "residual_batch_relu_init" in found:
        found["tamed"] = start / max(found["residual_batch_relu_init"], TINY)
    return found


def card(name: str) -> Guess:
    """One card to sort: what the ratio of that corner is called at initialisation."""
    net, norm, activation = name.split("_")

    def came(numbers: Numbers) -> str | None:
        return label(numbers[f"{name}_init"].median) if f"{name}_init" in numbers else None

    choices = {"vanishing": "vanish", "healthy": "neither", "exploding": "explode"}
    return Guess(f"**{words((net, norm, activation))}**: gradients at the start", choices, came)


def bounded(ratio: float) -> float:
    """A ratio inside the picture."""
    return min(max(ratio, FLOOR), CEILING)


def figure(findings: Findings, theme: Theme) -> go.Figure:
    """First over last gradient of each corner: open marker at initialisation, filled after eleven steps."""
    places = [(norm, activation) for norm in NORMS for activation in ACTIVATIONS]
    made = canvas(
        theme, x="open: at initialisation · filled: after 11 steps · ↓: far below the scale",
        y="gradient norm, first layer over last",
        log_y=True, x_range=(-0.9, len(places) - 0.4), y_range=(FLOOR / 3, CEILING * 2),
        ticks=list(range(len(places))),
        names=[f"{ACTIVATIONS[activation]}<br>{NORMS[norm]}" for norm, activation in places],
    )  # fmt: skip
    made.update_yaxes(dtick=2)
    made.update_layout(meta=ALTERED)
    level(made, theme, f"explodes above {EXPLODING:g}", EXPLODING, right=True)
    level(made, theme, f"vanishes below {VANISHING:g}", VANISHING, right=True)
    ratios = collect(findings, ("net", "norm", "activation", "step"), "ratio")
    for net, role in NETS.items():
        for place, corner in enumerate(places):
            both = {step: number for step in (0, LATER) if (number := ratios.get((net, *corner, step)))}
            _pair(made, theme, place + (-0.13 if net == "plain" else 0.13), (net, *corner), both, role)
    legend(made, list(NETS.items()), theme)
    return made


def _pair(made: go.Figure, theme: Theme, x: float, cell: Cell, both: dict[int, Number], role: Role) -> None:
    """The two moments of one corner."""
    if len(both) == 2:
        stem(made, theme, x, *(bounded(number.median) for number in both.values()), role=role)
    for step, number in both.items():
        told = f"{words(cell)}, {moment(step)}: {number:times}"
        points(made, theme, cell[0], [x], [bounded(number.median)], role=role, hollow=step == 0, texts=[told])
        if number.median < FLOOR:
            note(made, theme, "↓", x, FLOOR, role=role)


def profile(norm: str, activation: str) -> Callable[[Findings, Theme], go.Figure]:
    """A picture of every layer for one norm and activation, plain and residual, both moments, on one scale."""

    def drawn(findings: Findings, theme: Theme) -> go.Figure:
        made = canvas(
            theme, x="convolution of the blocks, input to output (dotted: at initialisation · solid: after 11 steps)",
            y="gradient norm", log_y=True, x_range=(0, DEPTH - 1),
        )  # fmt: skip
        made.update_yaxes(dtick=None, nticks=7)
        for net, role in NETS.items():
            for step in (0, LATER):
                norms = middle(findings, (net, norm, activation), step)
                line(
                    made, theme, f"{net}, {moment(step)}", list(range(1, len(norms) + 1)), norms, role=role,
                    dash="solid" if step else "dot", markers=False, label=False,
                )  # fmt: skip
        legend(made, list(NETS.items()), theme)
        return made

    return drawn


def middle(findings: Findings, cell: Cell, step: int) -> list[float]:
    """The median norm of each layer over the repeats; a gradient of 0 stands at the smallest number drawn."""
    rows = [
        one["norms"]
        for one in findings
        if one.get("step") == step and (one["net"], one["norm"], one["activation"]) == cell
    ]
    return [max(Number(tuple(norm or 0.0 for norm in layer)).median, TINY) for layer in zip(*rows, strict=True)]


def table(findings: Findings) -> list[dict[str, str]]:
    """One row a corner."""
    by = ("net", "norm", "activation")
    ratios, largest = (collect(findings, (*by, "step"), value) for value in ("ratio", "largest"))
    errors, rows = collect(findings, by, "train_error"), []
    for cell in cells():
        first, later = ratios.get((*cell, 0)), ratios.get((*cell, LATER))
        if first is None:
            continue
        rows.append({
            "Network": words(cell),
            "First over last at the start": times(first.median),
            "is called": label(first.median),
            "After 11 steps": times(later.median) if later else "not yet, or not finite",
            "Largest gradient at the start": scientific(largest[*cell, 0].median),
            "Last train error": f"{errors[cell]:percent}" if cell in errors else "-",
        })  # fmt: skip
    return rows


def apart() -> Experiment:
    """The pair with batch norm and ReLU as a race, every layer's gradient at every step."""
    return Experiment(contestants={f"{net}-56": network((net, "batch", "relu")) for net in NETS})


CARDS = ("plain_batch_relu", "residual_batch_relu", "plain_none_sigmoid", "residual_batch_sigmoid")

LAB = Lab(
    number=2,
    slug="gradients",
    title="Gradients by depth",
    question="Are the gradients of a deep plain net really vanishing?",
    answer="Not with batch norm: the first layer's gradient starts {plain_batch_relu_init:times!} as large as the last "
    "one's, and is at {plain_batch_relu_later:times!} eleven steps later; with a sigmoid it does vanish, even under "
    "shortcuts.",
    setting="Networks of 56 layers, width 8, on 8 × 8 digits: shortcuts or none, batch norm or none, three "
    "activations; Kaiming initialisation, learning rate 0.1. The ratio compares the first convolution of the blocks "
    "with the last. Without norm the last maps of 2 × 2 are mostly padding, which makes all gradients small there.",
    guesses={name: card(name) for name in CARDS},
    measure=measure,
    read=read,
    effects=(
        Effect("plain_batch_relu_init", "plain, batch norm, ReLU: ratio at initialisation", EXPLODING, VANISHING,
               "times"),
        Effect("turn", "the same ratio at initialisation over that after 11 steps", 20, 1 / 20, "times"),
        Effect("tamed", "that ratio of the plain net over its residual twin's, at initialisation", 5, 1 / 5, "times"),
    ),
    explain={
        "present": "**No: with batch norm and ReLU they explode at first.** Before training the gradient of the plain "
        "net's first layer is {plain_batch_relu_init:times} as large as that of its last one; eleven steps later it "
        "is at {plain_batch_relu_later:times}. With shortcuts it goes from {residual_batch_relu_init:times!} to "
        "{residual_batch_relu_later:times!}.\n\nSo what you see depends on the moment, the norm and the activation. "
        "With a sigmoid the gradient does vanish, even under shortcuts ({residual_batch_sigmoid_init:times!}), for "
        "the sigmoid stands on the shortcut's way. And a good ratio is not enough: a plain tanh net *without* norm "
        "starts at {plain_none_tanh_init:times!} and ends at {plain_none_tanh_train:percent} train error (at a tenth "
        "of the learning rate). The plain net with batch norm ends at {plain_batch_relu_train:percent}, with "
        "shortcuts at {residual_batch_relu_train:percent!}.",
        "absent": "This run has no clear explosion: the plain net with batch norm and ReLU starts at "
        "{plain_batch_relu_init:times} from last to first layer and is at {plain_batch_relu_later:times} after eleven "
        "steps; its residual twin starts at {residual_batch_relu_init:times}.",
        "reversed": "In this run it is the other way round: the plain net with batch norm and ReLU starts at "
        "{plain_batch_relu_init:times} from last to first layer and is at {plain_batch_relu_later:times} after eleven "
        "steps; its residual twin starts at {residual_batch_relu_init:times}.",
    },
    figure=figure,
    views={
        "Layers: batch norm, ReLU": profile("batch", "relu"),
        "Layers: batch norm, sigmoid": profile("batch", "sigmoid"),
        "Layers: no norm, tanh": profile("none", "tanh"),
    },
    table=table,
    evidence=(
        Evidence("plain_batch_relu_init", "plain, batch norm, ReLU, at the start", "times", "1,500 ×"),
        Evidence("plain_batch_relu_later", f"the same after {LATER} steps", "times", "0.03 ×"),
        Evidence("residual_batch_relu_init", "residual, batch norm, ReLU", "times", "6.4 ×"),
        Evidence("plain_none_relu_init", "plain, no norm, ReLU", "times", "3.5 ×"),
        Evidence("residual_batch_sigmoid_init", "residual, batch norm, sigmoid", "times", "2 × 10⁻⁵ ×"),
        Evidence("plain_none_sigmoid_init", "plain, no norm, sigmoid", "times", "5 × 10⁻³² ×"),
        Evidence("plain_batch_relu_train", "plain, batch norm, ReLU: train error", prototype="66 % (61 to 74)"),
        Evidence("plain_none_tanh_train", "plain, no norm, tanh: train error", prototype="20 % (18 to 22)"),
    ),
    comparable="No paper prints these ratios for these nets. He 2016a (Sect. 4.1) argues that plain nets with batch "
    "norm do not suffer from vanishing gradients; Yang 2019 proves that batch norm makes them explode with depth in "
    "fully connected nets without shortcuts, at initialisation.",
    sources=(
        Source("He et al. 2016a, Deep Residual Learning", "Sect. 4.1", "https://arxiv.org/abs/1512.03385"),
        Source("Yang et al. 2019, A Mean Field Theory of Batch Normalization", "abstract",
               "https://arxiv.org/abs/1902.08129"),
    ),
    apart=apart,
    large=Large(
        setting=f"Networks of {DEPTH} layers, width 16, on CIFAR-10 (32 × 32 pixels): shortcuts or none, batch norm or "
        "none, three activations; Kaiming initialisation, learning rate 0.1. The ratio compares the first convolution "
        f"of the blocks with the last. The three whose train error is told are trained for {LARGE_EPOCHS} epochs.",
    ),
)  # fmt: skip
