"""The head of the exported file: what it is, from which paper, its share link, where else the network is to be had."""

from __future__ import annotations

import re
from functools import cache

from ..spec.errors import ShareError
from ..spec.network import Network
from ..spec.presets import preset, preset_info, presets
from ..spec.share import encode
from .kinds import Style
from .names import network_name
from .words import summary

TORCHVISION = (
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
    "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2",
)  # fmt: skip
"""Presets that are functions of ``torchvision.models``."""
TIMM = ("resnetv2_50", "resnetv2_101", "resnetv2_152", "seresnet50")
"""Presets that ``timm.create_model`` makes under the same name."""


def preset_of(network: Network) -> str:
    """The preset that the network equals but for its name, or nothing."""
    if network.name in presets() and preset(network.name) == network:
        return network.name
    return _nameless().get(network.model_copy(update={"name": ""}), "")


@cache
def _nameless() -> dict[Network, str]:
    """The presets without their names, and the first name of each."""
    return {preset(name).model_copy(update={"name": ""}): name for name in reversed(presets())}


def one_liner(network: Network) -> str:
    """How torchvision or timm make this very network, or nothing."""
    name = preset_of(network)
    if name in TORCHVISION:
        return f"torchvision.models.{name}()"
    return f'timm.create_model("{name}")' if name in TIMM else ""


def harmless(text: str) -> str:
    """A person's words inside a docstring: no quote, no backslash, nothing that reads like an import of ours."""
    text = text.replace("\\", "/").replace('"', "'").replace("resnet_viz", "resnet-viz")
    return re.sub(r"\s+", " ", text).strip()


def _link(network: Network) -> str:
    """What follows the app's address, wherever it is served."""
    try:
        return f"playground?n={encode(network)}"
    except ShareError as error:
        return f"(none: {error})"


def header(network: Network, style: Style, *, init: bool) -> list[str]:
    """The docstring's lines, and the one-liner as a comment."""
    name = preset_of(network)
    lines = [f'"""{harmless(network.name)}: {summary(network)}.', ""]
    if name:
        lines += [f"Source: {preset_info(name).source}.", ""]
    lines += ["Written by ResNet Viz, whose address followed by this opens the same network:", _link(network), ""]
    if style == "lazy":
        channels, height, width = network.input.channels, network.input.height, network.input.width
        made = network_name(network)
        lines += ["The first batch gives the lazy layers their shapes:", ""]
        lines += [f"    model = {made}().eval()", f"    model(torch.zeros(2, {channels}, {height}, {width}))"]
        lines += ["    model.apply(init_weights)"] if init else []
        lines += ["    model.train()", ""]
    lines += [
        "Weights are drawn from torch's global generator: the same distribution as in",
        "ResNet Viz, which has one generator for each parameter, but not the same numbers.",
        '"""',
    ]
    elsewhere = one_liner(network)
    return [*lines, *(["", f"# The same network elsewhere: {elsewhere}"] if elsewhere else [])]
