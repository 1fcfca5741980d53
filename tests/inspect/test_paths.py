"""Gradient paths: against published figures, and against every path of the traced graph walked one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from math import comb

import pytest
from hypothesis import assume, given, settings

from resnet_viz.inspect import Graph, summarize, trace
from resnet_viz.inspect.paths import Paths, paths_of
from resnet_viz.spec import Block, Network, Override, Stage, preset
from tests.strategies import networks

MOST_PATHS = 20_000


def test_the_54_blocks_of_resnet110() -> None:
    """Veit 2016, Sect. 4.2 and 4.3: binomial, mean 27; paths of 5 to 17 blocks are 0.45 % of all."""
    paths = summarize(preset("cifar_resnet110")).paths
    assert paths.shares == tuple(comb(54, k) / 2**54 for k in range(55))
    assert paths.mean == pytest.approx(27)
    assert round(paths.deviation, 2) == 3.67
    assert round(100 * sum(paths.shares[5:18]), 2) == 0.45
    assert (paths.fewest, paths.most, paths.shortest, paths.longest) == (0, 54, 2, 110)


def test_600_blocks() -> None:
    paths = summarize(preset("cifar_resnet1202")).paths
    assert sum(paths.shares) == pytest.approx(1)
    assert (paths.most, paths.shortest, paths.longest) == (600, 2, 1202)
    assert (paths.mean, paths.deviation) == (pytest.approx(300), pytest.approx(600**0.5 / 2))


def test_as_many_blocks_as_there_may_be() -> None:
    """Both ends of the distribution are below the smallest float, and no limit is lost with them."""
    paths = paths_of(Network(stages=(Stage(blocks=600), Stage(blocks=600))))
    assert (paths.shares[0], paths.fewest, paths.most, paths.longest) == (0.0, 0, 1200, 2402)
    assert paths.deviation == pytest.approx(1200**0.5 / 2)


def test_a_plain_network_has_one_path() -> None:
    paths = summarize(preset("tiny_plain20")).paths
    assert paths == Paths(20, 20, 9, (0.0,) * 9 + (1.0,))
    assert (paths.mean, paths.deviation) == (9, 0)


def test_plain_blocks_among_residual_ones_shift_the_distribution() -> None:
    plain = Block(merge="none", branch="bottleneck")
    stage = Stage(blocks=5, overrides=(Override(index=2, block=plain), Override(index=4, block=plain)))
    paths = paths_of(Network(stages=(stage,)))
    assert paths == Paths(2 + 6, 2 + 6 + 6, 2, (0, 0, 1 / 8, 3 / 8, 3 / 8, 1 / 8))


def test_what_is_multiplied_by_zero_is_no_way() -> None:
    both = Stage(blocks=2)
    around = Stage(block=Block(beta=0))
    through = Stage(block=Block(alpha=0))
    paths = paths_of(Network(stages=(both, around, through)))
    assert paths == Paths(4, 8, 1, (0, 1 / 4, 2 / 4, 1 / 4))
    none = paths_of(Network(stages=(both, Stage(block=Block(alpha=0, beta=0)))))
    assert none == Paths(0, 0, 0, ())
    assert (none.mean, none.deviation, none.most) == (0, 0, 0)


def walked(graph: Graph, network: Network) -> tuple[Counter[int], set[int]]:
    """How many ways there are by blocks passed through, and the lengths in weighted layers, path by path.

    Paths that differ only inside a branch are one way. A path ends where it enters a gate or attention's weights.
    """
    outgoing = defaultdict(list)
    for edge in graph.edges:
        outgoing[edge.source].append(edge)
    nodes = {node.id: node for node in graph.nodes}
    ways: set[tuple[bool, ...]] = set()
    lengths: set[int] = set()
    todo = [("input", 0, ())]
    seen = 0
    while todo:
        at, layers, way = todo.pop()
        node = nodes[at]
        inside = at.split(".")[2:]
        if inside[:1] in (["gate"], ["se"]) and at.split(".")[-1] != "scale":
            continue
        layers += node.kind in ("conv", "linear") and "downsample" not in inside
        if node.kind == "output":
            seen += 1
            assume(seen < MOST_PATHS)
            ways.add(way)
            lengths.add(layers)
        for edge in outgoing[at]:
            target, step = nodes[edge.target], way
            if target.kind == "add":
                block = network.stages[target.stage - 1].block_at(target.block)
                if not (block.alpha if edge.shortcut else block.beta):
                    continue
                step = (*way, edge.shortcut is None)
            todo.append((edge.target, layers, step))
    plain = sum(block.merge == "none" for block in network.each)
    return Counter(plain + sum(way) for way in ways), lengths


@settings(max_examples=30, deadline=None)
@given(networks())
def test_paths_are_those_of_the_graph(network: Network) -> None:
    paths = paths_of(network)
    counts, lengths = walked(trace(network, "op"), network)
    total = sum(counts.values())
    if not total:
        assert paths == Paths(0, 0, 0, ())
        return
    assert paths.shares == tuple(counts[k] / total for k in range(max(counts) + 1))
    assert (paths.fewest, paths.shortest, paths.longest) == (min(counts), min(lengths), max(lengths))
    if all(block.alpha and block.beta for block in network.each):
        assert paths.longest == network.depth
