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
    assert delta["verdicts"][-1] == [steps - 1, whole.bold, whole.rest]
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
    data = run_data(store, run)
    assert delta["verdicts"] == [[row, *_words(verdict(data, row))] for row in range(10)]
    assert [row for row, bold, _ in delta["verdicts"] if "step 7" in bold] == [7, 8, 9]
    broken = next(f for f in delta["frames"] if f["c"] == name)
    assert broken["grad"][7][9 - 3] is None


def test_what_a_viewer_was_told_live_is_what_it_is_told_after_a_reload(store: Store) -> None:
    made = fake_runs.experiment(20, epochs=3)
    run = fake_runs.begin(store, made)
    follower = Follower(store, run)
    live: dict[int, list[object]] = {}
    for first, count in [(0, 1), (1, 1), (2, 5), (7, 4), (11, 1), (12, 1), (13, 10), (23, 1), (24, 9), (33, 3)]:
        fake_runs.append(store, run, made, first, count)
        for message in follower.poll():
            live |= {row: words for row, *words in message["verdicts"]}
        whole = verdict(run_data(store, run))
        assert live[first + count - 1] == [whole.bold, whole.rest], "the newest row: everything"
        past = follower.since((0, 0))
        assert past is not None
        assert {row: words for row, *words in past["verdicts"]} == live
    assert sorted(live) == list(range(36))
    data = run_data(store, run)
    for row in range(35):
        assert live[row] == list(_words(verdict(data, row)))


def test_while_one_net_is_a_step_ahead_only_the_rows_of_both_count(store: Store) -> None:
    made = fake_runs.experiment(20)
    run = fake_runs.begin(store, made)
    follower = Follower(store, run)
    follower.poll()
    for contestant, plain in zip(made.contestants, (True, False), strict=True):
        store.append(run, contestant, 0, fake_runs.rows(plain, 20, 0, 3))
    (delta,) = follower.poll()
    together = delta["verdicts"][-1]
    store.append(run, next(iter(made.contestants)), 3, fake_runs.rows(True, 20, 3, 1))
    (delta,) = follower.poll()
    assert delta["verdicts"] == [together] and together[0] == 2


def test_an_evaluation_that_comes_late_changes_its_row(store: Store) -> None:
    made = fake_runs.experiment(20)
    run = fake_runs.begin(store, made)
    fake_runs.append(store, run, made, 0, 9)
    follower = Follower(store, run)
    follower.poll()
    fake_runs.evaluate(store, run, made, 5)
    (delta,) = follower.poll()
    data = run_data(store, run)
    assert delta["verdicts"] == [[row, *_words(verdict(data, row))] for row in range(5, 9)]


def _words(found: object) -> tuple[str, str]:
    return found.bold, found.rest  # type: ignore[attr-defined]
