"""Lab 9, Table 1: the ImageNet networks of He 2016a counted side by side. Nothing is trained, nothing is random."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ...draw.canvas import bars, canvas, legend
from ...draw.colours import PALETTE, Role, Theme
from ...draw.titles import amount
from ...inspect import summarize
from ...inspect.summary import Row, Summary
from ...spec import Comparison, Network, preset
from ..lab import Effect, Evidence, Finding, Findings, Guess, Lab, Numbers, Source

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..bench import Bench

NETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
BATCH = 32
VGG_19 = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
"""Channels and number of 3x3 convolutions between the poolings (Simonyan and Zisserman 2015, Table 1, E)."""
VGG_LINEAR = (512 * 7 * 7, 4096, 4096, 1000)
NAMES = {name: f"ResNet-{name.removeprefix('resnet')}" for name in NETS} | {"vgg19": "VGG-19"}
STAGE_ROLES: tuple[tuple[str, Role], ...] = (
    ("stem", "sixth"), ("stage 1", "residual"), ("stage 2", "third"), ("stage 3", "plain"), ("stage 4", "fourth"),
    ("head", "fifth"),
)  # fmt: skip


def as_the_paper_has_it(network: Network) -> Network:
    """Stride on the first 1x1 of a bottleneck: that is how the paper's multiply-adds are counted."""
    stages = tuple(
        stage.model_copy(update={"block": stage.block.model_copy(update={"stride_on": "1x1"})})
        for stage in network.stages
    )
    return network.model_copy(update={"stages": stages})


def vgg19() -> tuple[int, int]:
    """(multiply-adds, parameters) of VGG-19 on 3 x 224 x 224 by arithmetic: it is no network of ours."""
    size, before, macs, params = 224, 3, 0, 0
    for width, count in VGG_19:
        for _ in range(count):
            weights = 9 * before * width
            macs, params, before = macs + weights * size * size, params + weights + width, width
        size //= 2
    for inputs, outputs in pairwise(VGG_LINEAR):
        macs, params = macs + inputs * outputs, params + inputs * outputs + outputs
    return macs, params


def measure(bench: Bench, seed: int) -> Iterator[Finding]:
    """The counts of each network, from the real module on the meta device."""
    for name in NETS:
        bench.tell(f"counting {NAMES[name]}")
        network = preset(name)
        counted = summarize(network, BATCH)
        yield {
            "net": name, "layers": counted.depth, "params": counted.params, "macs": counted.macs,
            "macs_paper": summarize(as_the_paper_has_it(network)).macs, "memory": counted.memory,
            "field": counted.receptive_field, "stages": stages(network, counted),
        }  # fmt: skip
    macs, params = vgg19()
    yield {"net": "vgg19", "layers": 19, "params": params, "macs": macs}


def stages(network: Network, counted: Summary) -> list[dict[str, Any]]:
    """Stem, stages, head: blocks, output size and what they cost."""
    parts: dict[str, list[Row]] = {name: [] for name, _ in STAGE_ROLES}
    seen = False
    for row in counted.rows:
        seen = seen or row.stage > 0
        parts[f"stage {row.stage}" if row.stage else "head" if seen else "stem"].append(row)
    blocks = {f"stage {i}": stage.blocks for i, stage in enumerate(network.stages, 1)}
    return [
        {
            "part": name, "blocks": blocks.get(name, 0), "size": rows[-1].shape[-1] if len(rows[-1].shape) == 3 else 1,
            "params": sum(row.params for row in rows), "macs": sum(row.macs for row in rows),
        }
        for name, rows in parts.items()
    ]  # fmt: skip


def read(findings: Findings) -> dict[str, float]:
    """Counts by network, "resnet50_macs", and the two ratios that the lab is about."""
    found: dict[str, float] = {}
    for one in findings:
        for which in ("layers", "params", "macs", "macs_paper", "memory", "field"):
            if which in one:
                found[f"{one['net']}_{which}"] = one[which]
    if "resnet50_macs" in found and "resnet34_macs" in found:
        found["bottleneck_ratio"] = found["resnet50_macs"] / found["resnet34_macs"]
        found["bottleneck_layers"] = found["resnet50_layers"] / found["resnet34_layers"]
        found["cheaper_layers"] = found["bottleneck_layers"] / found["bottleneck_ratio"]
    if "vgg19_macs" in found and "resnet152_macs" in found:
        found["vgg_ratio"] = found["vgg19_macs"] / found["resnet152_macs"]
        found["vgg_layers"] = found["resnet152_layers"] / found["vgg19_layers"]
    return found


def vgg_came(numbers: Numbers) -> str | None:
    """Whether the deepest net costs more than VGG-19."""
    if "vgg_ratio" not in numbers:
        return None
    ratio = numbers["vgg_ratio"].median
    return "less" if ratio > 1.1 else "more" if ratio < 1 / 1.1 else "same"


def bottleneck_came(numbers: Numbers) -> str | None:
    """What ResNet-50 costs beside ResNet-34."""
    if "bottleneck_ratio" not in numbers:
        return None
    ratio = numbers["bottleneck_ratio"].median
    return "close" if ratio < 1.25 else "half" if ratio < 1.75 else "double"


def figure(findings: Findings, theme: Theme) -> go.Figure:
    """Multiply-adds of each network, stage by stage."""
    names = [NAMES[one] for one in (*NETS, "vgg19")]
    made = canvas(theme, x="", y="multiply-adds for one image (G: 10⁹)", categories=names,
                  y_range=(0, 24))  # fmt: skip
    for part, role in STAGE_ROLES:
        rows = [(one, row) for one in findings for row in one.get("stages", ()) if row["part"] == part]
        bars(made, theme, part, [NAMES[one["net"]] for one, _ in rows], [row["macs"] / 1e9 for _, row in rows],
             role=role)  # fmt: skip
    other = [one for one in findings if one["net"] == "vgg19"]
    bars(made, theme, "whole", [NAMES["vgg19"] for _ in other], [one["macs"] / 1e9 for one in other], role="sixth")
    made.data[-1].marker.update(color=PALETTE[theme]["bar"], pattern={"shape": ""})  # it has no such stages
    made.update_layout(barmode="stack", bargap=0.45)
    for one in findings:
        made.add_annotation(
            x=NAMES[one["net"]], y=one["macs"] / 1e9, text=f"{amount(one['macs'])}<br>{amount(one['params'])} weights",
            showarrow=False, yanchor="bottom", yshift=4, font={"size": 12},
        )  # fmt: skip
    legend(made, STAGE_ROLES, theme)
    return made


def table(findings: Findings) -> list[dict[str, str]]:
    """One row a network, as Table 1 has its columns."""
    return [_row(one) for one in findings]


def _row(one: Finding) -> dict[str, str]:
    rows: Sequence[dict[str, Any]] = one.get("stages", ())
    return {
        "Network": NAMES[one["net"]],
        "Layers": str(one["layers"]),
        "Blocks": " + ".join(str(row["blocks"]) for row in rows if row["blocks"]) or "none",
        "Map sizes": " · ".join(str(row["size"]) for row in rows if row["blocks"]) or "-",
        "Parameters": f"{one['params']:,}",
        "Multiply-adds": amount(one["macs"]),
        "Stride on 1×1": amount(one["macs_paper"]) if "macs_paper" in one else "-",
        f"Training step, batch {BATCH}": f"{one['memory'] / 2**30:.1f} GiB" if "memory" in one else "-",
        "Receptive field": f"{one['field']} px" if "field" in one else "-",
    }


def apart() -> Comparison:
    """All five on the Compare page."""
    return Comparison(networks=tuple(preset(name) for name in NETS))


LAB = Lab(
    number=9,
    slug="table-1",
    title="Table 1",
    question="What do the five networks of the paper's Table 1 consist of, and what does each of them cost?",
    answer="One pattern of four stages, deeper each time; bottlenecks make depth cheap, so ResNet-152 with "
    "{vgg_layers:times!} the layers of VGG-19 computes {resnet152_macs:amount!} multiply-adds against "
    "{vgg19_macs:amount!}.",
    setting="The five ImageNet networks as torchvision builds them, 3 × 224 × 224, counted from the real modules; "
    "nothing is trained, so there is nothing to repeat. VGG-19 stands beside them as it does in the paper.",
    guesses={
        "vgg": Guess(
            "ResNet-152 has eight times as many layers as VGG-19. Its multiply-adds for one image are",
            {"more": "more", "same": "about the same", "less": "fewer"},
            vgg_came,
        ),
        "bottleneck": Guess(
            "ResNet-50 has the blocks of ResNet-34, but with three layers in place of two. It computes",
            {"close": "less than a quarter more", "half": "about half as much again", "double": "about twice as much"},
            bottleneck_came,
        ),
    },
    measure=measure,
    read=read,
    effects=(
        Effect("vgg_ratio", "multiply-adds of VGG-19 over those of ResNet-152", 1.1, 1 / 1.1, "times"),
        Effect("cheaper_layers", "layers of ResNet-50 over ResNet-34, divided by the same ratio of multiply-adds", 1.1,
               1 / 1.1, "times"),
    ),
    explain={
        "present": "**Each network is a stem, four stages of blocks and a head, and bottlenecks make depth cheap.** "
        "From stage to stage the map halves and the width doubles, so that a block costs about the same anywhere. "
        "ResNet-50 replaces the two 3×3 convolutions of a block by 1×1, 3×3, 1×1: {bottleneck_layers:times} the "
        "layers of ResNet-34 for {bottleneck_ratio:times} its multiply-adds. So even ResNet-152, {vgg_layers:times} "
        "as deep as VGG-19, needs {resnet152_macs:amount} against {vgg19_macs:amount}.\n\nThese are counts of today's "
        "torchvision, which halves the map in the 3×3 of a stage's first block; the paper does it in the first 1×1, "
        "and then ResNet-50 has {resnet50_macs_paper:amount}. The picture as a table, below, has each network's "
        "blocks and map sizes.",
        "absent": "By these counts depth is not clearly cheaper with bottlenecks: VGG-19 has {vgg_ratio:times} the "
        "multiply-adds of ResNet-152, and ResNet-50 {bottleneck_ratio:times} those of ResNet-34.",
        "reversed": "By these counts depth is dearer with bottlenecks: VGG-19 has {vgg_ratio:times} the multiply-adds "
        "of ResNet-152, and ResNet-50 {bottleneck_ratio:times} those of ResNet-34. The paper says the opposite.",
    },
    figure=figure,
    table=table,
    evidence=(
        Evidence("resnet18_macs_paper", "ResNet-18, multiply-adds", "amount", published="1.8 G (He 2016a, Table 1)"),
        Evidence("resnet34_macs_paper", "ResNet-34, multiply-adds", "amount", published="3.6 G (He 2016a, Table 1)"),
        Evidence("resnet50_macs_paper", "ResNet-50, stride on the 1×1", "amount",
                 published="3.8 G (He 2016a, Table 1)"),
        Evidence("resnet101_macs_paper", "ResNet-101, stride on the 1×1", "amount",
                 published="7.6 G (He 2016a, Table 1)"),
        Evidence("resnet152_macs_paper", "ResNet-152, stride on the 1×1", "amount",
                 published="11.3 G (He 2016a, Table 1)"),
        Evidence("vgg19_macs", "VGG-19, multiply-adds", "amount", published="19.6 G (He 2016a, Sect. 3.3)"),
        Evidence("resnet50_params", "ResNet-50, parameters", "count", published="25,557,032 (torchvision)"),
    ),
    comparable="Counts do not depend on training, so they can be compared to the last printed digit; the paper counts "
    "convolutions and linear layers, as this lab does.",
    sources=(
        Source("He et al. 2016a, Deep Residual Learning", "Table 1, Fig. 5, Sect. 3.3 and 4.1",
               "https://arxiv.org/abs/1512.03385"),
        Source("Simonyan and Zisserman 2015, VGG", "Table 1, column E", "https://arxiv.org/abs/1409.1556"),
    ),
    trains=False,
    repeats=False,
    apart=apart,
)  # fmt: skip
