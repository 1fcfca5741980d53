"""The worker as it is in life: another process, steered through the store only."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from resnet_viz.runs import ensure_worker, experiment_key, run_data, status, worker_alive
from resnet_viz.spec import Experiment, Recipe, preset

LONG = Recipe(epochs=400, pace=25, device="cpu")


@pytest.fixture
def endless(experiment):
    """Slow enough to be met in the middle."""
    return experiment.model_copy(update={"recipe": LONG})


def steps(store, run) -> list[int]:
    """Rows that each contestant has."""
    return [len(rows) for rows in run_data(store, run).frames.values()]


def state(store, run) -> str:
    return status(store.row(run))[0]


def settled(store, run, wait_until) -> list[int]:
    """Rows of all contestants once nothing new has come for a while and all have the same number."""

    def quiet():
        before = steps(store, run)
        time.sleep(0.4)
        return len(set(before)) == 1 and before == steps(store, run) and before

    return wait_until(quiet)


def test_queued_runs_are_trained_in_order_by_one_worker(store, experiment, wait_until):
    runs = [store.create(experiment) for _ in range(3)]
    for _ in range(5):
        ensure_worker(store)
    wait_until(lambda: all(state(store, run) == "finished" for run in runs), 60)
    assert len(store.workers()) == 1
    begins = [store.events(run, kind="state")[0].seq for run in runs]
    assert begins == sorted(begins)
    assert {steps(store, run)[0] for run in runs} == {48}


def test_pause_step_resume_rate_pace_and_stop(store, endless, wait_until):
    run = store.create(endless, paused=True)
    ensure_worker(store)
    wait_until(lambda: len(steps(store, run)) == 2)
    assert settled(store, run, wait_until) == [1, 1]
    assert state(store, run) == "paused"
    wait_until(lambda: len(run_data(store, run).evals("plain")) == 1)  # "at initialisation" is known before the start

    store.command(run, "step")
    wait_until(lambda: steps(store, run) == [2, 2])
    assert settled(store, run, wait_until) == [2, 2]

    store.command(run, "lr", value=0.03)
    store.command(run, "pace", value=100)
    store.command(run, "resume")
    wait_until(lambda: min(steps(store, run)) > 20)
    assert state(store, run) == "running"
    data = run_data(store, run)
    (change,) = [event for event in data.events if event.kind == "lr"]
    assert (change.step, change.data) == (2, {"value": 0.03})
    for name in data.contestants:
        assert data.signals(name)["lr"][:4].tolist() == pytest.approx([0.0125, 0.025, 0.03, 0.03])
    assert [event.data for event in data.events if event.kind == "pace"] == [{"value": 100}]

    store.command(run, "pause")
    first = settled(store, run, wait_until)
    assert state(store, run) == "paused"
    store.command(run, "stop")
    wait_until(lambda: state(store, run) == "stopped")
    assert status(store.row(run))[1] == f"Stopped by hand after {first[0] - 1} of 4800 steps."
    assert steps(store, run) == first


def test_nonsense_in_a_command_is_left_alone(store, endless, wait_until):
    run = store.create(endless)
    store.command(run, "lr", value="<script>")
    store.command(run, "lr", value=-1)
    store.command(run, "pace")
    store.command(run, "explode")
    ensure_worker(store)
    wait_until(lambda: len(steps(store, run)) == 2 and min(steps(store, run)) > 3)
    assert state(store, run) == "running"
    assert [event for event in store.events(run) if event.kind in ("lr", "pace")] == []


def test_a_paused_run_lets_the_next_one_go_and_can_be_resumed(store, endless, experiment, wait_until):
    held = store.create(endless, paused=True)
    ensure_worker(store)
    wait_until(lambda: state(store, held) == "paused")
    following = store.create(experiment)
    wait_until(lambda: state(store, following) == "finished")
    store.command(held, "resume")
    wait_until(lambda: min(steps(store, held)) > 5)
    assert state(store, held) == "running"


def test_a_killed_worker_leaves_an_interrupted_run_with_its_frames_and_the_next_run_starts(
    store, endless, experiment, wait_until
):
    run = store.create(endless)
    ensure_worker(store)
    wait_until(lambda: len(steps(store, run)) == 2 and min(steps(store, run)) > 5)
    (pid, _, _), *_ = store.workers()
    before = steps(store, run)
    os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()
    wait_until(lambda: state(store, run) == "interrupted", 5)
    assert time.monotonic() - killed < 5
    assert all(now >= then for now, then in zip(steps(store, run), before, strict=True))
    assert not worker_alive(store)
    following = store.create(experiment)
    ensure_worker(store)
    wait_until(lambda: state(store, following) == "finished", 60)
    assert state(store, run) == "interrupted"
    assert [worker[0] for worker in store.workers()] != [pid]


def test_a_worker_that_is_asked_to_end_marks_its_run(store, endless, wait_until):
    run = store.create(endless)
    ensure_worker(store)
    wait_until(lambda: len(steps(store, run)) == 2)
    os.kill(store.workers()[0][0], signal.SIGTERM)
    wait_until(lambda: state(store, run) == "interrupted", 10)
    assert store.row(run).reason == (
        "The process that trained it was asked to end before the run was finished; what it measured is kept."
    )
    wait_until(lambda: not store.workers(), 10)


def test_a_worker_ends_when_its_store_vanishes(store, endless, wait_until):
    run = store.create(endless)
    ensure_worker(store)
    wait_until(lambda: len(steps(store, run)) == 2)
    (worker,) = store.workers()
    store.close()
    shutil.rmtree(store.directory)
    from resnet_viz.runs.liveness import alive

    wait_until(lambda: not alive(worker[0], worker[1]), 15)
    assert not store.directory.exists()


def test_a_worker_with_nothing_to_do_leaves(store, wait_until):
    from resnet_viz.runs.worker import Worker

    assert store.workers() == []
    begin = time.monotonic()
    Worker(store, idle=0.2).serve()
    assert time.monotonic() - begin < 60
    assert store.workers() == []


def test_a_second_worker_of_a_store_goes_away_at_once(store):
    from resnet_viz.runs.liveness import alive, process_identity

    assert store.worker_joins(*process_identity(), alive)
    command = [sys.executable, "-m", "resnet_viz.runs.worker", "--store", str(store.directory)]
    assert subprocess.run(command, check=False, timeout=60).returncode == 0
    assert [worker[:2] for worker in store.workers()] == [process_identity()]


def test_estimates_are_answered_also_while_a_run_is_paused(store, endless, wait_until):
    store.create(endless, paused=True)
    asked = Experiment(contestants={"a": preset("tiny_resnet8")}, recipe=Recipe(device="cpu"))
    wide = preset("tiny_resnet8").model_copy(update={"name": "wide"})
    stages = tuple(s.model_copy(update={"block": s.block.model_copy(update={"width": 8192})}) for s in wide.stages)
    impossible = Experiment(contestants={"a": wide.model_copy(update={"stages": stages})}, recipe=Recipe(batch=1500))
    for experiment in (asked, impossible):
        store.ask_estimate(experiment_key(experiment), experiment)
    ensure_worker(store)
    found = wait_until(lambda: store.estimate(experiment_key(asked)))
    assert found["seconds"] > 0 and found["step_ms"] > 0 and found["memory_bytes"] > 0
    assert found["contestants"][0]["role"] == "residual"
    assert len(found["contestants"][0]["layers"]) == 8
    refused = wait_until(lambda: store.estimate(experiment_key(impossible)))
    assert refused["error"].startswith("This takes ")
    assert refused["error"].endswith(" GB free: use a smaller batch or smaller networks.")
