"""Lab 8, paths: an Inception block beside a residual block, path by path, and the three forms of a ResNeXt block."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...draw.canvas import bars, canvas, legend, level
from ...draw.colours import Role, Theme
from ...spec import Block, Experiment, Lane, Network
from ...spec.block import Form, inception_lanes
from ...spec.presets.layouts import DIGITS, cifar
from ..lab import Effect, Evidence, Finding, Findings, Guess, Lab, Numbers, Source, collect
from ..numbers import Number

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from torch import nn

    from ..bench import Bench

PATHS = {
    "1": "1×1", "2": "1×1, 3×3", "3": "1×1, 3×3, 3×3", "4": "pool, 1×1", "branch": "branch", "identity": "identity",
}  # fmt: skip
"""The four paths of an Inception block, then the two of a residual block."""
FOUR = ("1", "2", "3", "4")
HOW: dict[str, tuple[str, Role]] = {
    "everywhere": ("without it in all blocks", "plain"),
    "one": ("without it in one block, mean", "fourth"),
    "retrained": ("trained anew without it", "residual"),
}
DEPTH, WIDTH, WIDE, EPOCHS = 14, 8, 16, 8
CARDINALITY = 4
FORMS: tuple[Form, ...] = ("split_sum", "split_concatenate", "grouped")
"""(a), (b), (c) of Xie 2017, Fig. 3."""
RUIN = 0.2
"""Twenty points of error: many times the spread of the repeats."""
MATTERS = 0.1
CLOSE = 0.05


def network(net: str, without: str = "") -> Network:
    """Six Inception blocks at widths 16, 32, 64, or six residual blocks half as wide; ``without`` leaves a path out.

    A residual net without the identity is the plain net.
    """
    if net == "residual":
        return cifar(net, DEPTH, width=WIDTH, image=DIGITS, merge="none" if without == "identity" else "add")
    made = cifar(net, DEPTH, width=WIDE, stem_width=WIDTH, image=DIGITS, shape=Block(branch="paths", merge="none"))
    if not without:
        return made
    stages = tuple(
        stage.model_copy(update={"block": stage.block.model_copy(update={"paths": left(stage.block, without)})})
        for stage in made.stages
    )
    return made.model_copy(update={"name": f"inception without {without}", "stages": stages})


def left(block: Block, without: str) -> tuple[Lane, ...]:
    """The lanes of an Inception block but one."""
    return tuple(lane for i, lane in enumerate(inception_lanes(block.width), 1) if str(i) != without)


def silenced(model: nn.Module, path: str, places: list[str]) -> nn.Module:
    """A copy of a trained network in which one path of the blocks at ``places`` gives zeros."""
    made = copy.deepcopy(model)
    for place in places:
        if path in FOUR:
            made.get_submodule(f"{place}.paths.{int(path) - 1}").register_forward_hook(lambda _, __, out: out * 0)
        else:
            setattr(made.get_submodule(f"{place}.add"), "beta" if path == "branch" else "alpha", 0.0)
    return made


def measure(bench: Bench, seed: int) -> Iterator[Finding]:
    """Both networks, whole, without a path, and trained anew without it; then how equal the forms are."""
    yield from trained(bench, seed, {"inception": ("inception", ""), "residual": ("residual", "")})
    again = {f"inception-{path}": ("inception", path) for path in FOUR}
    yield from trained(bench, seed, again | {"plain": ("residual", "identity")})
    yield {"net": "resnext", "difference": forms_differ(bench, seed)}


def trained(bench: Bench, seed: int, nets: dict[str, tuple[str, str]]) -> Iterator[Finding]:
    """Train them; those that are whole then lose one path after the other."""
    trial = bench.race({name: network(*which) for name, which in nets.items()}, seed=seed, epochs=EPOCHS)
    for row in trial:
        net, path = nets[row.contestant]
        bench.tell(f"{net}{f' without {PATHS[path]}' if path else ''}, epoch {row.epoch} of {EPOCHS}")
        yield {
            "net": net, "path": path, "how": "retrained" if path else "whole", "epoch": row.epoch, "epochs": EPOCHS,
            "train_error": row.train_error, "test_error": row.test_error,
        }  # fmt: skip
    for name, (net, path) in nets.items():
        if not path and name not in trial.failed:
            yield from lesions(bench, net, trial.models[name])


def lesions(bench: Bench, net: str, model: nn.Module) -> Iterator[Finding]:
    """Each path silent in all blocks, then in one block at a time: test errors with batch-norm statistics estimated
    again, and "stale" with the running averages of the whole net."""
    blocks = [f"layer{stage}.{block}" for stage in (1, 2, 3) for block in (0, 1)]
    for path in PATHS:
        if (path in FOUR) == (net == "inception"):
            for how, places in [("everywhere", blocks), *(("one", [block]) for block in blocks)]:
                bench.tell(f"{net} without {PATHS[path]} in {'all blocks' if how == 'everywhere' else places[0]}")
                without = silenced(model, path, places)
                yield {
                    "net": net, "path": path, "how": how, "place": places[0] if how == "one" else "",
                    "test_error": bench.errors(without)[1], "stale": stale_error(bench, without),
                }  # fmt: skip


def stale_error(bench: Bench, model: nn.Module) -> float:
    """Test error with the running averages that training left, which fit a net that has all its paths."""
    import torch

    data = bench.data()
    with torch.no_grad():
        wrong = model.eval()(data.test_x).argmax(1) != data.test_y
    return float(wrong.float().mean())


def forms_differ(bench: Bench, seed: int) -> float:
    """Largest difference between the scores of the three forms with the same weights: float64, training mode."""
    import torch

    from ...nn import build, carry_forms

    shapes = [Block(branch="bottleneck", cardinality=CARDINALITY, form=form) for form in FORMS]
    nets = {shape.form: cifar(shape.form, 11, width=WIDTH, image=DIGITS, shape=shape) for shape in shapes}
    grouped = build(nets["grouped"], str(bench.device), seed)
    images, scores = bench.data().train_x[:128].double(), []
    for net in nets.values():
        model = build(net, str(bench.device), seed)
        model.load_state_dict(carry_forms(nets["grouped"], net, grouped.state_dict()))
        with torch.no_grad():
            scores.append(model.double()(images))
    return max(float((one - scores[-1]).abs().max()) for one in scores[:-1])


def read(findings: Findings) -> dict[str, float]:
    """Test errors, "inception_everywhere_2", means over blocks and paths, and what the lab is about."""
    found: dict[str, float] = {}
    single: dict[str, list[float]] = {}
    for one in findings:
        name = "_".join(filter(None, (one["net"], one.get("how"), one.get("path"))))
        if "difference" in one:
            found["difference"] = one["difference"]
            found["digits"] = -math.log10(max(one["difference"], 1e-16))
        elif one["how"] == "one":
            single.setdefault(name, []).append(one["test_error"])
            single.setdefault(f"{name}_stale", []).append(one["stale"])
        elif one.get("epoch") == one.get("epochs"):
            found[name] = one["test_error"]
            if "stale" in one:
                found[f"{name}_stale"] = one["stale"]
    return found | means(found | {name: sum(errors) / len(errors) for name, errors in single.items()})


def means(found: dict[str, float]) -> dict[str, float]:
    """The means over the four paths, where all four are there, and the effects."""
    made = dict(found)
    for how in ("everywhere", "retrained", "one"):
        for tail in ("", "_stale"):
            four = [made[name] for path in FOUR if (name := f"inception_{how}_{path}{tail}") in made]
            if len(four) == len(FOUR):
                made[f"{how}_mean{tail}"] = sum(four) / len(FOUR)
                made[f"{how}_least{tail}"], made[f"{how}_most{tail}"] = min(four), max(four)
    if "inception_whole" in made and "everywhere_mean" in made:
        made["rise"] = made["everywhere_mean"] - made["inception_whole"]
    if "rise" in made and "retrained_mean" in made:
        made["dearer"] = made["retrained_mean"] - made["inception_whole"]
        made["regained"] = made["everywhere_mean"] - made["retrained_mean"]
    return made


def ruin_came(numbers: Numbers) -> str | None:
    """Whether the trained Inception net can do without a path."""
    if "rise" not in numbers:
        return None
    least, most = (
        numbers[f"everywhere_{which}"].median - numbers["inception_whole"].median for which in ("least", "most")
    )
    return "all" if least >= MATTERS else "none" if most < MATTERS else "some"


def again_came(numbers: Numbers) -> str | None:
    """Whether the net that never had the path is as good."""
    if "dearer" not in numbers:
        return None
    return "close" if numbers["dearer"].median <= CLOSE else "worse"


def special_came(numbers: Numbers) -> str | None:
    """Which path of a residual block is missed more in one block."""
    if "residual_one_branch" not in numbers or "residual_one_identity" not in numbers:
        return None
    more = numbers["residual_one_identity"].median - numbers["residual_one_branch"].median
    return "identity" if more > CLOSE else "branch" if more < -CLOSE else "same"


def figure(findings: Findings, theme: Theme) -> go.Figure:
    """Test error without each path: everywhere, in one block, trained anew."""
    names = [f"{words}<br>(Inception)" if path in FOUR else f"{words}<br>(residual)" for path, words in PATHS.items()]
    made = canvas(theme, x=f"the path that is missing{whole(findings)}", y="test error", percent=True,
                  categories=names, y_range=(0, 1.12))  # fmt: skip
    numbers = LAB.numbers(findings)
    level(made, theme, "guessing", 0.9)
    for how, (words, role) in HOW.items():
        rows = [(name, number) for path, name in zip(PATHS, names, strict=True) if (number := of(numbers, how, path))]
        bars(
            made, theme, words, [name for name, _ in rows], [number.median for _, number in rows], role=role,
            texts=[f"{number:percent!}" for _, number in rows], low=[number.low for _, number in rows],
            high=[number.high for _, number in rows],
        )  # fmt: skip
    legend(made, list(HOW.values()), theme)
    return made


def whole(findings: Findings) -> str:
    """The newest errors of the nets that miss nothing, to compare with."""
    newest = collect([one for one in findings if one.get("how") == "whole"], ("net",), "test_error")
    told = [f"{net.replace('inc', 'Inc')} {number:percent!}" for (net,), number in sorted(newest.items())]
    return f" (whole nets: {', '.join(told)})" if told else ""


def of(numbers: Numbers, how: str, path: str) -> Number | None:
    """The test error without that path, None where there is none."""
    return numbers.get(f"{'inception' if path in FOUR else 'residual'}_{how}_{path}")


def table(findings: Findings) -> list[dict[str, str]]:
    """One row a path."""
    numbers, rows = LAB.numbers(findings), []
    for path, words in PATHS.items():
        net = "inception" if path in FOUR else "residual"
        if f"{net}_whole" in numbers:
            found = {name: of(numbers, how, path) for how, (name, _) in HOW.items()}
            rows.append({
                "Network": net, "Path": words, "Test error, whole": f"{numbers[f'{net}_whole']:percent}",
                **{name.capitalize(): f"{number:percent}" if number else "-" for name, number in found.items()},
            })  # fmt: skip
    return rows


def apart() -> Experiment:
    """Both networks as a race."""
    nets: dict[str, Any] = {net: network(net) for net in ("inception", "residual")}
    return Experiment(contestants=nets)


LAB = Lab(
    number=8,
    slug="paths",
    title="Paths",
    question="What is the difference between an Inception block and a residual block, and what is left when paths are "
    "taken out?",
    answer="An Inception block joins paths that all compute: without one of them the trained net is at "
    "{everywhere_mean:percent!} test error, though training anew without it costs little. A residual block adds two "
    "paths, and one of them is free: the identity.",
    setting="Six Inception blocks (four paths of a quarter of the width, concatenated) and six residual blocks (two "
    "paths, added) on 1,500 digits, 96 steps each. A path that is taken out gives zeros, and batch-norm statistics are "
    "estimated again, so that what you see is the missing path. Six blocks, so that one of them can be told from all.",
    guesses={
        "ruin": Guess(
            "A trained Inception net loses one of its four paths in every block. By how much does its test error rise?",
            {
                "none": "By less than 10 points, whichever path it is: the other three stand in",
                "some": "That depends: some paths matter, some do not",
                "all": "By more than 10 points, whichever path it is",
            },
            ruin_came,
        ),
        "again": Guess(
            "And if the net is trained without that path from the start?",
            {"close": "It ends within 5 points of the whole net", "worse": "It ends more than 5 points behind"},
            again_came,
        ),
        "special": Guess(
            "In *one* block of the residual net, which path is missed more?",
            {"identity": "The identity", "branch": "The branch, which has all the weights", "same": "Neither"},
            special_came,
        ),
    },
    measure=measure,
    read=read,
    effects=(
        Effect("rise", "test error of the Inception net without a path, mean of the four, minus whole", RUIN, -CLOSE,
               "points"),
        Effect("regained", "what training anew without the path gains, mean of the four", RUIN, -CLOSE, "points"),
        Effect("digits", "digits to which the three forms of a ResNeXt block agree", 12, 3, "count"),
    ),
    explain={
        "present": "**An Inception block joins four paths that all compute; a residual block adds two, and one of "
        "them is free.** Whole, the Inception net has {inception_whole:percent} test error. Without one path in all "
        "blocks it has {everywhere_mean:percent}, and {everywhere_least:percent} without the least important: each "
        "carries something that the next block counts on. But a net trained anew without it ends at "
        "{retrained_mean:percent}, so none of the four is needed either.\n\nIn a single block a missing path costs "
        "less: {one_mean:percent}. The same in a residual block: {residual_one_branch:percent} without its branch, "
        "{residual_one_identity:percent} without the identity, which has no weights at all. ResNeXt unites both, many "
        "equal paths beside an identity. Added (a), joined (b) or as one grouped convolution (c), with the same "
        "weights, their scores differ by {difference:scientific!}: rounding.",
        "absent": "No clear effect here: without one path in all blocks the Inception net goes from "
        "{inception_whole:percent} test error to {everywhere_mean:percent}, and trained anew without it it has "
        "{retrained_mean:percent}. The three forms of a ResNeXt block agree to {digits:count} digits.",
        "reversed": "This run says the opposite of what was expected: whole, the Inception net has "
        "{inception_whole:percent} test error, without one path in all blocks {everywhere_mean:percent}, trained "
        "anew {retrained_mean:percent}; the three forms agree to {digits:count} digits. Run the three repeats "
        "before you believe it.",
    },
    figure=figure,
    table=table,
    evidence=(
        Evidence("inception_whole", "Inception, whole", prototype="1.7 % (0.3 to 2.7)"),
        Evidence("residual_whole", "residual, whole", prototype="1.6 %"),
        Evidence("everywhere_mean_stale", "Inception without a path in all blocks, running statistics",
                 prototype="86 % (79 to 89)"),
        Evidence("everywhere_mean", "the same, statistics estimated again"),
        Evidence("one_mean_stale", "Inception without a path in one block, running statistics",
                 prototype="24 % (21 to 26)"),
        Evidence("one_mean", "the same, statistics estimated again"),
        Evidence("retrained_mean", "Inception trained anew without a path", prototype="3.2 % (2.7 to 3.7)"),
        Evidence("difference", "largest difference between the three forms", "scientific", prototype="2.7 × 10⁻¹⁵",
                 published="equal (Xie 2017, Fig. 3)"),
    ),
    comparable="The papers print no error of such a lesion on nets like these, so there is nothing to lay beside it; "
    "that the three forms are equal is Xie 2017, Sect. 3.3, and holds to rounding.",
    sources=(
        Source("Szegedy et al. 2015, Going Deeper with Convolutions", "Fig. 2b", "https://arxiv.org/abs/1409.4842"),
        Source("Xie et al. 2017, Aggregated Residual Transformations", "Fig. 3, Sect. 3.3",
               "https://arxiv.org/abs/1611.05431"),
        Source("Veit et al. 2016, Ensembles of Relatively Shallow Networks", "Sect. 4.1",
               "https://arxiv.org/abs/1605.06431"),
    ),
    apart=apart,
)  # fmt: skip
