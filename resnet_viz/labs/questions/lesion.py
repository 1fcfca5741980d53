"""Lab 5, take a block out: what a trained net loses with one block, with several, and with two swapped (Veit 2016)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from ...draw.canvas import canvas, level, line, name_ends
from ...draw.colours import Role, Theme
from ...draw.wording import listed
from ...spec import DropPath, Experiment, Network, OwnImages, preset
from ..lab import Effect, Evidence, Finding, Findings, Guess, Lab, Large, Numbers, Source, collect
from ..numbers import Number
from ..variants import small

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from torch import nn

    from ..bench import Bench

DEPTH, BLOCKS, EPOCHS, LARGE_EPOCHS = 32, 15, 20, 15
SURVIVAL = 0.5
"""Of the last block, decaying linearly from the first (Huang 2016)."""
NETS: dict[str, tuple[str, Role]] = {
    "residual": ("residual", "residual"),
    "plain": ("plain", "plain"),
    "dropped": ("residual, stochastic depth", "third"),
}
STATISTICS: tuple[tuple[str, str, Role], ...] = (
    ("estimated again", "error", "residual"), ("stale statistics", "stale", "fourth")
)  # fmt: skip
SEVERAL, DRAWS = (2, 3, 5), 4
"""How many blocks go at once, and how often they are drawn."""
SWAPS = 10
"""Neighbours that can change places: in each stage, those behind the one that changes the shape."""
CHANCE, CLEAR = 0.9, 0.5
STALE = 0.02
HARDLY, MATTERS = 0.05, 0.02
"""A mean loss below five points is "hardly"; a block that costs two points matters."""


def networks(bench: Bench) -> dict[str, Network]:
    """32 layers, plain, residual, and residual to be trained with stochastic depth."""
    nets = (
        {kind: preset(f"cifar_{name}{DEPTH}") for kind, name in (("residual", "resnet"), ("plain", "plain"))}
        if bench.large
        else {kind: small(kind, DEPTH, merge=merge) for kind, merge in (("residual", "add"), ("plain", "none"))}
    )
    drop_path = {"drop_path": DropPath(survival=SURVIVAL)}
    return nets | {"dropped": nets["residual"].model_copy(update=drop_path)}


def measure(bench: Bench, seed: int) -> Iterator[Finding]:
    """Test errors while the nets are trained, then after each lesion."""
    from ...instruments import block_paths

    dataset, epochs = bench.cifar10 or "digits", LARGE_EPOCHS if bench.large else EPOCHS
    trial = bench.race(networks(bench), seed=seed, dataset=dataset, epochs=epochs, schedule="step", evaluate_every=2)
    for row in trial:
        bench.tell(f"training: {NETS[row.contestant][0]}, epoch {row.epoch} of {epochs}")
        yield {"net": row.contestant, "blocks": [], "epoch": row.epoch, "error": row.test_error}
    nets = trial.models
    for net in nets:
        yield from deleted(bench, net, nets[net], dataset, [()])
    for path in block_paths(nets["residual"]):
        for net in nets:
            yield from deleted(bench, net, nets[net], dataset, [(path,)])
    groups = drawn(block_paths(nets["residual"]), seed)
    for net in nets:
        yield from deleted(bench, net, nets[net], dataset, groups)
    for net in nets:
        yield from swapped(bench, net, nets[net], dataset)


def drawn(paths: tuple[str, ...], seed: int) -> list[tuple[str, ...]]:
    """Groups of blocks to delete at once, drawn by chance; the same ones for each net."""
    chance = np.random.default_rng(seed)
    return [
        tuple(paths[index] for index in sorted(chance.choice(len(paths), count, replace=False)))
        for count in SEVERAL
        for _ in range(DRAWS)
    ]


def deleted(
    bench: Bench, net: str, model: nn.Module, dataset: str | OwnImages, groups: Sequence[Sequence[str]]
) -> Iterator[Finding]:
    """The test error without each group of blocks: statistics estimated again, and "stale" as training left them."""
    from ...instruments import block_paths, lesions

    data, numbers = bench.data(dataset), {path: number for number, path in enumerate(block_paths(model), 1)}
    found = lesions(model, groups, data.train_x, data.test_x, data.test_y)
    for group in groups:
        blocks = [numbers[path] for path in group]
        missing = f"without block {listed([str(block) for block in blocks])}" if blocks else "as it is"
        bench.tell(f"{NETS[net][0]}, {missing}")
        one = next(found)
        yield {"net": net, "blocks": blocks, "error": one.restated, "stale": one.running}


def swapped(bench: Bench, net: str, model: nn.Module, dataset: str | OwnImages) -> Iterator[Finding]:
    """The test error after two neighbours that do not change the shape have changed places."""
    from ...instruments import error_of, exchangeable, permuted, restated

    data = bench.data(dataset)
    for first, second in (pair for group in exchangeable(model) for pair in pairwise(group)):
        bench.tell(f"{NETS[net][0]}, {first} and {second} swapped")
        fresh = restated(permuted(model, {first: second, second: first}), data.train_x)
        yield {"net": net, "swapped": [first, second], "error": error_of(fresh, data.test_x, data.test_y)}


def read(findings: Findings) -> dict[str, float]:
    """By net: "residual_whole"; "_mean", "_worst" and "_stale" without one block; "_several_5"; "_swap"."""
    found: dict[str, float] = {}
    for net in NETS:
        mine = [one for one in findings if one["net"] == net]
        whole = [one["error"] for one in mine if one.get("blocks") == [] and "stale" in one]
        single = [one for one in mine if len(one.get("blocks", ())) == 1]
        if whole and len(single) == BLOCKS:
            found |= {f"{net}_{name}": value for name, value in of_single(whole[0], single).items()}
        for count in SEVERAL:
            errors = [one["error"] for one in mine if len(one.get("blocks", ())) == count]
            if len(errors) == DRAWS:
                found[f"{net}_several_{count}"] = fmean(errors)
        swaps = [one["error"] for one in mine if "swapped" in one]
        if len(swaps) == SWAPS:
            found[f"{net}_swap"] = fmean(swaps)
    if "plain_mean" in found and "residual_mean" in found:
        found["contrast"] = found["plain_mean"] - found["residual_mean"]
        found["staleness"] = found["residual_stale_worst"] - found["residual_worst"]
        found["residual_cost"] = found["residual_mean"] - found["residual_whole"]
    return found


def of_single(whole: float, single: Findings) -> dict[str, float]:
    """Mean and worst error without one block, both statistics, and how many blocks matter."""
    errors, stale = [one["error"] for one in single], [one["stale"] for one in single]
    worst = max(range(BLOCKS), key=lambda index: errors[index])
    return {
        "whole": whole, "mean": fmean(errors), "worst": errors[worst], "worst_block": float(single[worst]["blocks"][0]),
        "matter": float(sum(error - whole >= MATTERS for error in errors)), "stale": fmean(stale),
        "stale_worst": max(stale),
    }  # fmt: skip


def cost(numbers: Numbers) -> str | None:
    """What one missing block costs the residual net on average."""
    if "residual_cost" not in numbers:
        return None
    lost = numbers["residual_cost"].median
    return "hardly" if lost < HARDLY else "clearly" if lost < CLEAR else "ruined"


def where(numbers: Numbers) -> str | None:
    """Where the block stands without which the residual net is worst."""
    if "residual_worst_block" not in numbers:
        return None
    if numbers["residual_worst"].median - numbers["residual_whole"].median < MATTERS:
        return "none"
    third = (numbers["residual_worst_block"].median - 1) // (BLOCKS // 3)
    return ("first", "middle", "last")[int(third)]


def figure(findings: Findings, theme: Theme) -> go.Figure:
    """Test error after one block is deleted, block by block; the whole net at 0, which moves while it is trained."""
    made = canvas(
        theme, x="deleted block, from input to output (0: none)", y="test error", percent=True,
        x_range=(-0.5, BLOCKS * 1.42), y_range=(-0.03, 1.05), ticks=list(range(BLOCKS + 1)),
    )  # fmt: skip
    level(made, theme, "guessing", CHANCE, right=True)
    names: list[tuple[str, int, float, Role]] = []
    for net, (words, role) in NETS.items():
        blocks, errors = spread(findings, net, "error")
        line(made, theme, words, blocks, errors, role=role, label=False)
        names += [(words, blocks[-1], errors[-1], role)] if blocks else []
    name_ends(made, theme, names, 0.065)
    return made


def spread(findings: Findings, net: str, value: str) -> tuple[list[int], list[float]]:
    """Blocks, 0 for none, and the median error after each is deleted."""
    few = [one for one in findings if one["net"] == net and len(one.get("blocks", (0, 0))) < 2]
    mine = [one | {"block": sum(one["blocks"])} for one in few]
    rows = {block: number.median for (block,), number in collect(mine, ("block",), value).items()}
    return sorted(rows), [rows[block] for block in sorted(rows)]


def staleness(findings: Findings, theme: Theme) -> go.Figure:
    """The residual net alone: statistics as training left them against those estimated again."""
    made = canvas(
        theme, x="deleted block, from input to output (0: none)", y="test error of the residual net", percent=True,
        x_range=(-0.5, BLOCKS * 1.42), ticks=list(range(BLOCKS + 1)),
    )  # fmt: skip
    names: list[tuple[str, int, float, Role]] = []
    for words, value, role in STATISTICS:
        blocks, errors = spread(findings, "residual", value)
        line(made, theme, words, blocks, errors, role=role, label=False)
        names += [(words, blocks[-1], errors[-1], role)] if blocks else []
    name_ends(made, theme, names, 0.07 * max(spread(findings, "residual", "stale")[1], default=1.0))
    made.update_yaxes(rangemode="tozero")
    return made


def counts(findings: Findings, theme: Theme) -> go.Figure:
    """Test error against the number of blocks deleted at once, drawn by chance; one is the mean over all blocks."""
    made = canvas(
        theme, x="blocks deleted at once", y="test error", percent=True,
        x_range=(-0.3, SEVERAL[-1] * 1.4), y_range=(-0.03, 1.05), ticks=[0, 1, *SEVERAL],
    )  # fmt: skip
    level(made, theme, "guessing", CHANCE, right=True)
    names: list[tuple[str, int, float, Role]] = []
    for net, (words, role) in NETS.items():
        rows = deletions(findings, net)
        line(
            made, theme, words, list(rows), [number.median for number in rows.values()],
            low=[number.low for number in rows.values()], high=[number.high for number in rows.values()], role=role,
            label=False,
        )  # fmt: skip
        names += [(words, max(rows), rows[max(rows)].median, role)] if rows else []
    name_ends(made, theme, names, 0.065)
    return made


def deletions(findings: Findings, net: str) -> dict[int, Number]:
    """Mean error by number of deleted blocks, one value for each repeat that is through with it."""
    numbers = LAB.numbers(findings)
    names = {0: "whole", 1: "mean"} | {count: f"several_{count}" for count in SEVERAL}
    return {count: numbers[f"{net}_{name}"] for count, name in names.items() if f"{net}_{name}" in numbers}


def table(findings: Findings) -> list[dict[str, str]]:
    """One row a deleted block, then the means."""
    columns = {net: dict(zip(*spread(findings, net, "error"), strict=True)) for net in NETS}
    stale = dict(zip(*spread(findings, "residual", "stale"), strict=True))
    rows = [
        {"Deleted": f"block {block}" if block else "nothing"}
        | {NETS[net][0].capitalize(): _percent(errors_of.get(block)) for net, errors_of in columns.items()}
        | {"Residual, stale statistics": _percent(stale.get(block))}
        for block in sorted(columns["residual"])
    ]
    more = {count: {net: deletions(findings, net).get(count) for net in NETS} for count in SEVERAL}
    return rows + [
        {"Deleted": f"{count} blocks, mean of {DRAWS} draws"}
        | {NETS[net][0].capitalize(): f"{number:percent}" for net, number in found.items() if number is not None}
        | {"Residual, stale statistics": "-"}
        for count, found in more.items()
        if all(found.values())
    ]


def _percent(error: float | None) -> str:
    return "-" if error is None else f"{Number((error,)):percent}"


def apart() -> Experiment:
    """The three nets as a race, with the lab's recipe."""
    nets: dict[str, Any] = {
        kind: small(kind, DEPTH, merge=merge) for kind, merge in (("residual", "add"), ("plain", "none"))
    }
    return Experiment(contestants=nets)


THREE = (
    "plain, residual, and residual with stochastic depth, which drops whole branches in training (the last one half "
    "of the time). A deleted block keeps its shortcut; a plain net closes the gap. Batch-norm statistics are estimated "
    "again after each lesion, and one picture shows what happens when they are not."
)

LAB = Lab(
    number=5,
    slug="lesion",
    title="Take a block out",
    question="Is a residual net like one trained with dropout, and can a part of it be pruned?",
    answer="Without one of its 15 blocks a residual net is at {residual_mean:percent!} test error on average, a plain "
    "one at {plain_mean:percent!}; but some blocks matter, and most of the damage usually seen comes from "
    "stale statistics.",
    setting="Nets of 32 layers (15 blocks, width 8) on 8 × 8 digits, trained for 20 epochs with a falling learning "
    "rate: " + THREE,
    guesses={
        "residual": Guess(
            "One block of the trained **residual** net is deleted. On average over the blocks its test error",
            {
                "hardly": "rises by less than 5 points",
                "clearly": "rises by 5 to 50 points",
                "ruined": "rises by more: the net is ruined",
            },
            cost,
        ),
        "where": Guess(
            "The block that it misses most stands",
            {
                "first": "among the first five, near the input",
                "middle": "among the five in the middle",
                "last": "among the last five, near the scores",
                "none": "nowhere: none costs two points",
            },
            where,
        ),
    },
    measure=measure,
    read=read,
    effects=(
        Effect("contrast", "mean test error without one block, plain minus residual", CLEAR, -CLEAR, "points"),
        Effect("staleness", "residual: worst test error without one block with stale statistics minus estimated again",
               STALE, -STALE, "points"),
    ),
    explain={
        "present": "**Like dropout in one way: no single part is indispensable, though nobody trained for that.** A "
        "residual block *adds* to what the shortcut brings, so without it the others still get nearly the input that "
        "they know: {residual_whole:percent!} test error whole, {residual_mean:percent} on average without one block. "
        "A plain block hands on all there is: {plain_whole:percent!} whole, {plain_mean:percent} without one. "
        "Stochastic depth does train for it (Huang 2016): without five blocks it has {dropped_several_5:percent}, the "
        "ordinary residual net {residual_several_5:percent}.\n\n**Pruning works for some blocks, after a look at "
        "which.** Without its most important one the residual net is at {residual_worst:percent}, and "
        "{residual_matter:count} of 15 cost two points or more. Much of what lesions seem to do comes from stale "
        "batch-norm statistics: with those of the whole net the mean is {residual_stale:percent}, the worst "
        "{residual_stale_worst:percent}.",
        "absent": "This run shows less than the lab promises: without one block the residual net is at "
        "{residual_mean:percent} test error on average ({residual_stale:percent} with stale statistics), the plain "
        "one at {plain_mean:percent}; whole they are at {residual_whole:percent} and {plain_whole:percent}.",
        "reversed": "In this run it is the other way round: without one block the residual net is at "
        "{residual_mean:percent} test error on average ({residual_stale:percent} with stale statistics), the plain "
        "one at {plain_mean:percent}; whole they are at {residual_whole:percent} and {plain_whole:percent}. That "
        "contradicts the paper; run the three repeats before you believe it.",
    },
    figure=figure,
    views={"Stale statistics": staleness, "Several at once": counts},
    table=table,
    evidence=(
        Evidence("residual_whole", "residual, whole: test error", prototype="1.2 % (1.0 to 1.3)"),
        Evidence("residual_mean", "residual without one block: mean", prototype="2.1 % (1.3 to 2.6)",
                 published="hardly changes, but where the map shrinks (Veit 2016, Fig. 3, ResNet-110, CIFAR-10)"),
        Evidence("residual_worst", "residual without one block: worst", prototype="8.4 %"),
        Evidence("residual_stale", "the same with stale statistics: mean", prototype="7.0 % (5.9 to 8.2)"),
        Evidence("residual_several_5", "residual without five blocks: mean", prototype="12.8 % (10 to 15)",
                 published="rises smoothly with their number (Veit 2016, Fig. 5)"),
        Evidence("residual_swap", "residual, two neighbours swapped: mean", prototype="6.5 % (5.1 to 8.7), stale"),
        Evidence("plain_whole", "plain, whole: test error", prototype="7.3 % (5 to 11)"),
        Evidence("plain_mean", "plain without one block: mean", prototype="84 %",
                 published="chance (Veit 2016, Fig. 3, VGG)"),
        Evidence("dropped_mean", "stochastic depth, without one block: mean",
                 prototype="4.3 % (2.5 to 5.9), stale"),
    ),
    comparable="Veit and others delete single blocks of a ResNet-110 on CIFAR-10, with the statistics that training "
    "left, and compare it with VGG, which has other layers; here the plain net is the residual one's twin. The "
    "shape can be compared, errors cannot.",
    sources=(
        Source("Veit et al. 2016, Residual Networks Behave Like Ensembles", "Fig. 3 and 5, Sect. 4",
               "https://arxiv.org/abs/1605.06431"),
        Source("Huang et al. 2016, Deep Networks with Stochastic Depth", "Eq. 4, Sect. 3",
               "https://arxiv.org/abs/1603.09382"),
    ),
    apart=apart,
    large=Large(
        setting=f"Nets of {DEPTH} layers ({BLOCKS} blocks, width 16) as He 2016a has them, on CIFAR-10, trained for "
        f"{LARGE_EPOCHS} epochs with a falling learning rate: {THREE}",
        comparable="Veit and others delete single blocks of a ResNet-110 on the same images, trained to the end and "
        "with the statistics that training left, and compare it with VGG, which has other layers; here the nets have "
        f"{DEPTH} layers and {LARGE_EPOCHS} epochs, and the plain one is the residual one's twin. The shape can be "
        "compared, errors cannot.",
    ),
)  # fmt: skip
