"""Words of the playground's choices. The values are the spec's own: one without words here shows its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from resnet_viz.spec import block, network

Options = dict[Any, str]

FIELDS: dict[str, str] = {
    "cardinality": "Cardinality", "base_width": "Base width", "stride_on": "Stride on", "alpha": "Alpha",
    "gate_bias": "Gate bias", "gate_kernel": "Gate kernel", "shortcut_dropout": "Dropout",
    "projection_norm": "Proj. norm", "bias": "Conv. bias",
}  # fmt: skip
"""Labels of the block's fields, where they are not the field's name."""


def label(name: str) -> str:
    """The label of a block's field."""
    return FIELDS.get(name, name.replace("_", " ").capitalize())


def options(axis: Any, words: Mapping[Any, str] | None = None) -> Options:
    """The values of an axis (a ``Literal``) with their words."""
    told = words or {}
    return {value: told.get(value, str(value).replace("_", " ")) for value in get_args(axis)}


BRANCHES = options(block.Branch)
MERGES = options(block.Merge, {
    "none": "plain", "add": "residual", "highway": "highway gates", "shortcut_gate": "gated shortcut",
})  # fmt: skip
SHORTCUTS = options(block.Shortcut)
ORDERS = options(block.Order, {
    "bn_after_addition": "BN after addition", "relu_before_addition": "ReLU before addition",
    "relu_only_preactivation": "ReLU-only pre-activation", "preactivation": "full pre-activation",
})  # fmt: skip
NORMS = options(block.Norm)
ACTIVATIONS = options(block.Activation, {
    "relu": "ReLU", "leaky_relu": "leaky ReLU", "gelu": "GELU", "silu": "SiLU",
})  # fmt: skip
FORMS = options(block.Form, {"split_concatenate": "split, concatenate", "split_sum": "split, sum"})
ATTENTIONS = options(block.Attention)
SCHEMES = options(network.Scheme, {
    "kaiming_fan_out": "Kaiming, fan out", "kaiming_fan_in": "Kaiming, fan in", "xavier": "Xavier",
    "pytorch": "PyTorch's own",
})  # fmt: skip
DECAYS = options(network.Decay)
STRIDE_ON = options(block.Block.model_fields["stride_on"].annotation, {"3x3": "3×3", "1x1": "1×1"})
GATE_KERNELS = options(block.Block.model_fields["gate_kernel"].annotation, {1: "1×1", 3: "3×3"})
BY_ORDER = "order"
PROJECTION_NORMS: Options = {BY_ORDER: "by order", True: "yes", False: "no"}
STEMS: dict[tuple[int, int, str], str] = {
    (3, 1, "none"): "3×3",
    (3, 2, "none"): "3×3 ÷2",
    (5, 1, "none"): "5×5",
    (7, 2, "none"): "7×7 ÷2",
    (7, 2, "max"): "7×7 ÷2, max-pool",
}
