"""What a network consists of and costs, found on the meta device: no weights, any size, in milliseconds.

The classes are plain data and load at once; the three functions import torch when they are first called.
"""

from __future__ import annotations

from ..spec.network import Network
from .graph import Detail, Edge, Graph, Node
from .paths import Paths
from .proof import Proof, proofs
from .summary import LayerInfo, Row, Summary

__all__ = [
    "Edge",
    "Graph",
    "LayerInfo",
    "Node",
    "Paths",
    "Proof",
    "Row",
    "Summary",
    "layers",
    "proofs",
    "summarize",
    "trace",
]


def trace(network: Network, detail: Detail = "block") -> Graph:
    """The network's graph at "stage", "block" or "op" detail; see :func:`resnet_viz.inspect.tracing.trace`."""
    from .tracing import trace

    return trace(network, detail)


def summarize(network: Network, batch: int = 1) -> Summary:
    """Counts, totals and one row a layer; see :func:`resnet_viz.inspect.counting.summarize`."""
    from .counting import summarize

    return summarize(network, batch)


def layers(network: Network) -> tuple[LayerInfo, ...]:
    """The convolutions and the linear layer in forward order; see :func:`resnet_viz.inspect.counting.layers`."""
    from .counting import layers

    return layers(network)
