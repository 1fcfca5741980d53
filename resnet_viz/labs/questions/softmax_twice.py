"""Lab 7, softmax twice: a softmax in front of a loss that has its own; and Xavier against Kaiming."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import e, log
from typing import TYPE_CHECKING

from ...draw.canvas import bars, canvas, legend, level, line, name_ends
from ...draw.colours import Role, Theme
from ...draw.wording import scientific
from ...spec import Experiment, Network
from ..lab import Effect, Evidence, Finding, Findings, Guess, Lab, Numbers, Source, collect
from ..numbers import Number
from ..variants import small

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..bench import Bench, Trial

DEPTH, EPOCHS, STEPS = 20, 8, 96
FLOOR = log(e + 9) - 1
"""The least loss of ten classes when probabilities are taken for scores: the right one is 1, nine others 0."""
LOSSES = {"once": "cross_entropy", "twice": "double_softmax"}
SCHEMES = {"xavier": "Xavier", "kaiming": "Kaiming"}
CHANCE, CLEAR, SMALL = 0.9, 0.05, 0.02
FAILS = 0.5


@dataclass(frozen=True)
class Case:
    """One training: "plain" or "residual", "batch" or "none", initialisation, softmax "once" or "twice", rate."""

    net: str
    norm: str
    scheme: str
    softmax: str = "once"
    rate: float = 0.1

    @property
    def name(self) -> str:
        """Its name in findings and numbers."""
        return f"{self.net}_{self.norm}_{self.scheme}_{self.softmax}" + ("_gentle" if self.rate < 0.1 else "")

    @property
    def words(self) -> str:
        """The same in words."""
        norm = "batch norm" if self.norm == "batch" else f"no norm, rate {self.rate:g}"
        return f"{self.net}, {norm}, {SCHEMES[self.scheme]}, softmax {self.softmax}"


CASES = (
    *(Case(net, "batch", "xavier", softmax) for net in ("residual", "plain") for softmax in LOSSES),
    *(Case(net, "batch", "kaiming", softmax) for net in ("residual", "plain") for softmax in LOSSES),
    *(Case("residual", "none", scheme, rate=rate) for rate in (0.1, 0.01) for scheme in SCHEMES),
)
BY_NAME = {case.name: case for case in CASES}
LINES: dict[str, tuple[str, Role]] = {
    "plain_batch_xavier_twice": ("plain, softmax twice", "fourth"),
    "residual_batch_xavier_twice": ("residual, twice", "third"),
    "plain_batch_xavier_once": ("plain, once", "plain"),
    "residual_batch_xavier_once": ("residual, once", "residual"),
}
PLACES = {
    "residual,<br>batch norm": "residual_batch_{}_once",
    "plain,<br>batch norm": "plain_batch_{}_once",
    "residual, no norm,<br>learning rate 0.1": "residual_none_{}_once",
    "residual, no norm,<br>learning rate 0.01": "residual_none_{}_once_gentle",
}
"""Where Xavier and Kaiming are compared, and the name of a case with a slot for the initialisation."""


def network(case: Case) -> Network:
    """20 layers of that kind."""
    scheme = "xavier" if case.scheme == "xavier" else "kaiming_fan_out"
    merge = "none" if case.net == "plain" else "add"
    return small(case.name, DEPTH, merge=merge, norm=case.norm, scheme=scheme)


def measure(bench: Bench, seed: int) -> Iterator[Finding]:
    """Errors and losses by epoch of each case, and the whole gradient's norm at initialisation."""
    recipes = {case.name: {"loss": LOSSES[case.softmax], "learning_rate": case.rate} for case in CASES}
    trial = bench.race(
        {case.name: network(case) for case in CASES}, seed=seed, epochs=EPOCHS, recipes=recipes
    )  # fmt: skip
    told: dict[str, int] = {}
    for row in trial:
        case = BY_NAME[row.contestant]
        bench.tell(f"{case.words}, epoch {row.epoch} of {EPOCHS}")
        losses = trial.signals(case.name)["loss"]
        found: Finding = {
            "case": case.name, "epoch": row.epoch, "train_error": row.train_error, "test_error": row.test_error,
            "losses": [float(loss) for loss in losses[told.get(case.name, 0) : row.step]],
        }  # fmt: skip
        told[case.name] = row.step
        yield found | ({"gradient": whole(trial, case.name)} if row.epoch == 0 else {})
    for name in trial.failed:
        yield {"case": name, "failed": True}


def whole(trial: Trial, name: str) -> float:
    """The norm of the gradient of all convolutions' and the linear layer's weights together, at initialisation."""
    rows = trial.signals(name)
    return float(sum(float(rows[f"grad_norm/{path}"][0]) ** 2 for path in trial.layers[name]) ** 0.5)


def read(findings: Findings) -> dict[str, float]:
    """By case "..._train" and "..._gradient", last losses, and what a second softmax and an initialisation change."""
    found: dict[str, float] = {}
    for one in findings:
        name = one["case"]
        if one.get("gradient") is not None:
            found[f"{name}_gradient"] = one["gradient"]
        if one.get("epoch") == EPOCHS:
            found[f"{name}_train"] = one["train_error"]
            found[f"{name}_loss"] = sum(one["losses"]) / len(one["losses"])
    for net in ("residual", "plain"):
        for scheme in SCHEMES:
            once, twice = (f"{net}_batch_{scheme}_{softmax}" for softmax in LOSSES)
            if f"{once}_gradient" in found and found.get(f"{twice}_gradient"):
                found[f"{net}_{scheme}_shrink"] = found[f"{once}_gradient"] / found[f"{twice}_gradient"]
            if f"{once}_train" in found and f"{twice}_train" in found:
                found[f"{net}_{scheme}_behind"] = found[f"{twice}_train"] - found[f"{once}_train"]
    behind = [found.get(f"{net}_{scheme}_behind") for net in ("residual", "plain") for scheme in SCHEMES]
    if all(gap is not None for gap in behind):
        found["behind"] = sum(gap for gap in behind if gap is not None) / len(behind)
    for name, place in (("batch", "residual_batch_{}_once"), ("plain", "plain_batch_{}_once"),
                        ("none", "residual_none_{}_once"), ("gentle", "residual_none_{}_once_gentle")):  # fmt: skip
        ends = [found.get(f"{place.format(scheme)}_train") for scheme in SCHEMES]
        if ends[0] is not None and ends[1] is not None:
            found[f"{name}_init"] = ends[0] - ends[1]
    return found


def came(numbers: Numbers) -> str | None:
    """What a second softmax does to the training."""
    if "behind" not in numbers:
        return None
    twice = [numbers[f"{net}_batch_{scheme}_twice_train"].median for net in ("residual", "plain") for scheme in SCHEMES]
    if min(twice) >= FAILS:
        return "fails"
    behind = numbers["behind"].median
    return "slower" if behind >= CLEAR else "better" if behind <= -CLEAR else "same"


def ahead(numbers: Numbers) -> str | None:
    """Which initialisation is ahead in the residual net with batch norm."""
    if "batch_init" not in numbers:
        return None
    gap = numbers["batch_init"].median
    return "kaiming" if gap >= SMALL else "xavier" if gap <= -SMALL else "same"


def figure(findings: Findings, theme: Theme) -> go.Figure:
    """Training loss by step with one softmax and with two, and the floor of two."""
    made = canvas(theme, x="step", y="loss of the batch", x_range=(0, STEPS * 1.36), y_range=(-0.08, 3.0),
                  ticks=list(range(0, STEPS + 1, 24)))  # fmt: skip
    level(made, theme, f"floor of softmax twice: ln(e + 9) − 1 = {FLOOR:.3f}", FLOOR)
    made.layout.annotations[-1].update(x=0.3, yanchor="top")
    names: list[tuple[str, int, float, Role]] = []
    for name, (words, role) in LINES.items():
        losses = series(findings, name)
        line(made, theme, words, list(range(len(losses))), losses, role=role, markers=False, label=False)
        names += [(words, len(losses) - 1, losses[-1], role)] if losses else []
    name_ends(made, theme, names, 0.19)
    return made


def series(findings: Findings, name: str) -> list[float]:
    """The loss of each step so far, the median over the repeats that have it."""
    runs: dict[int, list[float]] = {}
    for one in findings:
        if one["case"] == name and "losses" in one:
            runs.setdefault(one["seed"], []).extend(loss for loss in one["losses"] if loss is not None)
    return [Number(step).median for step in zip(*runs.values(), strict=False)]


def initialisations(findings: Findings, theme: Theme) -> go.Figure:
    """Train error with Xavier and with Kaiming, with and without norm, at two learning rates."""
    made = canvas(theme, x="", y="train error", percent=True, y_range=(0, 1.2), categories=list(PLACES))
    made.update_xaxes(title_text="one softmax")
    level(made, theme, "guessing", CHANCE)
    ends = collect(findings, ("case",), "train_error")
    roles: tuple[tuple[str, Role], ...] = (("xavier", "plain"), ("kaiming", "residual"))
    for scheme, role in roles:
        rows = {place: ends.get((name.format(scheme),)) for place, name in PLACES.items()}
        there = {place: number for place, number in rows.items() if number is not None}
        bars(
            made, theme, SCHEMES[scheme], list(there), [number.median for number in there.values()], role=role,
            texts=[f"{number:percent}".replace(" (", "<br>(") for number in there.values()],
            low=[number.low for number in there.values()], high=[number.high for number in there.values()],
        )  # fmt: skip
    legend(made, [(SCHEMES[scheme], role) for scheme, role in roles], theme)
    return made


def table(findings: Findings) -> list[dict[str, str]]:
    """One row a case."""
    train, test, gradients = (collect(findings, ("case",), v) for v in ("train_error", "test_error", "gradient"))
    failed = {one["case"] for one in findings if one.get("failed")}
    rows = []
    for case in CASES:
        key = (case.name,)
        if key not in train or key not in gradients:
            continue
        losses = series(findings, case.name)
        rows.append({
            "Training": case.words,
            "Gradient at the start": scientific(gradients[key].median),
            "Loss of the last step": f"{losses[-1]:.2f}" if losses else "-",
            "Train error": f"{train[key]:percent}" + (" (diverged in a repeat)" if case.name in failed else ""),
            "Test error": f"{test[key]:percent}",
        })  # fmt: skip
    return rows


def apart() -> Experiment:
    """The residual net with Xavier and with Kaiming as a race."""
    return Experiment(contestants={SCHEMES[case.scheme]: network(case) for case in CASES if _alike(case)})


def _alike(case: Case) -> bool:
    return (case.net, case.norm, case.softmax) == ("residual", "batch", "once")


LAB = Lab(
    number=7,
    slug="softmax-twice",
    title="Softmax twice",
    question="The paper has a softmax and Kaiming's initialisation, the chapter no softmax and Xavier's: does it "
    "matter?",
    answer="A second softmax makes the first gradients {residual_xavier_shrink:times!} smaller and keeps the loss "
    "above 1.461, so training is slower; Xavier or Kaiming makes little difference under batch norm.",
    setting="Networks of 20 layers, width 8, on 8 × 8 digits, 96 steps. PyTorch's cross-entropy contains a softmax, so "
    "a network that ends in one has two. Xavier and Kaiming start the same networks, with batch norm and without, "
    "the latter at two learning rates.",
    guesses={
        "softmax": Guess(
            "With a softmax at the end of the network *and* one in the loss, the net",
            {
                "fails": "does not learn",
                "slower": "learns, but more slowly",
                "same": "learns as well: a softmax keeps the order of the scores",
                "better": "learns better: its outputs are probabilities",
            },
            came,
        ),
        "init": Guess(
            "With batch norm, Xavier's or Kaiming's initialisation ends with the lower train error?",
            {"xavier": "Xavier's", "kaiming": "Kaiming's", "same": "no clear difference"},
            ahead,
        ),
    },
    measure=measure,
    read=read,
    effects=(
        Effect("residual_xavier_shrink", "residual, Xavier: gradient at the start with one softmax over that with two",
               4.0, 0.25, "times"),
        Effect("behind", "train error with two softmaxes minus one, mean of plain and residual with Xavier and Kaiming",
               CLEAR, -CLEAR, "points"),
    ),
    explain={
        "present": "**The softmax: yes, one too many slows training. The initialisation: hardly, with batch norm.** A "
        "second softmax takes probabilities for scores. They differ by at most 1, so the loss of ten classes cannot "
        "fall below ln(e + 9) − 1 = 1.461, and at the start the gradients are {residual_xavier_shrink:times} smaller "
        "(plain net: {plain_xavier_shrink:times!}). It still learns, but is {behind:points} behind: train error "
        "{residual_batch_xavier_twice_train:percent!} against {residual_batch_xavier_once_train:percent!} with "
        "shortcuts, {plain_batch_xavier_twice_train:percent!} against {plain_batch_xavier_once_train:percent!} "
        "without (with Kaiming: {plain_batch_kaiming_twice_train:percent!} against "
        "{plain_batch_kaiming_once_train:percent!}). So leave the softmax to the loss, as the chapter's code does; "
        "the paper only draws it.\n\nBatch norm rescales every layer: Xavier ends at "
        "{residual_batch_xavier_once_train:percent!}, Kaiming at {residual_batch_kaiming_once_train:percent!}. "
        "Without norm luck matters as much (mind the spread), and the order may change with the learning rate: at 0.1 "
        "Xavier {residual_none_xavier_once_train:percent}, Kaiming {residual_none_kaiming_once_train:percent}; at "
        "0.01 Xavier {residual_none_xavier_once_gentle_train:percent}, Kaiming "
        "{residual_none_kaiming_once_gentle_train:percent}.",
        "absent": "This run shows no clear harm of a second softmax: gradients at the start are "
        "{residual_xavier_shrink:times} smaller, and the nets with two are {behind:points} behind. Less than five "
        "points may be chance.",
        "reversed": "In this run a second softmax does no harm, on the contrary: the nets with two are "
        "{behind:points} behind those with one (minus: ahead), or their gradients at the start are not smaller "
        "({residual_xavier_shrink:times}). Run the three repeats before you believe it.",
    },
    figure=figure,
    views={"Xavier against Kaiming": initialisations},
    table=table,
    evidence=(
        Evidence("residual_xavier_shrink", "residual, Xavier: gradients at the start, once over twice", "times",
                 "11 ×"),
        Evidence("plain_xavier_shrink", "plain, Xavier: the same", "times", "9.8 ×"),
        Evidence("residual_batch_xavier_twice_loss", "residual, twice: mean loss of the last epoch", "decimal",
                 "1.53 at the last step"),
        Evidence("residual_batch_xavier_once_train", "residual, Xavier, once: train error", prototype="0 %"),
        Evidence("residual_batch_xavier_twice_train", "residual, Xavier, twice: train error",
                 prototype="4 % (0.6 to 9)"),
        Evidence("plain_batch_xavier_once_train", "plain, Xavier, once: train error", prototype="2.4 %"),
        Evidence("plain_batch_xavier_twice_train", "plain, Xavier, twice: train error", prototype="31 % (22 to 35)"),
        Evidence("plain_batch_kaiming_once_train", "plain, Kaiming, once: train error", prototype="3.7 %"),
        Evidence("plain_batch_kaiming_twice_train", "plain, Kaiming, twice: train error",
                 prototype="32 % (30 to 36)"),
        Evidence("residual_batch_kaiming_once_train", "residual, Kaiming, once: train error", prototype="0.1 %"),
        Evidence("residual_none_xavier_once_train", "residual, no norm, Xavier, rate 0.1: train error",
                 prototype="6 % (3 to 10)"),
        Evidence("residual_none_kaiming_once_train", "residual, no norm, Kaiming, rate 0.1: train error",
                 prototype="36 % (6 to 90)"),
        Evidence("residual_none_xavier_once_gentle_train", "residual, no norm, Xavier, rate 0.01: train error",
                 prototype="22 %"),
        Evidence("residual_none_kaiming_once_gentle_train", "residual, no norm, Kaiming, rate 0.01: train error",
                 prototype="4 %"),
    ),
    comparable="No paper prints these numbers; the floor is arithmetic and holds anywhere. He 2015 derives Kaiming's "
    "scale for ReLUs *without* batch norm, Glorot 2010 Xavier's for activations that are linear near zero.",
    sources=(
        Source("He et al. 2016a, Deep Residual Learning", "Sect. 3.3 and 3.4: softmax, initialisation",
               "https://arxiv.org/abs/1512.03385"),
        Source("He et al. 2015, Delving Deep into Rectifiers", "Sect. 2.2: Kaiming's initialisation",
               "https://arxiv.org/abs/1502.01852"),
        Source("Glorot and Bengio 2010, Understanding the difficulty of training deep networks", "Eq. 16: Xavier's",
               "https://proceedings.mlr.press/v9/glorot10a.html"),
    ),
    apart=apart,
)  # fmt: skip
