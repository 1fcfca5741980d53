from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from resnet_viz.draw.verdict import verdict
from resnet_viz.runs import Store, run_data
from resnet_viz.serve.messages import Follower
from tests.serve import fake_runs


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.mark.parametrize("steps", [1, 11, 13, 96])
def test_five_numbers_a_step_give_the_verdict_that_the_whole_run_gives(store: Store, steps: int) -> None:
    made = fake_runs.experiment(20)
    run = fake_runs.begin(store, made)
    fake_runs.append(store, run, made, 0, steps)
    follower = Follower(store, run)
    follower.poll()
    delta = follower.since((0, 0))
    assert delta is not None
    data = run_data(store, run)
    whole = verdict(data)
    assert delta["verdicts"][-1] == [steps, whole.bold, whole.rest]
    for step, bold, rest in delta["verdicts"][:-1]:
        expected = verdict(data, step)
        assert [bold, rest] == [expected.bold, expected.rest]
    assert delta["verdicts"][0][0] == 0


def test_an_overflow_is_seen_at_its_step(store: Store) -> None:
    made = fake_runs.experiment(20)
    run = fake_runs.begin(store, made)
    name = next(iter(made.contestants))
    values = fake_runs.rows(True, 20, 0, 10)
    values[7, 9] = np.inf
    for contestant in made.contestants:
        store.append(run, contestant, 0, values if contestant == name else fake_runs.rows(False, 20, 0, 10))
    follower = Follower(store, run)
    (delta,) = follower.poll()
    assert delta["verdicts"] == [[10, *_words(verdict(run_data(store, run)))]]
    assert "step 7" in delta["verdicts"][0][1]
    broken = next(f for f in delta["frames"] if f["c"] == name)
    assert broken["grad"][7][9 - 3] is None


def _words(found: object) -> tuple[str, str]:
    return found.bold, found.rest  # type: ignore[attr-defined]
