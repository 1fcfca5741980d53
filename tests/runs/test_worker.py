"""The worker as it is in life: another process, steered through the store only."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from resnet_viz.runs import Store, ensure_worker, experiment_key, run_data, status, worker_alive, worker_trouble
from resnet_viz.runs.liveness import process_identity
from resnet_viz.runs.worker import Worker, main
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
    assert store.again(run)
    wait_until(lambda: (store.row(run).reason or "").startswith(("Resumed after ", "Begun again from the start.")))
    wait_until(lambda: min(steps(store, run)) > max(before) + 5)
    assert state(store, run) == "running"


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


@pytest.fixture
def heavy():
    """One step of it takes minutes, and its orthogonal weights take long to draw."""
    net = preset("tiny_resnet8")
    stages = tuple(s.model_copy(update={"block": s.block.model_copy(update={"width": 1536})}) for s in net.stages)
    update = {"name": "heavy", "stages": stages, "init": net.init.model_copy(update={"scheme": "orthogonal"})}
    return Experiment(contestants={"heavy": net.model_copy(update=update)}, recipe=Recipe(batch=1500, device="cpu"))


def test_what_is_plainly_too_large_is_not_measured(store, heavy, monkeypatch, wait_until):
    store.ask_estimate("k", heavy)
    ensure_worker(store)
    error = wait_until(lambda: store.estimate("k"))["error"]
    assert error.startswith(("Too large to measure here: ", "This takes "))


def test_a_long_measurement_holds_up_neither_runs_nor_the_end(store, experiment, heavy, wait_until):
    """The refusal by arithmetic is switched off: what is measured cannot be interrupted and takes minutes."""
    code = (
        "import sys, resnet_viz.train.estimates as e, resnet_viz.runs.worker as w\n"
        "e.check_measuring = e.check_memory = lambda *a: 0\n"
        "w.main(['--store', sys.argv[1]])"
    )
    store.ask_estimate("k", heavy)
    worker = subprocess.Popen([sys.executable, "-c", code, str(store.directory)])
    wait_until(lambda: store.workers() and not store.open_estimates())
    run = store.create(experiment)
    wait_until(lambda: state(store, run) == "finished")
    assert store.estimate("k") is None
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(8) == 0
    assert not store.workers()
    assert [key for key, _ in store.open_estimates()] == ["k"]  # another worker may take it


def test_a_run_in_a_step_of_minutes_is_marked_when_the_worker_is_to_end(store, heavy, monkeypatch, wait_until):
    code = (
        "import sys, resnet_viz.runs.executor as e, resnet_viz.runs.worker as w\n"
        "e.check_memory = lambda *a: 0\n"
        "w.main(['--store', sys.argv[1]])"
    )
    net = heavy.contestants["heavy"].model_copy(update={"init": preset("tiny_resnet8").init})
    run = store.create(heavy.model_copy(update={"contestants": {"heavy": net}}))
    worker = subprocess.Popen([sys.executable, "-c", code, str(store.directory)])
    wait_until(lambda: store.row(run).header)
    time.sleep(2)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(8) == 0
    assert store.row(run).state == "interrupted"


def test_a_run_that_is_still_being_built_can_be_stopped(store, heavy, monkeypatch):
    from resnet_viz.runs import executor

    never = threading.Event()
    monkeypatch.setattr(executor, "check_memory", lambda *a: 0)
    monkeypatch.setattr(executor, "Race", lambda *a, **k: never.wait(30))
    run = store.create(heavy, owner=process_identity())
    store.command(run, "lr", value=0.01)
    threading.Timer(0.3, lambda: store.command(run, "stop")).start()
    begin = time.monotonic()
    assert executor.execute(store, run) == "stopped"
    assert time.monotonic() - begin < 10
    assert store.row(run).reason == "Stopped by hand after 0 of 8 steps."
    never.set()


def test_a_run_that_cannot_write_its_end_is_marked_when_the_store_answers_again(store, experiment, monkeypatch):
    worker = Worker(store)
    run = store.create(experiment, owner=worker.identity)
    real, broken = Store.set_state, [True]

    def locked(self, *args, **kwargs):
        if broken:
            raise sqlite3.OperationalError("database is locked")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Store, "set_state", locked)
    worker._execute(run)
    assert store.row(run).state == "running"
    with pytest.raises(sqlite3.OperationalError):
        worker._settle()
    broken.clear()
    worker._settle()
    row = store.row(run)
    sentence = "What it measured could not be written (database is locked); what was written before is kept."
    assert (row.state, row.reason) == ("interrupted", sentence)
    worker._settle()
    assert len(store.events(run, kind="state")) == 2


def test_a_full_disk_interrupts_a_run_that_can_go_on_later(store, experiment, monkeypatch):
    worker = Worker(store)
    run = store.create(experiment, owner=worker.identity)
    real = Store.append

    def full(self, run, contestant, first, values):
        if first > 3:
            raise sqlite3.OperationalError("database or disk is full")
        return real(self, run, contestant, first, values)

    with monkeypatch.context() as broken:
        broken.setattr(Store, "append", full)
        worker._execute(run)
    row = store.row(run)
    sentence = "What it measured could not be written (database or disk is full); what was written before is kept."
    assert (row.state, row.reason) == ("interrupted", sentence)
    assert store.again(run, worker.identity)
    worker._execute(run)
    assert store.row(run).state == "finished"
    assert steps(store, run) == [48, 48]


def test_a_worker_whose_store_cannot_be_written_says_so_in_one_sentence(store, monkeypatch):
    def refuse(*_):
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(Store, "worker_joins", refuse)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as end:
        main(["--store", str(store.directory)])
    said = f"The runs in {store.directory} cannot be read or written (attempt to write a readonly database)."
    assert end.value.code == said


def test_a_log_that_cannot_be_written_keeps_no_worker_from_its_work(store, experiment, wait_until):
    (store.directory / "worker.log").mkdir()
    run = store.create(experiment)
    ensure_worker(store)
    wait_until(lambda: state(store, run) == "finished", 60)
    assert set(store.rows_written(run).values()) == {experiment.steps}


def test_a_run_ends_when_somebody_removes_it(store, endless, wait_until):
    run = store.create(endless)
    ensure_worker(store)
    wait_until(lambda: len(steps(store, run)) == 2)
    with store._write() as db:
        for table, column in (("runs", "id"), ("frames", "run"), ("events", "run")):
            db.execute(f"DELETE FROM {table} WHERE {column} = ?", (run,))
    following = store.create(endless.model_copy(update={"recipe": Recipe(epochs=1, device="cpu")}))
    wait_until(lambda: state(store, following) == "finished")
    assert store.frames(run) == [] and store.events(run) == []


def test_the_oldest_paused_run_makes_room_for_a_queued_one(store, endless, experiment, monkeypatch, wait_until):
    monkeypatch.setattr("resnet_viz.runs.worker.MAX_IN_HAND", 2)
    held = [store.create(endless, paused=True) for _ in range(2)]
    worker = Worker(store)
    thread = threading.Thread(target=worker.serve)
    thread.start()
    try:
        wait_until(lambda: [state(store, run) for run in held] == ["paused", "paused"])
        following = store.create(experiment)
        wait_until(lambda: state(store, following) == "finished")
        row = store.row(held[0])
        assert (row.state, row.reason) == ("stopped", "Stopped to make room: eight paused runs were waiting.")
        assert state(store, held[1]) == "paused"
    finally:
        worker.ending.set()
        thread.join()


def test_runs_of_two_visitors_take_turns_and_a_visitors_second_one_waits(store, endless, wait_until):
    free = endless.model_copy(update={"recipe": Recipe(epochs=400, device="cpu")})
    first, second, third = (store.create(free, visitor=name) for name in ("a", "a", "b"))
    worker = Worker(store)
    thread = threading.Thread(target=worker.serve)
    thread.start()
    try:
        wait_until(lambda: all(len(steps(store, run)) == 2 for run in (first, third)), 60)
        before = [min(steps(store, run)) for run in (first, third)]
        wait_until(lambda: all(min(steps(store, run)) > b for run, b in zip((first, third), before, strict=True)), 60)
        assert [state(store, run) for run in (first, second, third)] == ["running", "queued", "running"]
        assert store.cancel(second)
    finally:
        worker.ending.set()
        thread.join()


def test_a_worker_that_dies_as_it_begins_is_not_started_over_and_over(store, experiment, monkeypatch, wait_until):
    from resnet_viz.runs import launch

    began = []

    def spawn(command, **options):
        began.append(command)
        code = "import sys; print('warming up', file=sys.stderr); sys.exit('no torch here')"
        return real([sys.executable, "-c", code], **options)

    real = subprocess.Popen
    monkeypatch.setattr(launch.subprocess, "Popen", spawn)
    (store.directory / "worker.log").write_text("an older worker's last words\n")
    assert worker_trouble(store) is None
    ensure_worker(store, only_for_work=True)
    assert began == []
    store.create(experiment)
    ensure_worker(store, only_for_work=True)
    wait_until(lambda: worker_trouble(store) is not None)
    for _ in range(20):
        ensure_worker(store)
    assert len(began) == 1
    assert worker_trouble(store) == "The worker ended with code 1: no torch here"
    now = time.monotonic()
    monkeypatch.setattr(launch.time, "monotonic", lambda: now + 5)
    ensure_worker(store)
    assert len(began) == 2
