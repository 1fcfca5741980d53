"""From a spec to its graph and counts: piece by piece, as the app does it, against the whole network at once.

    python benchmarks/inspect_speed.py

Both ways give every operation with its shape and torchinfo's totals, on the meta device (the tests prove them
equal). "first" starts with empty caches; "edit" changes the width of the last stage of a network that has been
seen before, which is what the playground does. Medians of five; the ratio is whole over piece by piece.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from itertools import count

import torch
import torchinfo

from resnet_viz.inspect import pieces, summarize, trace
from resnet_viz.inspect.operations import operations
from resnet_viz.nn import build
from resnet_viz.spec import Network, preset
from resnet_viz.spec.presets import imagenet

CACHES = (
    pieces._stem_piece, pieces._unit_piece, pieces._head_piece,
    pieces._stem_count, pieces._unit_count, pieces._head_count,
)  # fmt: skip


def whole(network: Network) -> None:
    """One module, one trace, one run of torchinfo."""
    shape = (network.input.channels, network.input.height, network.input.width)
    model = build(network, "meta")
    operations(model, shape)
    image = torch.empty((1, *shape), device="meta")
    torchinfo.summary(model, input_data=[image], device="meta", mode="eval", depth=8, verbose=0)


def composed(network: Network) -> None:
    """Each distinct piece once."""
    trace(network, "op")
    summarize(network)


def first(network: Network) -> None:
    """The same with empty caches."""
    for cache in CACHES:
        cache.cache_clear()
    composed(network)


def edited(network: Network, more: int) -> Network:
    """Another width in the last stage."""
    last = network.stages[-1]
    block = last.block.model_copy(update={"width": last.block.width + 4 * more})
    return network.model_copy(update={"stages": (*network.stages[:-1], last.model_copy(update={"block": block}))})


def median(run: Callable[[], object], trials: int = 5) -> float:
    """Milliseconds."""
    times = []
    for _ in range(trials):
        start = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def main() -> None:
    """Print one row a network."""
    networks = {
        "resnet18": preset("resnet18"),
        "resnet50": preset("resnet50"),
        "resnet152": imagenet("resnet152", (3, 8, 36, 3), preset("resnet50").stages[0].block),
        "cifar_resnet1202": preset("cifar_resnet1202"),
    }
    whole(networks["resnet18"])
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{'':18}{'whole ms':>10}{'first ms':>10}{'ratio':>7}{'edit ms':>10}{'ratio':>7}")
    for name, network in networks.items():
        steps = count(1)
        at_once = median(lambda network=network: whole(network))  # type: ignore[misc]
        cold = median(lambda network=network: first(network))  # type: ignore[misc]
        edit = median(lambda network=network, steps=steps: composed(edited(network, next(steps))))  # type: ignore[misc]
        print(f"{name:18}{at_once:10.0f}{cold:10.0f}{at_once / cold:7.1f}{edit:10.0f}{at_once / edit:7.1f}")


if __name__ == "__main__":
    main()
