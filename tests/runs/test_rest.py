"""Runs of one process that compute in different precisions, as on a GPU: a paused one is in nobody's way."""

from __future__ import annotations

import threading

import pytest
import torch

from resnet_viz.runs import executor, run_data
from resnet_viz.runs.executor import execute
from resnet_viz.runs.liveness import process_identity
from resnet_viz.runs.rest import BEFORE_IT
from resnet_viz.train import devices

CUDA = torch.device("cuda")


@pytest.fixture
def begin(store, monkeypatch):
    """Execute a run in a thread: it computes on the CPU, with the process's settings of a GPU in that precision."""
    wanted, threads = threading.local(), []

    def settings(device, precision):
        return devices.Calculation(CUDA, wanted.precision)

    monkeypatch.setattr(executor, "calculation", settings)
    told: dict[str, list[bool]] = {}

    def start(experiment, precision, **options):
        run = store.create(experiment, **options)
        assert store.claim(run, *process_identity())
        told[run] = []

        def work():
            wanted.precision = precision
            execute(store, run, active=told[run].append)

        threads.append(threading.Thread(target=work))
        threads[-1].start()
        return run

    start.told = told
    yield start
    for run in told:
        store.command(run, "stop")
    for thread in threads:
        thread.join(20)
    assert devices._cudnn_users == []


def state(store, run):
    row = store.row(run)
    return row.state, row.reason


def rows(store, run):
    return [len(values) for values in run_data(store, run).frames.values()]


def is_tf32():
    return torch.backends.cuda.matmul.allow_tf32


def test_a_paused_run_lets_one_in_another_precision_go_and_waits_for_it(store, experiment, begin, wait_until):
    slow = experiment.model_copy(update={"recipe": experiment.recipe.model_copy(update={"epochs": 400, "pace": 20})})
    first = begin(slow, "fp32", paused=True)
    wait_until(lambda: begin.told[first] == [False])
    assert not is_tf32()
    second = begin(slow, "tf32")
    wait_until(lambda: len(rows(store, second)) == 2)
    assert is_tf32() and state(store, second) == ("running", None)

    store.command(first, "step")
    wait_until(lambda: state(store, first) == ("paused", BEFORE_IT))
    assert rows(store, first) == [1, 1]
    store.command(first, "pause")  # not that step, then
    wait_until(lambda: state(store, first) == ("paused", None))
    store.command(first, "resume")
    wait_until(lambda: state(store, first) == ("paused", BEFORE_IT))
    store.command(second, "pause")
    wait_until(lambda: state(store, first) == ("running", None) and min(rows(store, first)) > 1)
    assert begin.told == {first: [False, True], second: [False]} and not is_tf32()
    assert state(store, second) == ("paused", None)


def test_a_run_that_meets_another_precision_waits_for_its_end(store, experiment, begin, wait_until):
    slow = experiment.model_copy(update={"recipe": experiment.recipe.model_copy(update={"epochs": 400, "pace": 20})})
    first = begin(slow, "fp32")
    wait_until(lambda: len(rows(store, first)) == 2)
    second, third = begin(experiment, "tf32"), begin(experiment, "tf32")
    wait_until(lambda: state(store, second) == state(store, third) == ("running", BEFORE_IT))
    store.command(third, "stop")
    wait_until(lambda: state(store, third)[0] == "stopped")
    store.command(first, "stop")
    wait_until(lambda: state(store, second) == ("finished", None))
    assert rows(store, second) == [48, 48]


def test_a_device_is_chosen_once_for_a_run_and_handed_on(store, experiment, monkeypatch):
    asked: list[str] = []

    def choose(wanted, precision="fp32"):
        asked.append(wanted)
        return torch.device("cpu")

    monkeypatch.setattr(executor, "choose", choose)
    run = store.create(experiment)
    assert store.claim(run, *process_identity())
    assert execute(store, run, device="cuda:1") == "finished"
    assert asked == ["cuda:1"] and store.row(run).header["device"]["kind"] == "cpu"
