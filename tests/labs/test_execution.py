"""A lab through store and worker, and its numbers read again from the stored run: one real run, as small as can be."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from resnet_viz.labs import Lab, Observation, execution, find, observe, queue, recording
from resnet_viz.labs import catalogue as catalogue_module
from resnet_viz.labs.bench import Bench, Cancelled
from resnet_viz.labs.execution import execute
from resnet_viz.labs.questions import degradation
from resnet_viz.labs.stored import lab_of
from resnet_viz.runs import Store
from resnet_viz.runs.liveness import process_identity
from resnet_viz.runs.rest import BEFORE_IT
from resnet_viz.runs.worker import Worker
from resnet_viz.spec import Network, preset
from resnet_viz.train import devices
from resnet_viz.train.devices import Calculation


def tiny_networks(bench: Bench) -> dict[tuple[str, int], Network]:
    return {("plain", 8): preset("tiny_plain8"), ("plain", 20): preset("tiny_plain20"),
            ("residual", 8): preset("tiny_resnet8")}  # fmt: skip


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr(degradation, "networks", tiny_networks)
    monkeypatch.setattr(degradation, "EPOCHS", 1)
    return find("degradation")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def with_lab(monkeypatch: pytest.MonkeyPatch, measure: Any) -> Lab:
    """A lab whose measuring is that function, under the name of one that is there."""
    made = replace(find("degradation"), measure=measure)
    monkeypatch.setattr(catalogue_module, "labs", lambda: (made,))
    return made


def claimed(store: Store, lab: Lab, seeds: tuple[int, ...]) -> str:
    run = queue(store, lab, seeds)
    assert store.claim(run, *process_identity())
    return run


def last(lab: Lab, observation: Observation, net: str, layers: int, which: str) -> float:
    """The number once more, without the lab's own code."""
    errors = [
        one[f"{which}_error"]
        for one in observation.findings
        if (one["net"], one["layers"], one["epoch"]) == (net, layers, 1)
    ]
    assert len(errors) == 1
    return float(errors[0])


def test_the_numbers_are_those_of_the_stored_run(tiny: Lab, store: Store) -> None:
    run = claimed(store, tiny, (3,))
    assert execute(store, run) == "finished"
    stored = observe(Store(store.directory), run)
    assert (stored.state, stored.reason, stored.run, stored.seeds) == ("finished", None, run, (3,))
    assert stored.words
    for net, layers in (("plain", 8), ("plain", 20), ("residual", 8)):
        for which in ("train", "test"):
            number = stored.numbers[f"{net}_{layers}_{which}"]
            assert number.values == (last(tiny, stored, net, layers, which),)
    rise = last(tiny, stored, "plain", 20, "train") - last(tiny, stored, "plain", 8, "train")
    assert stored.numbers["plain_rise_train"].values == (rise,)
    printed = {(row["Network"], row["Layers"]): row["Train error"] for row in stored.table()}
    assert printed["plain", "20"] == f"{stored.numbers['plain_20_train']:percent}"
    assert store.row(run).header["versions"]["torch"]
    assert stored.device["kind"] == "cpu"


def test_findings_arrive_one_by_one_and_a_stop_keeps_them(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = threading.Event()

    def measure(bench: Bench, seed: int) -> Iterator[dict[str, Any]]:
        yield {"net": "plain", "layers": 8, "epoch": 0, "epochs": 8, "train_error": 0.9, "test_error": float("nan")}
        seen.set()
        while True:
            bench.check()
            threading.Event().wait(0.01)

    lab = with_lab(monkeypatch, measure)
    run = claimed(store, lab, (0,))
    thread = threading.Thread(target=execute, args=(Store(store.directory), run))
    thread.start()
    assert seen.wait(10)
    store.command(run, "stop")
    thread.join(10)
    found = observe(store, run)
    assert (found.state, found.reason) == ("stopped", "Stopped by hand after 1 findings.")
    assert [one["test_error"] for one in found.findings] == [None]
    assert found.verdict is None
    assert found.explanation is None


def test_what_goes_wrong_is_the_runs_reason(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(bench: Bench, seed: int) -> Iterator[dict[str, Any]]:
        yield {"net": "plain"}
        raise ValueError("The bench is on fire: leave the room.")

    run = claimed(store, with_lab(monkeypatch, measure), (0,))
    assert execute(store, run) == "failed"
    assert observe(store, run).reason == "The bench is on fire: leave the room."


def test_the_worker_finds_who_does_what(store: Store) -> None:
    run = queue(store, find("table-1"), (0, 1, 2))
    assert lab_of(store.row(run)) == (find("table-1"), (0,))
    assert Worker(store, tasks="resnet_viz.tasks")._executor(run) is execute
    assert Worker(store)._executor(run) is None


def test_a_stopped_bench_ends_its_races(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    bench = Bench("cpu", cancelled=stop.is_set)
    trial = bench.race({"plain-20": preset("tiny_plain20")}, seed=0)
    with pytest.raises(Cancelled):
        for _ in trial:
            stop.set()
    assert not any(thread.name == "contestant plain-20" for thread in threading.enumerate())


def test_too_many_repeats_are_refused(store: Store) -> None:
    with pytest.raises(ValueError, match=r"^A lab is repeated 1 to 10 times, not 11\.$"):
        queue(store, find("degradation"), range(11))


def test_a_queued_lab_brings_what_it_took_before(store: Store) -> None:
    lab = find("degradation")
    known = recording(lab.slug)
    assert known is not None
    computed = {seed: max(one["cpu"] for one in known.findings if one["seed"] == seed) for seed in known.seeds}
    worked = [min(cpu, known.seconds[seed]) for seed, cpu in computed.items()]  # the machine may have been busy
    first = queue(store, lab, (0, 1))
    assert (store.row(first).task or {})["seconds"] == pytest.approx(2 * sum(worked) / len(worked), abs=0.1)
    for seed, t, cpu in ((0, 4.0, 9.0), (1, 60.0, 6.0)):
        store.add_event(first, "finding", {"seed": seed, "t": t, "cpu": cpu})
    store.set_state(first, "finished")
    assert (store.row(queue(store, lab, (7,))).task or {})["seconds"] == 5.0


@pytest.mark.parametrize("stopped", [False, True])
def test_a_lab_waits_for_a_run_in_another_precision(
    stopped: bool, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU: one process has one precision at a time, and a lab is not failed by somebody else's."""
    gpu = torch.device("cuda")
    monkeypatch.setattr(execution, "calculation", lambda device: Calculation(gpu))
    lab = with_lab(monkeypatch, lambda bench, seed: iter(({"net": "plain", "layers": 8, "epoch": 0},)))
    run, other = claimed(store, lab, (0,)), Calculation(gpu, "tf32")
    thread = threading.Thread(target=execute, args=(store, run))
    with other:
        thread.start()
        until = time.monotonic() + 20
        while store.row(run).reason != BEFORE_IT:
            assert time.monotonic() < until, store.row(run)
            time.sleep(0.02)
        if stopped:
            store.command(run, "stop")
            thread.join(20)
    thread.join(20)
    row = store.row(run)
    expected = ("stopped", "Stopped by hand after 0 findings.") if stopped else ("finished", None)
    assert (row.state, row.reason) == expected
    assert devices._cudnn_users == [], "it left the settings to others"
