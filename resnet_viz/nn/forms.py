"""Weights carried from one of the three equal forms of a grouped bottleneck to another (Xie 2017, Fig. 3)."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch

from ..spec.block import Block
from ..spec.errors import SpecError
from ..spec.network import Network

State = dict[str, torch.Tensor]
_IN_PATH = re.compile(r"paths\.(\d+)\.(.+)")


def carry_forms(source: Network, target: Network, state: Mapping[str, torch.Tensor]) -> State:
    """The weights of ``source`` as ``target`` has them, where the two differ in ``form`` only.

    Both networks then compute the same function in training and evaluation, up to rounding: a path's weights are
    slices of the grouped convolution's, along its output channels, and of the last 1x1's along its input channels.
    Order and names are those of the target's ``state_dict``. Raises :class:`~resnet_viz.spec.SpecError` where
    another field differs, where ``state`` is not the source's, and for group and layer norm, whose statistics differ
    from form to form.
    """
    from . import build  # the package imports this module

    if _grouped(source) != _grouped(target):
        raise SpecError("weights are carried between networks that differ in form only")
    strange = sorted(build(source, "meta").state_dict().keys() ^ state.keys())
    if strange:
        raise SpecError(f"these are not the weights of {source.name}: {strange[0]} stands in one of the two only")
    carried: State = {}
    units: dict[str, State] = {}
    for key, value in state.items():
        place = re.match(r"(layer\d+\.\d+)\.(.+)", key)
        if place is None:
            carried[key] = value
        else:
            units.setdefault(place[1], {})[place[2]] = value
    for s, (old, new) in enumerate(zip(source.stages, target.stages, strict=True), 1):
        for b, (was, now) in enumerate(zip(old.each, new.each, strict=True)):
            path = f"layer{s}.{b}"
            moved = units[path] if was.form == now.form else _split(now, _joined(was, units[path]))
            carried |= {f"{path}.{name}": value for name, value in moved.items()}
    return {key: carried[key] for key in build(target, "meta").state_dict()}


def _grouped(network: Network) -> Network:
    """The network with every block in its grouped form, without its name."""
    stages = []
    for stage in network.stages:
        for block in stage.each:
            if block.form != "grouped" and block.norm in ("group", "layer"):
                raise SpecError(f"the forms are equal with batch norm or none, not with {block.norm} norm")
        overrides = tuple(
            one.model_copy(update={"block": one.block.model_copy(update={"form": "grouped"})})
            for one in stage.overrides
        )
        block = stage.block.model_copy(update={"form": "grouped"})
        stages.append(stage.model_copy(update={"block": block, "overrides": overrides}))
    return network.model_copy(update={"name": "grouped", "stages": tuple(stages)})


def _joined(block: Block, unit: State) -> State:
    """A unit's weights in the grouped form."""
    if block.form == "grouped":
        return unit
    paths: dict[str, list[torch.Tensor]] = {}
    rest: State = {}
    for key, value in unit.items():
        inside = _IN_PATH.fullmatch(key)
        if inside is None:
            rest[key] = value
        else:
            paths.setdefault(inside[2], []).append(value)
    for name, parts in paths.items():
        if name.endswith("num_batches_tracked"):
            rest[name] = parts[0]
        elif name == "conv3.bias":
            rest[name] = torch.stack(parts).sum(0)
        else:
            rest[name] = torch.cat(parts, 1 if name == "conv3.weight" else 0)
    return rest


def _split(block: Block, unit: State) -> State:
    """A grouped unit's weights in the block's form. The bias of added paths goes to the first of them."""
    if block.form == "grouped":
        return unit
    pre, count = block.order == "preactivation", block.cardinality
    inside = ["conv1", "conv2", "bn2", *(["bn3"] if pre else ["bn1"])]
    if block.form == "split_sum":
        inside.append("conv3")
    moved: State = {}
    for name, value in unit.items():
        if name.partition(".")[0] not in inside:
            moved[name] = value
            continue
        if name.endswith("num_batches_tracked"):
            parts = [value.clone() for _ in range(count)]
        elif name == "conv3.bias":
            parts = [value, *(torch.zeros_like(value) for _ in range(count - 1))]
        else:
            parts = list(value.chunk(count, 1 if name == "conv3.weight" else 0))
        moved |= {f"paths.{i}.{name}": part for i, part in enumerate(parts)}
    return moved
