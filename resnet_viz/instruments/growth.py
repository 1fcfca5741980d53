"""A network grown in place: more blocks of zero, which change nothing at first (nested classes).

*Dive into Deep Learning*, Sect. 8.6.1: a larger class of functions helps for sure only if it contains the smaller
one. Blocks whose branch is zero make it contain it: what the small network computes the grown one computes too, to
the last bit, and it can only learn from there (Goyal et al. 2017, arXiv 1706.02677, Sect. 5.1, for the zeros).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from ..nn import Unit, build
from ..spec import Network, SpecError

Start = Literal["zero", "random"]
IDEMPOTENT = ("relu",)
"""Activations that leave alone what has passed them already."""


def taller(network: Network, blocks: Sequence[int], name: str | None = None) -> Network:
    """The network with so many blocks in its stages. Raises ``ValueError`` where a stage would lose some."""
    if len(blocks) != len(network.stages):
        raise SpecError(f"{network.name} has {len(network.stages)} stages, not {len(blocks)}")
    for number, (stage, count) in enumerate(zip(network.stages, blocks, strict=True), 1):
        if count < stage.blocks:
            raise SpecError(f"stage {number} has {stage.blocks} blocks: it can grow, not shrink to {count}")
    stages = tuple(
        stage.model_copy(update={"blocks": count}) for stage, count in zip(network.stages, blocks, strict=True)
    )
    found = network.model_copy(update={"stages": stages, "name": name or f"{network.name} grown"})
    return Network.model_validate(found.model_dump())


def growth_problem(network: Network) -> str:
    """Why blocks of zero behind those of its stages would change what the network computes, or could never learn.

    "" where they do neither. A later override of a stage's block plays no part: new blocks are the stage's own.
    """
    for stage in network.stages:
        block = stage.block
        if block.merge == "none":
            return "a plain block of zero passes nothing on"
        if block.gated or block.alpha != 1:
            return "the shortcut does not pass its input on whole"
        if block.shortcut == "C":
            return "a projection stands on every shortcut"
        if block.shortcut_dropout:
            return "the shortcut drops values in training"
        if block.order == "bn_after_addition" and block.norm != "none":
            return "a norm stands behind the addition"
        if block.order == "relu_before_addition" and block.activation in ("sigmoid", "relu"):
            return "the branch ends in an activation that never lets it learn from zero"
        if block.order == "original" and block.activation not in IDEMPOTENT:
            return f"{block.activation} behind the addition changes what it has changed before"
    return ""


def grown(small: Network, model: nn.Module, large: Network, *, start: Start = "zero", seed: int = 0) -> nn.Module:
    """The model of ``small`` as one of ``large`` (:func:`taller`): its weights kept, the new blocks behind those that
    their stages had.

    ``start`` "zero": the last layer of each new branch is zero, so that scores stay the same bits in training and
    evaluation unless :func:`growth_problem` says why not; "random": as :func:`~resnet_viz.nn.build` draws them from
    ``seed``. In the model's own mode and on its device. Raises :class:`~resnet_viz.spec.SpecError` where ``large`` is
    no grown ``small`` or ``model`` not one of ``small``.
    """
    if taller(small, [stage.blocks for stage in large.stages], large.name) != large:
        raise SpecError(f"{large.name} is not {small.name} with more blocks")
    device = next(model.parameters()).device
    bigger = build(large, device=device, seed=seed)
    old = model.state_dict()
    if build(small, "meta").state_dict().keys() != old.keys():
        raise SpecError(f"this model is not one of {small.name}")
    fresh = bigger.state_dict()
    bigger.load_state_dict(fresh | old)
    if start == "zero":
        with torch.no_grad():
            for path, unit in bigger.named_modules():
                if isinstance(unit, Unit) and not any(key.startswith(f"{path}.") for key in old):
                    unit.start_as_zero()
    return bigger.train(model.training)
