"""What a page does to a run, as the store has it afterwards."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from resnet_viz.runs import Store
from resnet_viz.spec import Experiment
from resnet_viz.ui import run_actions
from resnet_viz.ui.race_state import default_experiment, with_recipe
from resnet_viz.ui.run_actions import again, can_resume, experiment_of, find_run, is_alive, resume, start, wished


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    called: list[Store] = []
    monkeypatch.setattr(run_actions, "ensure_worker", called.append)
    store = Store(tmp_path)
    store.called = called  # type: ignore[attr-defined]
    return store


def commands(store: Store, run: str) -> list[str]:
    with sqlite3.connect(store.path) as db:
        return [row[0] for row in db.execute("SELECT kind FROM commands WHERE run = ? ORDER BY seq", (run,))]


def test_start_puts_a_run_into_the_queue_and_wakes_a_worker(store: Store) -> None:
    run = start(store, default_experiment())
    row = store.row(run)
    assert (row.state, row.name, experiment_of(row)) == ("queued", "plain-56 / residual-56", default_experiment())
    assert commands(store, run) == []
    assert store.called == [store]  # type: ignore[attr-defined]


def test_no_worker_can_take_a_paused_run_before_its_pause(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, list[str]]] = []
    queue = Store.set_state

    def watch(self: Store, run: str, state: str, reason: str | None = None) -> None:
        seen.append((self.row(run).state, commands(self, run)))
        queue(self, run, state, reason)

    monkeypatch.setattr(Store, "set_state", watch)
    run = start(store, default_experiment(), paused=True)
    assert seen == [("new", ["pause"])]
    assert store.row(run).state == "queued"


def test_again_stops_what_lives_and_keeps_name_and_experiment(store: Store) -> None:
    race = with_recipe(default_experiment(), seed=5)
    first = start(store, race, name="mine")
    second = again(store, store.row(first), paused=True)
    assert second is not None and second != first
    assert commands(store, first) == ["stop"]
    assert commands(store, second) == ["pause"]
    row = store.row(second)
    assert (row.name, experiment_of(row)) == ("mine", race)


def test_again_brings_what_was_changed_by_hand_when_it_is_asked_to(store: Store) -> None:
    first = start(store, default_experiment())
    store.set_state(first, "finished")
    store.add_event(first, "lr", {"value": 0.05}, step=7)
    store.add_event(first, "pace", {"value": 5.0}, step=8)  # changes no number
    store.add_event(first, "shortcut", {"value": 0.0, "block": "layer1.0"}, contestant="residual-56", step=9)
    kinds = ("lr", "pace", "shortcut", "alpha")
    for changes in (True, False):
        second = again(store, store.row(first), paused=True, changes=changes)
        assert second is not None and store.row(second).state == "queued"
        found = [(e.kind, e.contestant, e.step, e.data) for e in store.events(second) if e.kind in kinds]
        assert found == ([
            ("lr", None, 7, {"value": 0.05, "planned": 1}),
            ("shortcut", "residual-56", 9, {"value": 0.0, "block": "layer1.0", "planned": 1}),
        ] if changes else [])  # fmt: skip
        assert commands(store, second) == ["pause"]


def test_again_leaves_what_is_over_alone(store: Store) -> None:
    first = start(store, default_experiment())
    store.set_state(first, "finished")
    assert again(store, store.row(first)) is not None
    assert commands(store, first) == []


def test_a_run_of_somebodys_own_loop_cannot_run_again(store: Store) -> None:
    run = start(store, default_experiment())
    with sqlite3.connect(store.path) as db:
        db.execute("UPDATE runs SET experiment = '{}' WHERE id = ?", (run,))
    row = store.row(run)
    assert experiment_of(row) is None
    assert again(store, row) is None
    assert commands(store, run) == []


def test_find_and_alive(store: Store) -> None:
    assert find_run(store, "nobody") is None
    run = start(store, default_experiment())
    assert is_alive(store.row(run))
    store.set_state(run, "stopped")
    assert not is_alive(store.row(run))


@pytest.mark.parametrize(
    ("command", "pace", "rate"),
    [({}, 0.0, 0.1), ({"pace": 5.0}, 5.0, 0.1), ({"pace": 0.0, "lr": 0.3}, 0.0, 0.3)],
)
def test_wishes_of_the_control_bar(command: dict[str, Any], pace: float, rate: float) -> None:
    race: Experiment = wished(default_experiment(), command)
    assert (race.recipe.pace, race.recipe.learning_rate) == (pace, rate)
    assert race.contestants == default_experiment().contestants


def test_an_interrupted_run_waits_for_a_worker_once_it_is_resumed(store: Store) -> None:
    run = start(store, default_experiment())
    assert not can_resume(store.row(run)) and not resume(store, run)
    for state in ("interrupted", "stopped"):
        store.set_state(run, state)
        assert can_resume(store.row(run)) and resume(store, run)
        assert store.row(run).state == "queued"
    store.set_state(run, "interrupted")
    store.delete(run)
    assert not can_resume(store.row(run)) and not resume(store, run)
    assert not resume(store, "nothing")
    recorded = store.create(None, name="a loop", state="interrupted")
    assert not can_resume(store.row(recorded))
