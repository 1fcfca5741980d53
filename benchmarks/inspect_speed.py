"""From a spec to its graph and counts: piece by piece, as the app does it, against the whole network at once.

    python -m benchmarks.inspect_speed

Both ways give every operation with its shape and torchinfo's totals, on the meta device (the tests prove them
equal); piece by piece gives the graph at all three levels and the other measures too. "cold" has nothing in the
caches but torch is warm; "edit" changes the width of the last stage of a network that has been seen before, which is
what the playground does. Medians of five; ratios are whole over piece by piece. "cpu" is the processor time of the
cold run, which other work on the machine disturbs less.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import torch
import torchinfo

from resnet_viz.inspect import pieces, summarize, trace
from resnet_viz.inspect.operations import operations
from resnet_viz.nn import build
from resnet_viz.spec import Network, preset

CACHES = (pieces.cut, pieces._stem_piece, pieces._unit_piece, pieces._head_piece)
GOAL = 100
"""Milliseconds, cold."""


def whole(network: Network) -> None:
    """One module, one trace, one run of torchinfo."""
    shape = (network.input.channels, network.input.height, network.input.width)
    model = build(network, "meta")
    operations(model, shape)
    image = torch.empty((1, *shape), device="meta")
    torchinfo.summary(model, input_data=[image], device="meta", mode="eval", depth=8, verbose=0)


def composed(network: Network) -> None:
    """Each distinct piece once: the graph at all three levels, and the counts."""
    for detail in ("stage", "block", "op"):
        trace(network, detail)
    summarize(network)


def cold(network: Network) -> None:
    """The same with empty caches."""
    for cache in CACHES:
        cache.cache_clear()
    composed(network)


def deeper(network: Network, name: str, blocks: tuple[int, ...], **changes: Any) -> Network:
    """The network with so many blocks in its stages, and each block changed."""
    stages = tuple(
        stage.model_copy(update={"blocks": number, "block": stage.block.model_copy(update=changes)})
        for stage, number in zip(network.stages, blocks, strict=True)
    )
    return network.model_copy(update={"name": name, "stages": stages})


def edited(network: Network, more: int) -> Network:
    """Another width in the last stage."""
    last = network.stages[-1]
    block = last.block.model_copy(update={"width": last.block.width + 32 * more})
    return network.model_copy(update={"stages": (*network.stages[:-1], last.model_copy(update={"block": block}))})


def median(run: Callable[[], object], clock: Callable[[], float] = time.perf_counter, trials: int = 5) -> float:
    """Milliseconds."""
    times = []
    for _ in range(trials):
        start = clock()
        run()
        times.append(1000 * (clock() - start))
    return statistics.median(times)


def main() -> None:
    """Print one row a network."""
    networks = (
        preset("resnet18"),
        preset("resnet50"),
        deeper(preset("resnet50"), "resnet152", (3, 8, 36, 3)),
        deeper(preset("resnext50_32x4d"), "resnext101_32x8d", (3, 4, 23, 3), base_width=8),
        preset("cifar_resnet1202"),
    )
    whole(preset("plain18"))
    composed(preset("plain18"))
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{'':18}{'whole ms':>10}{'cold ms':>9}{'cpu ms':>8}{'ratio':>7}{'edit ms':>9}{'ratio':>7}   goal")
    for network in networks:
        steps = count(1)
        at_once = median(lambda network=network: whole(network))  # type: ignore[misc]
        first = median(lambda network=network: cold(network))  # type: ignore[misc]
        cpu = median(lambda network=network: cold(network), time.thread_time)  # type: ignore[misc]
        edit = median(lambda network=network, steps=steps: composed(edited(network, next(steps))))  # type: ignore[misc]
        told = "met" if first < GOAL else "missed"
        print(f"{network.name:18}{at_once:10.0f}{first:9.0f}{cpu:8.0f}{at_once / first:7.1f}{edit:9.0f}"
              f"{at_once / edit:7.1f}   {told}")  # fmt: skip


if __name__ == "__main__":
    main()
