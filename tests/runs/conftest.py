"""Small experiments and stores in temporary directories; no worker outlives its test."""

import contextlib
import time

import psutil
import pytest

from resnet_viz.runs import Store
from resnet_viz.runs.liveness import alive
from resnet_viz.spec import Experiment, Recipe, preset


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "runs")
    yield made
    for pid, started, _ in made.workers() if made.path.exists() else ():
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            if alive(pid, started) and pid != psutil.Process().pid:
                process.kill()
                process.wait(10)
    made.close()


@pytest.fixture
def experiment():
    """A plain and a residual network of eight layers, four epochs: less than a second."""
    contestants = {"plain": preset("tiny_plain8"), "residual": preset("tiny_resnet8")}
    return Experiment(contestants=contestants, recipe=Recipe(epochs=4, device="cpu"))


@pytest.fixture
def wait_until():
    """Wait for a condition, at most so many seconds; gives its last value."""

    def wait(condition, seconds=30.0):
        end = time.monotonic() + seconds
        while not (value := condition()) and time.monotonic() < end:
            time.sleep(0.02)
        assert value, "it did not come true in time"
        return value

    return wait
