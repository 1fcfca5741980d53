"""From a spec to stand-alone PyTorch source that a person would have written. Imports no torch."""

from __future__ import annotations

from ..spec.network import Network
from .export import Source, source
from .kinds import Style

__all__ = ["Source", "Style", "source", "to_source"]


def to_source(network: Network, style: Style = "explicit") -> str:
    """The source's text: importable, needs nothing but torch; see :func:`resnet_viz.codegen.export.source`."""
    return source(network, style).text
