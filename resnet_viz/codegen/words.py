"""The sentences of the exported source: what a block is and which paper it is from."""

from __future__ import annotations

from ..spec.block import Block
from ..spec.network import Network, Scheme
from .kinds import BlockClass

_ORDERS = {
    "original": "",
    "bn_after_addition": "norm after the addition (He 2016b, Fig. 4b)",
    "relu_before_addition": "activation before the addition (He 2016b, Fig. 4c)",
    "relu_only_preactivation": "activation first (He 2016b, Fig. 4d)",
    "preactivation": "norm and activation first (He 2016b, Fig. 4e)",
}
_FORMS = {
    "grouped": "",
    "split_concatenate": "paths joined before the last 1x1 (Xie 2017, Fig. 3b)",
    "split_sum": "paths added (Xie 2017, Fig. 3a)",
}
_MERGES = {
    "none": "no shortcut",
    "add": "",
    "highway": "a gate between branch and shortcut",
    "shortcut_gate": "a gate on the shortcut",
}
SCHEMES: dict[Scheme, str] = {
    "kaiming_fan_out": "He et al. 2015, by fan-out",
    "kaiming_fan_in": "He et al. 2015, by fan-in",
    "xavier": "Glorot and Bengio 2010",
    "orthogonal": "Saxe et al. 2014",
    "pytorch": "torch's defaults",
}
"""Where each scheme of starting weights is from."""


def _branch(made: BlockClass) -> str:
    block: Block = made.block
    if block.branch == "basic":
        grouped = made.values("cardinality") != {1}
        return "Two 3x3 convolutions" + (" in groups" if grouped else "")
    if block.branch == "paths":
        return "Parallel paths, joined along the channels (Szegedy 2015)"
    if block.form == "grouped" and made.values("cardinality") != {1}:
        return "1x1, grouped 3x3 and 1x1 (Xie 2017, Fig. 3c)"
    return "1x1, 3x3 and 1x1 convolution"


def described(made: BlockClass) -> str:
    """A block's docstring: what is in its branch, then what is unusual about it; one line."""
    block = made.block
    parts = [_MERGES[block.merge], _ORDERS[block.order], _FORMS[block.form] if block.branch == "bottleneck" else ""]
    line = _branch(made)
    for part in filter(None, parts):
        longer = f"{line}, {part}"
        line = longer if len(longer) <= 76 else line
    return f"{line}."


def summary(network: Network) -> str:
    """What the network is, in one clause."""
    shape = f"{network.input.channels} x {network.input.height} x {network.input.width}"
    return f"{network.depth} layers, {shape} images, {network.head.classes:,} classes"
