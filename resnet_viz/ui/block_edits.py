"""What an edit of the block's fields does to the network: in all stages, in one, or in one block only.

A block that differs keeps to its stage in every field in which it does not: an edit of the stage goes through to it.
Where a choice leaves another one without meaning that one goes back to its default, and :func:`said` tells it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Any, Literal

from resnet_viz.spec import Block, Network, Stage
from resnet_viz.spec.network import MAX_OVERRIDES
from resnet_viz.ui.draft import Path, changed

Reach = Literal["all", "stage", "block"]


@dataclass(frozen=True)
class Scope:
    """What the block's fields show and edit: all stages, stage ``stage``, or its block ``block`` (both from 1)."""

    reach: Reach
    stage: int = 1
    block: int = 0

    def block_of(self, network: Network) -> Block:
        """The block that the fields show; of all stages the first one's."""
        if self.reach == "all":
            return network.stages[0].block
        stage = network.stages[self.stage - 1]
        return stage.block_at(self.block) if self.reach == "block" else stage.block

    def holds_first(self) -> bool:
        """Whether the network's first block is among those edited."""
        return self.reach == "all" or (self.stage == 1 and (self.reach == "stage" or self.block == 1))


def edited(network: Network, scope: Scope, name: str, value: Any) -> Network:
    """The network with that field of its blocks replaced. Raises ``ValueError`` for what cannot be."""
    changes: dict[Path, Any] = {}
    for i in range(len(network.stages)) if scope.reach == "all" else (scope.stage - 1,):
        if scope.reach == "block":
            changes["stages", i, "overrides"] = _one_block(network.stages[i], scope.block, _with_implied(name, value))
            continue
        own = _scaled(network, i, value) if name == "width" and scope.reach == "all" else value
        changes |= _whole_stage(network.stages[i], i, _with_implied(name, own))
    if name in ("norm", "activation") and scope.reach == "all":
        changes["stem", name] = value
    made = changed(network, changes)
    if name == "order" and scope.holds_first():
        # The first pre-activated block brings its activation itself (He 2016b, appendix).
        made = changed(made, {("stem", "activated"): not made.each[0].preactivated})
    return pruned(made)


def _with_implied(name: str, value: Any) -> dict[str, Any]:
    """The field and what has no meaning beside its value: forms of a bottleneck, groups of parallel paths."""
    fields = {name: value}
    if name == "branch" and value != "bottleneck":
        fields["form"] = "grouped"
    if name == "branch" and value == "paths":
        fields["cardinality"] = 1
    return fields


def _whole_stage(stage: Stage, index: int, fields: dict[str, Any]) -> dict[Path, Any]:
    """The stage's block, and the blocks that differ as far as they were like it."""
    changes: dict[Path, Any] = {("stages", index, "block", name): value for name, value in fields.items()}
    for place, override in enumerate(stage.overrides):
        for name, value in fields.items():
            if getattr(override.block, name) == getattr(stage.block, name):
                changes["stages", index, "overrides", place, "block", name] = value
    return changes


def _one_block(stage: Stage, index: int, fields: dict[str, Any]) -> list[dict[str, Any]]:
    own = {override.index: override.block.model_dump() for override in stage.overrides}
    own[index] = stage.block_at(index).model_dump() | fields
    if len(own) > MAX_OVERRIDES:
        raise ValueError(f"{len(own)} blocks of the stage would differ, and {MAX_OVERRIDES} may: edit the whole stage")
    return [{"index": place, "block": block} for place, block in sorted(own.items())]


def pruned(network: Network) -> Network:
    """Without blocks that are said to differ and do not."""
    stages = tuple(
        stage.model_copy(update={"overrides": tuple(o for o in stage.overrides if o.block != stage.block)})
        for stage in network.stages
    )
    return network.model_copy(update={"stages": stages})


def with_blocks(network: Network, stage: int, count: Any) -> Network:
    """The network with that number of blocks in a stage; blocks beyond it that differed are gone."""
    kept = network.stages[stage - 1].overrides
    if isinstance(count, int) and count > 0:
        kept = tuple(override for override in kept if override.index <= count)
    dumped = [override.model_dump() for override in kept]
    return changed(network, {("stages", stage - 1, "blocks"): count, ("stages", stage - 1, "overrides"): dumped})


def like_its_stage(network: Network, scope: Scope) -> Network:
    """The network with that block as its stage's again."""
    kept = [o.model_dump() for o in network.stages[scope.stage - 1].overrides if o.index != scope.block]
    return changed(network, {("stages", scope.stage - 1, "overrides"): kept})


def said(before: Network, after: Network) -> str:
    """What an edit took away besides what it was asked to, in one sentence; "" for nothing."""
    if len(before.stages) != len(after.stages):
        return ""
    for number, (old, new) in enumerate(zip(before.stages, after.stages, strict=True), 1):
        gone = [o.index for o in old.overrides if o.index > new.blocks]
        if gone:
            one = len(gone) == 1
            which = f"block {gone[0]}, which differed, is" if one else f"{len(gone)} blocks that differed are"
            now = f"Stage {number} has {new.blocks} block{'s' * (new.blocks > 1)} now"
            return f"{now}: {which} gone. Undo brings {'it' if one else 'them'} back."
    pairs = list(zip(before.each, after.each, strict=False))
    if any(old.branch != "paths" == new.branch and old.cardinality > 1 for old, new in pairs):
        return "Cardinality is 1 now: parallel paths are listed one by one."
    if any(old.branch != new.branch and old.form != new.form for old, new in pairs):
        return "The form is grouped now: the others are for bottlenecks."
    return ""


def differing(network: Network) -> tuple[str, ...]:
    """Names of the block's fields, widths excepted, in which stages differ."""
    blocks = [stage.block for stage in network.stages]
    names = [name for name in Block.model_fields if name != "width"]
    return tuple(name for name in names if any(getattr(b, name) != getattr(blocks[0], name) for b in blocks[1:]))


def _scaled(network: Network, index: int, value: Any) -> Any:
    """The width of a stage when the first one's becomes ``value``: the ratios between stages stay."""
    first, own = network.stages[0].block.width, network.stages[index].block.width
    if index == 0 or not isinstance(value, int) or value < 1:
        return value
    scaled, rest = divmod(own * value, first)
    if rest:
        raise ValueError(
            f"width {value} would give stage {index + 1} {own * value / first:.4g} channels: use a multiple of "
            f"{first // gcd(first, own)}, or edit one stage at a time"
        )
    return scaled
