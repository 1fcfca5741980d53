"""Graphs and counts of a network for the pages, kept for the last networks that anyone looked at.

Keyed by the network, so that two visitors with the same network share the work. torch is imported on first use.
"""

from __future__ import annotations

from threading import RLock

from cachetools import LRUCache, cached

from resnet_viz.draw.drawing import Layout
from resnet_viz.draw.layout import layout
from resnet_viz.draw.zoom import zoom
from resnet_viz.inspect import Graph, Proof, Summary, proofs, summarize, trace
from resnet_viz.inspect.graph import Detail
from resnet_viz.spec import Network

ROWS = 150_000
"""Rows of summaries, nodes of graphs and marks of layouts kept in memory, each; a thousand take up to a megabyte.
ResNet-50 has 122 rows, cifar_resnet1202 3,600."""


@cached(LRUCache(ROWS, lambda summary: len(summary.rows)), lock=RLock())
def _summary(network: Network, batch: int) -> Summary:
    return summarize(network, batch)


@cached(LRUCache(ROWS, len), lock=RLock())
def _proofs(network: Network) -> tuple[Proof, ...]:
    return proofs(network)


@cached(LRUCache(ROWS, lambda graph: len(graph.nodes)), lock=RLock())
def _graph(network: Network, detail: Detail) -> Graph:
    return trace(network, detail)


@cached(LRUCache(ROWS, lambda drawn: len(drawn.marks) + len(drawn.arcs) + len(drawn.labels)), lock=RLock())
def _layout(network: Network, stage: int, block: int) -> Layout:
    blocks = _graph(network, "block") if stage else None
    ops = _graph(network, "op") if block else None
    return layout(zoom(_graph(network, "stage"), blocks, ops, stage=stage, block=block), stage=stage, block=block)


def summary_of(network: Network, batch: int = 1) -> Summary:
    """Counts of a network. Raises ``SpecError`` when it cannot be built."""
    return _summary(network, batch)


def proofs_of(network: Network) -> tuple[Proof, ...]:
    """Every part's parameters counted in three ways. Raises ``SpecError`` when it cannot be built."""
    return _proofs(network)


def layout_of(network: Network, stage: int = 0, block: int = 0) -> Layout:
    """The drawing of a network with a stage, or a block of it, opened (both from 1; 0: not)."""
    return _layout(network, stage, block)
