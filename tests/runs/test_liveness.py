"""Who is alive: processes, zombies, sleepers."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from resnet_viz.runs import status
from resnet_viz.runs.liveness import alive, process_identity


@pytest.fixture
def child():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process, psutil.Process(process.pid).create_time()
    process.kill()
    process.wait()


def test_a_process_is_alive_until_it_is_killed_also_before_it_is_collected(child, wait_until):
    process, started = child
    assert alive(process.pid, started)
    assert not alive(process.pid, started - 100)
    process.kill()
    wait_until(lambda: not alive(process.pid, started), 5)  # a zombie now
    assert psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE


def test_this_process_is_alive():
    pid, started = process_identity()
    assert pid == os.getpid() and alive(pid, started)


@pytest.mark.parametrize("state", ["running", "paused"])
def test_interrupted_needs_a_stale_heartbeat_and_a_dead_process(store, experiment, monkeypatch, child, state):
    process, started = child
    run = store.create(experiment, owner=(process.pid, started))
    store.set_state(run, state)
    assert status(store.row(run)) == (state, None)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3600)  # the laptop slept
    assert status(store.row(run)) == (state, None)
    process.kill()
    process.wait()
    sentence = "The process that trained it ended before the run was finished; what it measured is kept."
    assert status(store.row(run)) == ("interrupted", sentence)
    monkeypatch.setattr(time, "time", lambda: now + 1)
    assert status(store.row(run)) == (state, None)


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_clock_that_is_set_kills_nobody_and_revives_nobody(store, experiment, monkeypatch, child, jump):
    """Linux computes start times from the clock, so they jump with it; heartbeats of before lie in the future then."""
    process, _ = child
    known = psutil.Process(process.pid).create_time() - (psutil.boot_time() if psutil.LINUX else 0)
    run = store.create(experiment, owner=(process.pid, known))
    now, booted, created = time.time(), psutil.boot_time(), psutil.Process.create_time
    monkeypatch.setattr(time, "time", lambda: now + jump)
    if psutil.LINUX:
        monkeypatch.setattr(psutil, "boot_time", lambda: booted + jump)
        monkeypatch.setattr(psutil.Process, "create_time", lambda self: created(self) + jump)
    assert alive(process.pid, known) and not alive(process.pid, known - 100)
    assert status(store.row(run)) == ("running", None)
    process.kill()
    process.wait()
    assert status(store.row(run))[0] == "interrupted"


def test_a_finished_run_stays_finished(store, experiment):
    run = store.create(experiment, owner=(2**22 + 1, 1.0))
    store.set_state(run, "finished")
    assert status(store.row(run)) == ("finished", None)
