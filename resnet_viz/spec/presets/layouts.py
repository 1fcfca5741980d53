"""How the papers lay blocks out into networks: one function a layout, from few numbers to a ``Network``."""

from __future__ import annotations

from ..block import Block, Lane, LaneConv, Merge
from ..network import Head, Input, Network, Override, Stage, Stem

DIGITS = Input(channels=1, height=8, width=8)
CIFAR = Input(channels=3, height=32, width=32)
FASHION = Input(channels=1, height=96, width=96)


def cifar(
    name: str,
    depth: int,
    *,
    width: int,
    image: Input = CIFAR,
    merge: Merge = "add",
    shape: Block | None = None,
    stem_width: int | None = None,
) -> Network:
    """He 2016a, Sect. 4.2: three stages of n blocks at widths w, 2w, 4w; depth 6n + 2 (basic) or 9n + 2.

    The stem has ``width`` channels unless ``stem_width`` says otherwise.
    """
    shape = shape or Block(merge=merge, shortcut="A")
    per_block = 3 if shape.branch == "bottleneck" else 2
    blocks = (depth - 2) // (3 * per_block)
    stages = tuple(
        Stage(blocks=blocks, stride=1 if i == 0 else 2, block=shape.model_copy(update={"width": width * 2**i}))
        for i in range(3)
    )
    stem = Stem(width=stem_width or width, activated=shape.order != "preactivation")
    return Network(name=name, input=image, stem=stem, stages=stages)


def imagenet(
    name: str, counts: tuple[int, ...], block: Block, *, image: Input | None = None, classes: int = 1000
) -> Network:
    """He 2016a, Table 1: stages of ``counts`` blocks at widths 64, 128, 256, 512 behind a 7x7 and a max-pool.

    The stride stands where ``block`` has it: on the 3x3 of a bottleneck as in torchvision ("V1.5") by default.
    """
    stages = tuple(
        Stage(blocks=n, stride=1 if i == 0 else 2, block=block.model_copy(update={"width": 64 * 2**i}))
        for i, n in enumerate(counts)
    )
    stem = Stem(
        width=64, kernel=7, stride=2, pool="max", activated=not block.preactivated, norm=block.norm, bias=block.bias
    )
    image = image or Input(channels=3, height=224, width=224)
    return Network(name=name, input=image, stem=stem, stages=stages, head=Head(classes=classes))


def highway(name: str, gated: tuple[int, ...], widths: tuple[int, ...], last: int, bias: float) -> Network:
    """Srivastava 2015, Sect. 3.3: gated layers of one 3x3 each; a plain layer wherever the width changes.

    Stage i has ``gated[i]`` layers of ``widths[i]`` channels, from the second on behind a plain 3x3 that halves the
    map; a plain 1x1 to ``last`` channels closes the network. Gates start at ``bias``. No norm.
    """

    def layer(width: int, kernel: int, merge: Merge) -> Block:
        lane = Lane(convs=(LaneConv.model_validate({"kernel": kernel, "width": width}),))
        return Block(
            branch="paths", width=width, paths=(lane,), merge=merge, gate_bias=bias, gate_kernel=3, norm="none",
            order="relu_before_addition",
        )  # fmt: skip

    stages = [Stage(blocks=gated[0], block=layer(widths[0], 3, "highway"))]
    for count, width in zip(gated[1:], widths[1:], strict=True):
        change = Override(index=1, block=layer(width, 3, "none"))
        stages.append(Stage(blocks=count + 1, stride=2, block=layer(width, 3, "highway"), overrides=(change,)))
    stages.append(Stage(block=layer(last, 1, "none")))
    return Network(name=name, input=CIFAR, stem=Stem(width=widths[0], norm="none"), stages=tuple(stages))
