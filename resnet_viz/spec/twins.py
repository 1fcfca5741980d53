"""The network beside the network: its plain twin, its fit to a data set, and every way in which two differ."""

from __future__ import annotations

import re
from typing import Any, Literal

from .block import Block
from .datasets import OwnImages, info_of
from .network import MAX_NAME, Input, Network, Stem, checked, never_learns_from_zero
from .shapes import problems


def _with_merge(network: Network, merge: Literal["none", "add"], name: str) -> Network:
    def merged(block: Block) -> Block:
        return block.model_copy(update={"merge": merge})

    stages = tuple(
        stage.model_copy(
            update={
                "block": merged(stage.block),
                "overrides": tuple(o.model_copy(update={"block": merged(o.block)}) for o in stage.overrides),
            }
        )
        for stage in network.stages
    )
    changes: dict[str, Any] = {"stages": stages, "name": name[:MAX_NAME]}
    if merge == "none":  # a dropped branch would leave nothing
        changes["drop_path"] = network.drop_path.model_copy(update={"survival": 1.0})
    twin = network.model_copy(update=changes)
    if any(map(never_learns_from_zero, twin.each)):
        return twin.model_copy(update={"init": network.init.model_copy(update={"zero_last": False})})
    return twin


def _plain_name(name: str) -> str:
    if "resnet" in name:
        return name.replace("resnet", "plain", 1)
    return name if "plain" in name else f"plain {name.removeprefix('residual ')}"


def _residual_name(name: str) -> str:
    if "plain" not in name:
        return name if re.search("resne[tx]|residual", name) else f"residual {name}"
    bare = name.removeprefix("plain ")
    return name.replace("plain", "resnet", 1) if bare == name else bare


def plain_twin(network: Network) -> Network:
    """The same network without its shortcuts (He 2016a, Fig. 3, middle). Weights of equal shape stay equal.

    Raises what :func:`~resnet_viz.spec.checked` raises; so does :func:`residual_twin`.
    """
    network = checked(network)
    return _with_merge(network, "none", _plain_name(network.name))


def residual_twin(network: Network) -> Network:
    """The same network with a shortcut around every block (He 2016a, Fig. 3, right)."""
    network = checked(network)
    return _with_merge(network, "add", _residual_name(network.name))


def fit_to_dataset(network: Network, dataset: str | OwnImages) -> tuple[Network, tuple[str, ...]]:
    """The network with the data set's input and classes, and one sentence for each change made.

    A stem made for large images is replaced by a 3x3 one when the images are too small for it; a stage whose
    stride no longer fits gets stride 1.
    """
    data, changes = info_of(dataset), []
    image = Input(channels=data.channels, height=data.height, width=data.width)
    if network.input != image:
        changes.append(f"input {network.input} becomes {image}")
        network = network.model_copy(update={"input": image})
    if network.head.classes != data.classes:
        changes.append(f"{network.head.classes} classes become {data.classes}")
        network = network.model_copy(update={"head": network.head.model_copy(update={"classes": data.classes})})
    stem = network.stem
    if min(image.height, image.width) < 64 and (stem.stride > 1 or stem.pool != "none"):
        changes.append("the stem becomes 3 x 3 with stride 1 and no pool")
        stem = stem.model_copy(update={"kernel": 3, "stride": 1, "pool": "none"})
        network = network.model_copy(update={"stem": stem})
    for problem in problems(network):
        if problem.field == "stride" and problem.stage:
            changes.append(f"stage {problem.stage} gets stride 1")
            stages = list(network.stages)
            stages[problem.stage - 1] = stages[problem.stage - 1].model_copy(update={"stride": 1})
            network = network.model_copy(update={"stages": tuple(stages)})
    return network, tuple(changes)


def differences(first: Network, second: Network) -> tuple[tuple[str, str, str], ...]:
    """Every field in which two networks differ: (dotted field, value in the first, value in the second).

    Names are left out. Stages are counted from 1; a missing stage reads "-". Equal rows of all stages are
    folded into one row ("every stage").
    """
    left, right = _flat(first), _flat(second)
    rows = [
        (key, str(left.get(key, "-")), str(right.get(key, "-")))
        for key in dict.fromkeys((*left, *right))
        if left.get(key, "-") != right.get(key, "-") and not _says_nothing(key, left, right)
    ]
    count = max(len(first.stages), len(second.stages))
    if len(first.stages) != len(second.stages) or count < 2:
        return tuple(rows)
    folded, seen = [], set()
    for key, a, b in rows:
        tail = key.partition(" ")[2].partition(" ")[2] if key.startswith("stage ") else ""
        alike = [row[0] for row in rows if tail and row[1:] == (a, b)]
        same = [name for name in alike if name.startswith("stage ") and name.endswith(f" {tail}")]
        if len(same) == count:
            if tail not in seen:
                seen.add(tail)
                folded.append((f"every stage: {tail}", a, b))
        else:
            folded.append((key, a, b))
    return tuple(folded)


def _flat(network: Network) -> dict[str, Any]:
    data = network.model_dump(exclude={"version", "name", "stages"})
    rows: dict[str, Any] = {}
    for part, fields in data.items():
        rows.update({f"{part}.{field}": value for field, value in fields.items()})
    rows.update({f"stem.{field}": value for field, value in stem_fields(network)})
    for i, stage in enumerate(network.stages, 1):
        for field, value in stage.model_dump(exclude={"block", "overrides"}).items():
            rows[f"stage {i} {field}"] = value
        rows.update({f"stage {i} {field}": value for field, value in block_fields(stage.block)})
        for override in stage.overrides:
            rows.update({f"stage {i} block {override.index} {f}": v for f, v in block_fields(override.block)})
    return rows


_NEEDS_SHORTCUT = ("shortcut", "shortcut_dropout", "projection_norm", "alpha", "beta")


_DEFAULTS = {field: str(value) for field, value in Block() if field not in ("shortcut", "width")} | {
    f"stem.{field}": str(value) for field, value in Stem()
}


def _says_nothing(key: str, left: dict[str, Any], right: dict[str, Any]) -> bool:
    """A field that does nothing in one network and has its default in the other; but shortcut and width are told."""
    pair = {str(left.get(key)), str(right.get(key))}
    return pair == {"-", _DEFAULTS.get(key.rpartition(" ")[2], "")}


def block_fields(block: Block) -> list[tuple[str, Any]]:
    """The block's fields and values, in the model's order; "-" for those that do nothing in it.

    ``bias`` is whether its convolutions have one: without a norm they do, whatever was chosen.
    """
    idle = {field for field in _NEEDS_SHORTCUT if block.merge == "none"}
    idle |= {"projection_norm"} if block.norm == "none" or block.shortcut == "A" else set()
    idle |= set() if block.gated else {"gate_bias", "gate_kernel"}
    idle |= set() if block.branch == "bottleneck" else {"stride_on"}
    idle |= {"expansion", "base_width", "cardinality", "form"} if block.branch == "paths" else {"paths"}
    idle |= {"width"} if block.branch == "paths" and block.paths else set()
    rows = dict(block) | {"paths": "; ".join(map(str, block.lanes)), "bias": block.bias or block.norm == "none"}
    return [(field, "-" if field in idle else value) for field, value in rows.items()]


def stem_fields(network: Network) -> list[tuple[str, Any]]:
    """The stem's fields and values like :func:`block_fields`; what a bare stem has is for the first block to say."""
    stem, first = network.stem, network.each[0]
    bare = not stem.activated and first.order != "relu_only_preactivation"
    normed = (first.order == "preactivation" and first.norm != "none") if bare else stem.norm != "none"
    idle = {field for field, does in (("norm", not bare), ("activation", stem.activated)) if not does}
    rows = dict(stem) | {"bias": stem.bias or not normed}
    return [(field, "-" if field in idle else value) for field, value in rows.items()]
