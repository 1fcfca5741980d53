"""Contestants with drop path and dropout, side by side in two threads: equal runs give equal results, killed or not."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import resnet_viz as rv
from resnet_viz.runs import Store, run_data
from resnet_viz.spec import DropPath, Experiment, ProbePlan, Recipe, preset
from resnet_viz.train.checkpoints import read

PROCESS = """
import sys
from resnet_viz.train import race
race.KEEP_SECONDS = race.KEEP_SECONDS_EVALUATED = 0.02
race.KEEP_SHARE = 1
import resnet_viz as rv
rv.resume(sys.argv[2], store=sys.argv[1])
"""


def dropping(name: str, survival: float, dropout: float) -> rv.Network:
    net = preset(name)
    stages = tuple(
        stage.model_copy(update={"block": stage.block.model_copy(update={"shortcut_dropout": dropout})})
        for stage in net.stages
    )
    return net.model_copy(update={"stages": stages, "drop_path": DropPath(survival=survival)})


def race_of(depth: int, epochs: int) -> Experiment:
    contestants = {
        "often": dropping(f"tiny_resnet{depth}", 0.5, 0.3), "seldom": dropping(f"tiny_resnet{depth}", 0.9, 0.1)
    }  # fmt: skip
    return Experiment(contestants=contestants, recipe=Recipe(epochs=epochs, device="cpu", probes=ProbePlan.full(3, 2)))


def result(store: Store, run: str) -> dict[str, str]:
    """Telemetry, evaluations and last state of each contestant, in short."""
    assert store.row(run).state == "finished", store.row(run).reason
    data = run_data(store, run)
    found = {}
    for name in data.contestants:
        digest = hashlib.sha256(data.frames[name].tobytes() + repr(data.evals(name)).encode())
        tensors = read(store.directory / store.kept(run, name)[0].file).tensors
        for key in sorted(tensors):
            digest.update(key.encode() + tensors[key].contiguous().numpy().tobytes())
        found[name] = digest.hexdigest()
    return found


def several_and_one_that_is_killed(
    experiment: Experiment, directory: Path, wait_until: Callable[..., Any], runs: int, after: list[int]
) -> tuple[list[dict[str, str]], dict[str, str]]:
    """The results of so many runs, and of one that was killed after these steps and went on each time."""
    store = Store(directory)
    results = [result(store, rv.train(experiment, store=store).id) for _ in range(runs)]
    run = store.create(experiment)
    store.command(run, "pace", value=20)
    for steps in after:
        process = subprocess.Popen([sys.executable, "-c", PROCESS, str(directory), run])
        wait_until(lambda steps=steps: max(store.rows_written(run).values(), default=0) > steps, 120)
        time.sleep(0.05)
        process.kill()
        process.wait()
    assert store.kept(run, "often"), "it has something to go on from"
    assert rv.resume(run, store=store).state == "finished"
    return results, result(store, run)


def test_five_equal_runs_and_one_that_was_killed(tmp_path: Path, wait_until: Callable[..., Any]) -> None:
    results, killed = several_and_one_that_is_killed(race_of(8, 1), tmp_path, wait_until, 5, [5])
    assert results[0]["often"] != results[0]["seldom"]
    assert [*results, killed] == [results[0]] * 6


@pytest.mark.long
@pytest.mark.timeout(900)
def test_ten_longer_runs_and_one_that_was_killed_often(tmp_path: Path, wait_until: Callable[..., Any]) -> None:
    results, killed = several_and_one_that_is_killed(race_of(32, 4), tmp_path, wait_until, 10, [5, 11, 12, 23, 40])
    assert results[0]["often"] != results[0]["seldom"]
    assert [*results, killed] == [results[0]] * 11
