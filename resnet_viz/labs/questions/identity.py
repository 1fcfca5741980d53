"""Lab 4, identity is easy: blocks trained to give back their input, and the branches of trained nets made weaker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...draw.canvas import canvas, level, line, name_ends
from ...draw.colours import Role, Theme
from ...draw.wording import percent
from ...spec import Experiment, Init, Network
from ..lab import Effect, Evidence, Finding, Findings, Guess, Lab, Numbers, Source, collect
from ..numbers import Number
from ..variants import small

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import torch
    from torch import nn

    from ..bench import Bench, Trial

WIDTH, SIZE, IMAGES = 8, 8, 128
"""Channels, height and width, and number of the maps to give back."""
DEPTH_OF = {1: 8, 9: 56}
"""By blocks in the first stage, the layers of the network that it is taken from."""
STEPS = {1: 200, 9: 150}
EVERY = 10
DEPTH, EPOCHS = 20, 12
SCALES = (1.0, 0.75, 0.5, 0.25, 0.1, 0.0)
CHANCE = 0.9
CLEAR, FAR = 0.15, 0.5
EASY = 0.1
"""A relative error that counts as "it is the identity now"."""


@dataclass(frozen=True)
class Fit:
    """One fit: number of blocks, "plain" or "skip", "none" or "batch" norm, branches that start at zero or not."""

    blocks: int
    net: str
    norm: str
    zero: bool = False

    @property
    def name(self) -> str:
        """Its name in findings and numbers."""
        return f"{'one' if self.blocks == 1 else 'nine'}_{self.net}_{'zero' if self.zero else self.norm}"

    @property
    def words(self) -> str:
        """The same in words."""
        if self.zero:
            return "shortcut, branch zero at first"
        kind = "shortcut" if self.net == "skip" else "plain"
        return f"{kind}, {'batch norm' if self.norm == 'batch' else 'no norm'}"


_FITS: tuple[tuple[Fit, Role], ...] = (
    (Fit(1, "plain", "batch"), "plain"),
    (Fit(1, "plain", "none"), "fifth"),
    (Fit(1, "skip", "batch"), "residual"),
    (Fit(1, "skip", "none"), "third"),
    (Fit(1, "skip", "batch", zero=True), "fourth"),
    (Fit(9, "plain", "batch"), "plain"),
    (Fit(9, "skip", "batch"), "residual"),
    (Fit(9, "skip", "batch", zero=True), "fourth"),
)
FITS: dict[str, tuple[Fit, Role]] = {fit.name: (fit, role) for fit, role in _FITS}
NETS: dict[str, Role] = {"plain": "plain", "residual": "residual"}


def network(net: str) -> Network:
    """The net of 20 layers whose branches are made weaker."""
    return small(net, DEPTH, merge="none" if net == "plain" else "add")


def stage(fit: Fit, device: str, seed: int) -> nn.Module:
    """The blocks of a fit: the first stage of a network, where no shape changes."""
    from ...nn import build

    net = small("fit", DEPTH_OF[fit.blocks], width=WIDTH, norm=fit.norm, merge="none" if fit.net == "plain" else "add")
    made: nn.Module = build(
        net.model_copy(update={"init": Init(zero_last=fit.zero)}), device=device, seed=seed
    ).get_submodule("layer1")
    return made


def noise(bench: Bench, seed: int) -> torch.Tensor:
    """What the blocks have to give back: noise behind a ReLU, as a block's input is."""
    import torch

    shape = (IMAGES, WIDTH, SIZE, SIZE)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).relu().to(bench.device)


def measure(bench: Bench, seed: int) -> Iterator[Finding]:
    """Relative errors of the fits by step, then the test errors of trained nets by strength of their branches."""
    from ...train.fitting import fit_identity

    x = noise(bench, seed)
    yield {"mean": float(x.std(correction=0) / (x**2).mean() ** 0.5)}
    for name, (fit, _) in FITS.items():
        for row in fit_identity(stage(fit, bench.device.type, seed), x, steps=STEPS[fit.blocks]):
            bench.tell(f"{fit.blocks} block{'s' if fit.blocks > 1 else ''}, {fit.words}, step {row.step}")
            if row.step % EVERY == 0:
                yield {"fit": name, "step": row.step, "error": row.error}
    trial = bench.race({net: network(net) for net in NETS}, seed=seed, epochs=EPOCHS, schedule="step", evaluate_every=4)
    for trained in trial:
        bench.tell(f"training: {trained.contestant}, epoch {trained.epoch} of {EPOCHS}")
    yield from weaker(bench, trial)


def weaker(bench: Bench, trial: Trial) -> Iterator[Finding]:
    """Test errors at each strength, and what is left of the scores where the branches are zero."""
    import torch

    from ...instruments import block_paths, error_of, restated, shrunk, without

    data = bench.data()
    for scale in SCALES:
        for net, model in trial.models.items():
            bench.tell(f"{net}: branches × {scale:g}")
            fresh = restated(shrunk(model, scale, "last"), data.train_x)
            convs = shrunk(model, scale, "convs").eval()
            found: Finding = {
                "net": net, "scale": scale, "test_error": error_of(fresh, data.test_x, data.test_y),
                "convs_error": error_of(restated(convs, data.train_x), data.test_x, data.test_y),
                "convs_stale": error_of(convs, data.test_x, data.test_y),
            }  # fmt: skip
            if scale == 0:
                with torch.no_grad():
                    scores = fresh(data.test_x)
                    found["spread"] = float(scores.std(dim=0, correction=0).mean())
                    if net == "residual":
                        chain = restated(without(model, block_paths(model)), data.train_x)
                        found["chain"] = float((chain(data.test_x) - scores).abs().max())
            yield found


def read(findings: Findings) -> dict[str, float]:
    """Last errors of the fits by name; "plain_50", "residual_0_stale", ... of the nets; and what decides."""
    found: dict[str, float] = {}
    for one in findings:
        if "mean" in one:
            found["mean"] = one["mean"]
        if "fit" in one and one["step"] == STEPS[FITS[one["fit"]][0].blocks] and one["error"] is not None:
            found[one["fit"]] = one["error"]
        if "scale" in one:
            name = f"{one['net']}_{round(100 * one['scale'])}"
            found |= {
                name: one["test_error"], f"{name}_convs": one["convs_error"], f"{name}_stale": one["convs_stale"]
            }  # fmt: skip
            found |= {f"{one['net']}_{value}": one[value] for value in ("spread", "chain") if value in one}
    one_block = [found.get(f"one_{net}_{norm}") for net in ("plain", "skip") for norm in ("none", "batch")]
    if all(error is not None for error in one_block):
        errors = [error for error in one_block if error is not None]
        found["one_gain"] = min(errors[:2]) - max(errors[2:])
    if "nine_skip_batch" in found and "nine_skip_zero" in found:
        found["stack_gain"] = found["nine_skip_batch"] - found["nine_skip_zero"]
    if "plain_10" in found and "residual_10" in found:
        found["tolerance"] = found["residual_10"] - found["plain_10"]
    return found


def single(numbers: Numbers) -> str | None:
    """How well one block gives back its input with a shortcut and without, batch norm."""
    names = ("one_plain_batch", "one_skip_batch")
    if any(name not in numbers for name in names):
        return None
    plain, skip = (numbers[name].median < EASY for name in names)
    return "both" if plain and skip else "skip" if skip else "plain" if plain else "neither"


def stack(numbers: Numbers) -> str | None:
    """Whether nine random blocks with shortcuts find the identity."""
    return None if "nine_skip_batch" not in numbers else "yes" if numbers["nine_skip_batch"].median < EASY else "no"


def tolerant(numbers: Numbers) -> str | None:
    """Which trained net loses more when its branches are at a tenth."""
    if "tolerance" not in numbers:
        return None
    gap = numbers["tolerance"].median
    return "residual" if gap >= EASY else "plain" if gap <= -EASY else "same"


def fits(blocks: int, findings: Findings, theme: Theme) -> go.Figure:
    """Relative error by step of the fits with that many blocks."""
    made = canvas(
        theme, x=f"step of training, {f'{blocks} blocks in a row' if blocks > 1 else 'one block'}",
        y="relative error |f(x) − x| / |x|",
        x_range=(0, STEPS[blocks] * 1.8), y_range=(-0.04, 1.25), ticks=list(range(0, STEPS[blocks] + 1, 50)),
    )  # fmt: skip
    for number in collect(findings, (), "mean").values():
        level(made, theme, "always answering the mean", number.median, right=True)
    errors, names = collect(findings, ("fit", "step"), "error"), list[tuple[str, int, float, Role]]()
    for name, (fit, role) in FITS.items():
        rows = {step: min(number.median, 2.0) for (one, step), number in errors.items() if one == name}
        if fit.blocks == blocks and rows:
            line(made, theme, fit.words, list(rows), list(rows.values()), role=role, markers=False, label=False)
            names.append((fit.words, max(rows), rows[max(rows)], role))
    name_ends(made, theme, names, 0.075)
    return made


def figure(findings: Findings, theme: Theme) -> go.Figure:
    """One block: how far it is from the identity, by step."""
    return fits(1, findings, theme)


def nine(findings: Findings, theme: Theme) -> go.Figure:
    """Nine blocks in a row."""
    return fits(9, findings, theme)


def strength(findings: Findings, theme: Theme) -> go.Figure:
    """Test error of trained nets against the strength that is left to their branches."""
    made = canvas(
        theme, x="strength left to every branch of the trained net (1: as it was trained)", y="test error",
        percent=True, x_range=(1.05, -0.42),
        y_range=(-0.03, 1.0), ticks=SCALES,
    )  # fmt: skip
    level(made, theme, "guessing", CHANCE)
    errors = collect(findings, ("net", "scale"), "test_error")
    names: list[tuple[str, float, float, Role]] = []
    for net, role in NETS.items():
        rows = {scale: number for (one, scale), number in errors.items() if one == net}
        line(
            made, theme, net, list(rows), [number.median for number in rows.values()],
            low=[number.low for number in rows.values()], high=[number.high for number in rows.values()], role=role,
            label=False,
        )  # fmt: skip
        names += [(net, min(rows), rows[min(rows)].median, role)] if rows else []
    name_ends(made, theme, names, 0.065)
    return made


def table(findings: Findings) -> list[dict[str, str]]:
    """The fits, then the nets with weaker branches."""
    steps, errors = (collect(findings, ("fit",), value) for value in ("step", "error"))
    fitted = [
        {
            "What": f"{fit.blocks} block{'s' if fit.blocks > 1 else ''}, {fit.words}", "Step": f"{steps[key]:count!}",
            "Relative error": f"{errors[key]:percent}", "Test error": "-", "Weaker convolutions, statistics again": "-",
            "the same, stale statistics": "-",
        }
        for name, (fit, _) in FITS.items()
        if (key := (name,)) in errors
    ]  # fmt: skip
    columns = [collect(findings, ("net", "scale"), value) for value in ("test_error", "convs_error", "convs_stale")]
    return fitted + [
        {
            "What": f"{net}, branches × {scale:g}", "Step": "-", "Relative error": "-",
            "Test error": f"{number:percent}",
            "Weaker convolutions, statistics again": percent_of(columns[1], net, scale),
            "the same, stale statistics": percent_of(columns[2], net, scale),
        }
        for (net, scale), number in columns[0].items()
    ]  # fmt: skip


def percent_of(column: dict[tuple[object, ...], Number], net: str, scale: float) -> str:
    """One cell."""
    number = column.get((net, scale))
    return "-" if number is None else percent(number.median)


def apart() -> Experiment:
    """The two trained nets as a race."""
    return Experiment(contestants={net: network(net) for net in NETS})


LAB = Lab(
    number=4,
    slug="identity",
    title="Identity is easy",
    question="What does it mean that a block only has to push its weights to zero to be the identity?",
    answer="With a shortcut one block gives back its input up to {one_skip_none:percent!}, without one it stays "
    "{one_plain_none:percent!} away; with zero branches any depth is the identity exactly, but nine random blocks "
    "do not find it.",
    setting="First without images: blocks of two 3×3 convolutions, 8 channels, learn to give back noise of 8 × 8 "
    "pixels behind a ReLU, as a block's input is: learning rate 0.1, 200 steps, or 150 for nine blocks. Then trained "
    "nets of 20 layers on digits, whose branches are all made weaker.",
    guesses={
        "one": Guess(
            "One block with batch norm has 200 steps to become the identity, with an error below 10 %. It succeeds",
            {
                "both": "with and without a shortcut: it is a simple function",
                "skip": "with a shortcut only",
                "neither": "in neither case",
                "plain": "without a shortcut only",
            },
            single,
        ),
        "nine": Guess(
            "Nine blocks in a row, with shortcuts and random weights: do they find the identity?",
            {"yes": "yes, each has an easy task", "no": "no"},
            stack,
        ),
        "weaker": Guess(
            "In trained nets every branch is scaled to a tenth. Which net loses more?",
            {"residual": "the residual one", "plain": "the plain one", "same": "about the same"},
            tolerant,
        ),
    },
    measure=measure,
    read=read,
    effects=(
        Effect("one_gain", "one block: least relative error without shortcut minus the largest with", CLEAR, -CLEAR,
               "points"),
        Effect("stack_gain", "nine blocks with shortcuts: relative error from random weights minus from zero branches",
               FAR, -FAR, "points"),
    ),
    explain={
        "present": "**A residual block computes x + F(x): where F is zero it is the identity, and weight decay pulls "
        "weights to zero anyway. A plain block has to build the identity** through two convolutions and ReLUs. After "
        "200 steps it is still {one_plain_batch:percent} away with batch norm and {one_plain_none:percent} without "
        "(answering the mean of all values: {mean:percent!}); with a shortcut {one_skip_batch:percent!} and "
        "{one_skip_none:percent!}.\n\n**Easy for one, not for many:** nine random blocks with shortcuts end at "
        "{nine_skip_batch:percent} (answering zero would be 100 %), nine plain ones at {nine_plain_batch:percent}. "
        "Branches that start at zero (Goyal 2017) give {nine_skip_zero:percent!} from the first step on.\n\nIn "
        "trained nets with all branches at zero the residual one is its chain of shortcuts, and its scores still tell "
        "images apart (they vary by {residual_spread:decimal!}; plain {plain_spread:decimal!}). On the way there the "
        "plain net bears *more*: with branches at a tenth {plain_10:percent} test error against "
        "{residual_10:percent}, because the next batch norm scales a plain branch up again.",
        "absent": "This run shows less than the lab promises: after 200 steps one block is {one_plain_batch:percent} "
        "away from the identity without shortcut and {one_skip_batch:percent} with one (batch norm; "
        "{one_plain_none:percent} and {one_skip_none:percent} without norm). Nine random blocks with shortcuts end at "
        "{nine_skip_batch:percent}.",
        "reversed": "In this run it is the other way round: after 200 steps one block is {one_plain_batch:percent} "
        "away from the identity without shortcut and {one_skip_batch:percent} with one (batch norm; "
        "{one_plain_none:percent} and {one_skip_none:percent} without norm), or nine random blocks, at "
        "{nine_skip_batch:percent}, beat those whose branches start at zero. Run the three repeats before you believe "
        "it.",
    },
    figure=figure,
    views={"Nine blocks": nine, "Weaker branches of trained nets": strength},
    table=table,
    evidence=(
        Evidence("one_plain_none", "one block, plain, no norm: relative error", prototype="47 %"),
        Evidence("one_plain_batch", "one block, plain, batch norm: relative error", prototype="40 %"),
        Evidence("one_skip_none", "one block, shortcut, no norm: relative error", prototype="0.5 %"),
        Evidence("one_skip_batch", "one block, shortcut, batch norm: relative error", prototype="0 %"),
        Evidence("nine_plain_batch", "nine blocks, plain, batch norm: relative error", prototype="84 % (no norm)"),
        Evidence("nine_skip_batch", "nine random blocks, shortcut, batch norm: relative error", prototype="97 %"),
        Evidence("nine_skip_zero", "nine blocks, shortcut, zero branches: relative error", prototype="exactly 0"),
        Evidence("residual_10", "residual, branches × 0.1: test error", prototype="46 %"),
        Evidence("plain_10", "plain, branches × 0.1: test error", prototype="5 %"),
        Evidence("residual_50_convs", "residual, all convolutions × 0.5: test error", prototype="unchanged"),
        Evidence("residual_50_stale", "the same with stale batch-norm statistics", prototype="92 %"),
    ),
    comparable="The paper argues (2016a, Sect. 3.1) that an identity is easier as a zero residual and prints no such "
    "fit; its Fig. 7 shows instead that trained branches answer weakly. Zero as a *start* is from Goyal 2017.",
    sources=(
        Source("He et al. 2016a, Deep Residual Learning", "Sect. 3.1, Fig. 7", "https://arxiv.org/abs/1512.03385"),
        Source("Goyal et al. 2017, Accurate, Large Minibatch SGD", "Sect. 5.1: the last scale starts at zero",
               "https://arxiv.org/abs/1706.02677"),
    ),
    apart=apart,
)  # fmt: skip
