"""Lab 15, landscape: the loss around a trained net (Li 2018), and the gradient that turns to noise (Balduzzi 2017)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ... import instruments
from ...draw.canvas import ALTERED, canvas, legend, line
from ...draw.colours import PALETTE, Role, Theme, viridis
from ...spec import Experiment, Network, preset
from ..lab import Effect, Evidence, Finding, Findings, Guess, Lab, Large, Numbers, Source, collect

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ...spec import OwnImages
    from ..bench import Bench, Trial

DEEP = 56
NETS: dict[str, Role] = {"plain": "plain", "residual": "residual"}
PRESETS = {"plain": "tiny_plain", "residual": "tiny_resnet"}
LARGE = {"plain": "cifar_plain", "residual": "cifar_resnet"}
SHALLOW, LARGE_SHALLOW = 8, 20
EPOCHS, LARGE_EPOCHS = 8, 10
SIDE, LARGE_SIDE = 15, 25
IMAGES, LARGE_IMAGES = 500, 2000
"""Training images whose mean loss is a point of the landscape."""
LINES, POINTS, LAGS = 3, 256, (1, 2, 4, 8, 15)
SPAN = 1.0
RANGE = (0.001, 10_000.0)
"""Losses beyond are drawn at the end of the scale."""
ROUGHER, FORGETS = 0.2, 0.3
STRIDE = 10
"""So many points of the landscape between two questions whether to stop."""


def network(bench: Bench, net: str, layers: int) -> Network:
    """Plain or residual, on digits or, where labs run larger, on CIFAR-10."""
    return preset(f"{(LARGE if bench.large else PRESETS)[net]}{layers}")


def dataset(bench: Bench) -> str | OwnImages:
    """Which images this bench takes."""
    return bench.cifar10 or "digits"


def measure(bench: Bench, seed: int) -> Iterator[Finding]:
    """Gradients along lines of inputs at initialisation; then the deep pair trained, and the loss around it."""
    yield from shattering(bench, seed)
    epochs = LARGE_EPOCHS if bench.large else EPOCHS
    nets = {net: network(bench, net, DEEP) for net in NETS}
    trial = bench.race(nets, seed=seed, dataset=dataset(bench), epochs=epochs)
    for row in trial:
        bench.tell(f"{row.contestant}, {DEEP} layers, epoch {row.epoch} of {epochs}")
        yield {
            "part": "trained", "net": row.contestant, "epoch": row.epoch, "epochs": epochs,
            "train_error": row.train_error, "test_error": row.test_error,
        }  # fmt: skip
    yield from landscapes(bench, seed, trial)


def shattering(bench: Bench, seed: int) -> Iterator[Finding]:
    """How alike the gradients of neighbouring inputs are, along lines from one image to another."""
    import torch

    from ...nn import build

    x = bench.data(dataset(bench)).train_x[: LARGE_IMAGES if bench.large else None]
    draws = torch.Generator().manual_seed(seed)
    ends = [torch.randperm(len(x), generator=draws)[:2].tolist() for _ in range(LINES)]
    for layers in (LARGE_SHALLOW if bench.large else SHALLOW, DEEP):
        for net in NETS:
            model = instruments.restated(build(network(bench, net, layers), str(bench.device), seed), x)
            for number, (first, last) in enumerate(ends, 1):
                bench.tell(f"{net}, {layers} layers, untrained: gradients along line {number} of {LINES}")
                gradients = instruments.line_gradients(model, instruments.line(x[first], x[last], POINTS), 0)
                yield {
                    "part": "line", "net": net, "layers": layers, "line": number, "lags": list(LAGS),
                    "alike": list(instruments.autocorrelation(gradients, LAGS)),
                }  # fmt: skip


def landscapes(bench: Bench, seed: int, trial: Trial) -> Iterator[Finding]:
    """The loss around both trained nets, coarse to fine and side by side."""
    data, side = bench.data(dataset(bench)), LARGE_SIDE if bench.large else SIDE
    count = LARGE_IMAGES if bench.large else IMAGES
    x, y = data.train_x[:count], data.train_y[:count]
    going = {}
    for net in NETS:
        if net not in trial.failed:
            model = instruments.restated(trial.models[net], data.train_x)
            going[net] = levels(
                bench,
                net,
                instruments.surface(model, x, y, instruments.directions(model, seed), side=side, span=SPAN),
                side,
            )
    while going:
        for net in list(going):
            found = next(going[net], None)
            if found is None:
                del going[net]
            else:
                yield found


def levels(bench: Bench, net: str, points: Any, side: int) -> Iterator[Finding]:
    """The rows of losses after each level of the grid; None where no point is known yet."""
    losses: list[list[float | None]] = [[None] * side for _ in range(side)]
    level = 0
    for number, point in enumerate(points):
        if number % STRIDE == 0:
            bench.tell(f"{net}: point {number + 1} of {side * side} of the landscape")
        if point.level > level:
            yield {
                "part": "surface",
                "net": net,
                "level": level,
                "whole": False,
                "losses": [list(row) for row in losses],
            }
            level = point.level
        losses[point.row][point.column] = point.loss
    yield {"part": "surface", "net": net, "level": level, "whole": True, "losses": losses}


def read(findings: Findings) -> dict[str, float]:
    """Likeness of gradients "alike_plain_56_1" (layers, lag), errors, and the share of points that curve down."""
    found: dict[str, float] = {}
    along: dict[str, list[float]] = {}
    for one in findings:
        if one["part"] == "line":
            for lag, alike in zip(one["lags"], one["alike"], strict=True):
                along.setdefault(f"alike_{one['net']}_{one['layers']}_{lag}", []).append(alike)
        elif one["part"] == "trained" and one["epoch"] == one["epochs"]:
            found[f"train_{one['net']}"] = one["train_error"]
        elif one["part"] == "surface" and one["whole"]:
            rows = [[math.nan if loss is None else loss for loss in row] for row in one["losses"]]
            found[f"curved_{one['net']}"] = instruments.negative_curvature(rows)
    found |= {name: sum(values) / len(values) for name, values in along.items()}
    shallow = min((one["layers"] for one in findings if one["part"] == "line"), default=DEEP)
    if f"alike_plain_{shallow}_1" in found:
        found["shallow"], found["alike_shallow"] = shallow, found[f"alike_plain_{shallow}_1"]
    first, second = (f"alike_{net}_{DEEP}_1" for net in ("residual", "plain"))
    if first in found and second in found:
        found["remembers"] = found[first] - found[second]
    if "curved_plain" in found and "curved_residual" in found:
        found["rougher"] = found["curved_plain"] - found["curved_residual"]
    return found


def surface_came(numbers: Numbers) -> str | None:
    """Which surface curves down at more points."""
    if "rougher" not in numbers:
        return None
    value = numbers["rougher"].median
    return "plain" if value >= ROUGHER else "residual" if value <= -ROUGHER else "same"


def noise_came(numbers: Numbers) -> str | None:
    """How alike neighbouring gradients of the deep plain net are."""
    if f"alike_plain_{DEEP}_1" not in numbers:
        return None
    value = numbers[f"alike_plain_{DEEP}_1"].median
    return "noise" if value < FORGETS else "alike" if value >= 1 - FORGETS else "half"


def figure(findings: Findings, theme: Theme) -> go.Figure:
    """Both surfaces on one scale, of the newest repeat that has them: the loss from dark (low) to light (high)."""
    import plotly.graph_objects as go

    quiet = PALETTE[theme]["quiet"]
    made = canvas(theme, x="plain: along one direction", y="along the other", x_range=(-SPAN, SPAN),
                  y_range=(-SPAN, SPAN))  # fmt: skip
    made.update_layout(
        xaxis={"domain": [0, 0.47], "ticks": "outside"},
        xaxis2={
            "domain": [0.53, 1], "range": [-SPAN, SPAN], "fixedrange": True, "ticks": "outside", "zeroline": False,
            "showgrid": False, "tickfont": {"color": quiet, "size": 13},
            "title": {"text": "residual: along one direction", "font": {"color": quiet, "size": 13}},
        },
        yaxis2={"anchor": "x2", "range": [-SPAN, SPAN], "fixedrange": True, "showticklabels": False, "zeroline": False,
                "showgrid": False},
    )  # fmt: skip
    made.update_yaxes(showgrid=False)
    made.update_layout(meta=ALTERED)
    surfaces = [one for one in findings if one["part"] == "surface"]
    newest = {one["net"]: one for one in surfaces}
    if not newest:  # an axis is drawn with its first surface only
        made.add_shape(type="rect", xref="paper", yref="paper", x0=0.53, x1=1, y0=0, y1=1,
                       line={"color": PALETTE[theme]["grid"], "width": 1})  # fmt: skip
    scale = [[i / 255, "rgb({},{},{})".format(*colour)] for i, colour in enumerate(viridis)]
    for number, net in enumerate(NETS, 1):
        if net in newest:
            steps, logs = known(newest[net]["losses"])
            low, high = (math.log10(one) for one in RANGE)
            made.add_trace(go.Contour(
                x=steps, y=steps, z=logs, zmin=low, zmax=high, colorscale=scale, connectgaps=True, hoverinfo="skip",
                contours={"start": low, "end": high, "size": 0.5}, line={"width": 0.5}, showscale=number == 1,
                xaxis=f"x{number}" if number > 1 else "x", yaxis=f"y{number}" if number > 1 else "y",
                colorbar={
                    "title": {"text": "loss", "font": {"color": quiet}}, "tickvals": [-3, -1, 1, 3],
                    "ticktext": ["0.001", "0.1", "10", "1,000"], "tickfont": {"color": quiet}, "thickness": 12,
                },
            ))  # fmt: skip
    return made


def known(losses: list[list[float | None]]) -> tuple[list[float], list[list[float | None]]]:
    """(places, logarithms of the losses) of the rows and columns that are known already."""
    side = len(losses)
    lines = [i for i in range(side) if losses[i][0] is not None]
    places = [SPAN * (2 * i / (side - 1) - 1) for i in lines]
    return places, [[logarithm(losses[row][column]) for column in lines] for row in lines]


def logarithm(loss: float | None) -> float | None:
    """The loss on the scale of the picture."""
    return None if loss is None else math.log10(min(max(loss, RANGE[0]), RANGE[1]))


def shattered(findings: Findings, theme: Theme) -> go.Figure:
    """How alike gradients are against how far apart their inputs lie."""
    few = min((one["layers"] for one in findings if one["part"] == "line"), default=SHALLOW)
    made = canvas(theme, x=f"distance of two inputs, in 256ths of the line (dotted: {few} layers · solid: {DEEP})",
                  y="how alike their gradients are", y_range=(-0.15, 1.05), x_range=(0, 20), ticks=LAGS)  # fmt: skip
    lines = [one for one in findings if one["part"] == "line"]
    rows = [
        {name: one[name] for name in ("seed", "net", "layers")} | {"lag": lag, "alike": mean_of(lines, one, place)}
        for one in lines
        for place, lag in enumerate(one["lags"])
    ]  # fmt: skip
    for net, role in NETS.items():
        for layers in sorted({one["layers"] for one in lines}):
            chosen = [row for row in rows if (row["net"], row["layers"]) == (net, layers)]
            found = collect(chosen, ("lag",), "alike")
            line(
                made, theme, f"{net}, {layers}", [lag for (lag,) in found], [one.median for one in found.values()],
                low=[one.low for one in found.values()], high=[one.high for one in found.values()], role=role,
                dash="solid" if layers == DEEP else "dot", label=False,
            )  # fmt: skip
    legend(made, list(NETS.items()), theme)
    return made


def mean_of(lines: Findings, one: Finding, place: int) -> float:
    """The mean over the lines of one net and repeat."""
    same = [
        other["alike"][place]
        for other in lines
        if all(other[name] == one[name] for name in ("seed", "net", "layers"))
    ]  # fmt: skip
    return float(sum(same) / len(same))


def table(findings: Findings) -> list[dict[str, str]]:
    """One row a network."""
    numbers, rows = LAB.numbers(findings), []
    lines = [one for one in findings if one["part"] == "line"]
    for net, layers in dict.fromkeys((one["net"], one["layers"]) for one in lines):
        deep = layers == DEEP
        rows.append({
            "Network": f"{net}, {layers} layers",
            **{f"Alike at distance {lag}": f"{numbers[f'alike_{net}_{layers}_{lag}']:decimal}" for lag in (1, 4, 15)},
            "Points that curve down": f"{numbers[f'curved_{net}']:percent}" if deep and f"curved_{net}" in numbers
            else "-",
            "Train error": f"{numbers[f'train_{net}']:percent}" if deep and f"train_{net}" in numbers else "-",
        })  # fmt: skip
    return rows


def apart() -> Experiment:
    """The deep pair as a race."""
    return Experiment(contestants={f"{net}-{DEEP}": preset(f"{PRESETS[net]}{DEEP}") for net in NETS})


EVIDENCE = (
    Evidence("curved_plain", "plain, 56 layers: points that curve down", prototype="73 % (62 to 79), 16 epochs"),
    Evidence("curved_residual", "residual, 56 layers", prototype="12 % (9 to 15), 16 epochs"),
    Evidence("train_plain", "plain, 56 layers: train error", prototype="57 %, 16 epochs"),
    Evidence("alike_plain_56_1", "plain, autocorrelation one step apart", "decimal", "0.01 (50 layers)"),
    Evidence("alike_residual_56_1", "residual, autocorrelation one step apart", "decimal", "0.90 (50 layers)"),
    Evidence("alike_residual_56_15", "residual, fifteen steps apart", "decimal", "0.21 (50 layers)"),
)
BOWL = "What can be compared is the shape: a bowl against hills, brown noise against white."

LAB = Lab(
    number=15,
    slug="landscape",
    title="Landscape",
    question="Beyond the chapter: why do residual nets train, seen as a landscape of the loss, and as noise in the "
    "gradient?",
    answer="Around a deep plain net the loss curves down at {curved_plain:percent!} of the points of a plane, around "
    "its residual twin at {curved_residual:percent!}; and the plain net's gradient at one input says nothing about "
    "that at the next.",
    setting="Plain and residual, 56 layers, width 8, 96 steps on digits; then the mean loss of 500 training images on "
    "a plane of 15 × 15 points, its two random directions scaled filter by filter. And, untrained, the gradients at "
    "256 images on a line from one digit to another.",
    guesses={
        "surface": Guess(
            "At how many points of the plane does the loss curve *down* in some direction?",
            {
                "plain": "At clearly more around the plain net",
                "same": "At about as many around either",
                "residual": "At clearly more around the residual net",
            },
            surface_came,
        ),
        "noise": Guess(
            "Untrained plain net, 56 layers: how alike are the gradients of two inputs one step of 256 apart?",
            {"alike": "Nearly equal", "half": "Somewhat alike", "noise": "Hardly at all: noise"},
            noise_came,
        ),
    },
    measure=measure,
    read=read,
    effects=(
        Effect("rougher", "share of points that curve down, plain minus residual", ROUGHER, -ROUGHER, "points"),
        Effect("remembers", "autocorrelation of gradients one step apart, 56 layers, residual minus plain", FORGETS,
               -FORGETS, "decimal"),
    ),
    explain={
        "present": "**Around the residual net the loss is more like a bowl, around the plain one more like hills.** "
        "It curves down at {curved_residual:percent} of the inner points around the residual net, at "
        "{curved_plain:percent} around the plain one. Mind that they do not stand at the same height: the plain net "
        "has not learned its images ({train_plain:percent!} train error against {train_residual:percent!}), so this "
        "is no view from a minimum.\n\n**A reason shows before any training: the plain net's gradient is noise.** One "
        "step of 256 along a line from one image to another, and its gradients have an autocorrelation of "
        "{alike_plain_56_1:decimal}, those of the residual net {alike_residual_56_1:decimal}, of a plain net with "
        "{shallow:count!} layers {alike_shallow:decimal}. A step that helps one image then says nothing about the "
        "next.",
        "absent": "No clear difference here: the loss curves down at {curved_plain:percent} of the points around the "
        "plain net and at {curved_residual:percent} around the residual one; one step along a line of inputs the "
        "gradients have an autocorrelation of {alike_plain_56_1:decimal} and {alike_residual_56_1:decimal}.",
        "reversed": "In this run it is the other way round somewhere: the loss curves down at {curved_plain:percent} "
        "of the points around the plain net and at {curved_residual:percent} around the residual one; one step along a "
        "line of inputs the gradients have an autocorrelation of {alike_plain_56_1:decimal} and "
        "{alike_residual_56_1:decimal}.",
    },
    figure=figure,
    views={"Shattered gradients": shattered},
    table=table,
    evidence=(*EVIDENCE, Evidence("alike_plain_8_1", "plain, 8 layers, one step apart", "decimal", "0.97")),
    comparable="Li 2018 draws ResNet-56 with and without shortcuts on CIFAR-10 (Fig. 1) and Balduzzi 2017 nets of one "
    "input or of images, of up to 50 layers; neither prints these numbers for these nets. " + BOWL,
    sources=(
        Source("Li et al. 2018, Visualizing the Loss Landscape", "Fig. 1, Sect. 4 and 7",
               "https://arxiv.org/abs/1712.09913"),
        Source("Balduzzi et al. 2017, The Shattered Gradients Problem", "Sect. 1 and 3.1",
               "https://arxiv.org/abs/1702.08591"),
    ),
    apart=apart,
    large=Large(
        setting=f"Plain and residual, {DEEP} layers, as He 2016a has them for CIFAR-10 (width 16), {LARGE_EPOCHS} "
        f"epochs; then the mean loss of {LARGE_IMAGES:,} training images on a plane of {LARGE_SIDE} × {LARGE_SIDE} "
        f"points, its two random directions scaled filter by filter. And, untrained, the gradients at {POINTS} images "
        "on a line from one photograph to another.",
        evidence=(
            *EVIDENCE,
            Evidence(f"alike_plain_{LARGE_SHALLOW}_1", f"plain, {LARGE_SHALLOW} layers, one step apart", "decimal",
                     "0.97 (8 layers)"),
        ),
        comparable="Li 2018 draws these two nets, trained to the end, on the same images (Fig. 1), and Balduzzi 2017 "
        f"nets of one input or of images, of up to 50 layers; neither prints these numbers. {BOWL}",
    ),
)  # fmt: skip
