"""Sessions of one server inspect at the same time, and none of them notices the others."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import torch

from resnet_viz.inspect import Graph, Summary, pieces, summarize, trace
from resnet_viz.nn import build
from resnet_viz.spec import Network, Stem, preset

CACHES = (pieces.cut, pieces._stem_piece, pieces._unit_piece, pieces._head_piece)


def forget() -> None:
    for cache in CACHES:
        cache.cache_clear()


def several() -> list[Network]:
    names = ("resnet18", "resnet50", "resnext50_32x4d", "plain18", "preact_resnet110", "tiny_resnet20")
    plain = [preset(name) for name in names]
    return plain + [network.model_copy(update={"stem": Stem(width=3 + i)}) for i, network in enumerate(plain)]


def both(network: Network) -> tuple[Graph, Summary]:
    return trace(network, "op"), summarize(network)


def test_threads_get_what_one_thread_gets() -> None:
    networks = several()
    forget()
    alone = [both(network) for network in networks]
    forget()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(both, networks * 2))
    assert together == alone * 2


def test_a_model_that_runs_meanwhile_is_not_traced() -> None:
    """torch.fx patches every module's call while it traces: a forward in another thread must not feel it."""
    model = build(preset("tiny_resnet20")).eval()
    images = torch.randn(4, 1, 8, 8)
    expected = model(images)
    stop, wrong, runs = threading.Event(), [], []

    def forward() -> None:
        while not stop.is_set():
            try:
                if not torch.allclose(model(images), expected):
                    wrong.append("another result")
            except Exception as error:
                wrong.append(repr(error))
            runs.append(1)

    thread = threading.Thread(target=forward)
    thread.start()
    try:
        for _ in range(2):
            forget()
            for network in several():
                trace(network, "op")
    finally:
        stop.set()
        thread.join()
    assert wrong == []
    assert len(runs) > 5


def test_the_plain_data_is_there_without_torch() -> None:
    code = "import sys, resnet_viz.inspect as i; i.Graph, i.Summary; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
