"""Graphs and counts of a network for the pages, kept for the last networks that anyone looked at.

Keyed by share text, so that two visitors with the same network share the work. torch is imported on first use.
"""

from __future__ import annotations

from functools import lru_cache

from resnet_viz.draw.drawing import Layout
from resnet_viz.draw.layout import layout
from resnet_viz.draw.zoom import zoom
from resnet_viz.inspect import Graph, Summary, summarize, trace
from resnet_viz.inspect.graph import Detail
from resnet_viz.spec import Network, decode, encode

KEPT = 64
"""Networks kept in memory; one takes well below a megabyte, cifar_resnet1202 about two."""


@lru_cache(maxsize=KEPT)
def _summary(text: str, batch: int) -> Summary:
    return summarize(_network(text), batch)


@lru_cache(maxsize=KEPT)
def _graph(text: str, detail: Detail) -> Graph:
    return trace(_network(text), detail)


@lru_cache(maxsize=KEPT)
def _layout(text: str, stage: int, block: int) -> Layout:
    blocks = _graph(text, "block") if stage else None
    ops = _graph(text, "op") if block else None
    return layout(zoom(_graph(text, "stage"), blocks, ops, stage=stage, block=block), stage=stage, block=block)


def _network(text: str) -> Network:
    network = decode(text)
    if not isinstance(network, Network):
        raise TypeError(f"share text {text[:20]!r} is not a network")
    return network


def summary_of(network: Network, batch: int = 1) -> Summary:
    """Counts of a network. Raises ``SpecError`` when it cannot be built."""
    return _summary(encode(network), batch)


def layout_of(network: Network, stage: int = 0, block: int = 0) -> Layout:
    """The drawing of a network with a stage, or a block of it, opened (both from 1; 0: not)."""
    return _layout(encode(network), stage, block)
