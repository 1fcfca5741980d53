"""Names as the papers have them; they come from a network's structure alone, never from a person's text."""

from __future__ import annotations

from collections.abc import Callable

from ..spec.block import Activation, Norm, Order
from ..spec.network import Network
from .kinds import BlockClass

_NOUNS = {"basic": "Block", "bottleneck": "Bottleneck", "paths": "InceptionBlock"}
_MERGES = {"none": "Plain", "add": "", "highway": "Highway", "shortcut_gate": "ShortcutGated"}

ACTIVATIONS: dict[Activation, str] = {
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "gelu": "GELU",
    "silu": "SiLU",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
}
"""torch's names, in ``torch.nn``."""

_ORDERS: dict[Order, str] = {
    "original": "PostAct",
    "bn_after_addition": "NormAfterAdd",
    "relu_before_addition": "ActBeforeAdd",
    "relu_only_preactivation": "ActOnlyPreAct",
    "preactivation": "PreAct",
}
_NORMS: dict[Norm, str] = {"batch": "BatchNorm", "group": "GroupNorm", "layer": "LayerNorm", "none": "NoNorm"}
_AROUND = {
    "none": "",
    "identity": "Identity",
    "padded": "Padded",
    "projected": "Projected",
    "projected where shapes change": "Projecting",
}

_AXES: tuple[Callable[[BlockClass], str], ...] = (
    lambda made: _ORDERS[made.block.order],
    lambda made: _NORMS[made.block.norm],
    lambda made: ACTIVATIONS[made.block.activation],
    lambda made: _AROUND[made.around],
    lambda made: "Biased" if made.block.bias else "Unbiased",
    lambda made: f"Gate{made.block.gate_kernel}x{made.block.gate_kernel}",
    lambda made: {"grouped": "Grouped", "split_concatenate": "Joined", "split_sum": "Summed"}[made.block.form],
    lambda made: f"StrideOn{made.stride_on}",
    lambda made: "" if made.projection_norm else "BareProjection",
)
"""What tells two classes of one name apart, by meaning; the first axis on which they differ comes first."""


def _plain_name(made: BlockClass) -> str:
    block = made.block
    resnext = block.branch != "paths" and any(use.block.cardinality > 1 for use in made.uses)
    noun = "ResNeXtBlock" if resnext else _NOUNS[block.branch]
    before = ("SE" if block.attention != "none" else "") + _MERGES[block.merge]
    before += "PreAct" if block.order == "preactivation" else ""
    return before + noun if before or noun != "Block" else "BasicBlock"


def name_all(classes: list[BlockClass]) -> None:
    """Give each class a name of its own."""
    for made in classes:
        made.name = _plain_name(made)
    for read in _AXES:
        for alike in _clashes(classes):
            words = [read(made) for made in alike]
            if len(set(words)) > 1:
                for made, word in zip(alike, words, strict=True):
                    made.name = made.name if made.name.startswith(word) else word + made.name
    for alike in _clashes(classes):
        for i, made in enumerate(alike[1:], 2):
            made.name += str(i)


def _clashes(classes: list[BlockClass]) -> list[list[BlockClass]]:
    by_name: dict[str, list[BlockClass]] = {}
    for made in classes:
        by_name.setdefault(made.name, []).append(made)
    return [alike for alike in by_name.values() if len(alike) > 1]


def network_name(network: Network) -> str:
    """The class name of the whole network: what most of its axes say."""
    blocks = network.each
    if network.is_plain:
        return "PlainNet"
    if all(block.merge == "highway" for block in blocks):
        return "HighwayNetwork"
    noun = "ResNet"
    if all(block.branch == "paths" for block in blocks):
        noun = "InceptionResNet"
    elif all(block.cardinality > 1 for block in blocks):
        noun = "ResNeXt"
    before = "PreAct" if all(block.order == "preactivation" for block in blocks) else ""
    return ("SE" if all(block.attention != "none" for block in blocks) else "") + before + noun
