from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from resnet_viz.runs import Store, run_data
from resnet_viz.runs.liveness import process_identity
from resnet_viz.serve import Follower, delta_message, header_message, messages
from resnet_viz.serve.messages import Plan, as_lines, encode, parse_cursor
from resnet_viz.serve.recordings import messages_of
from resnet_viz.spec import Block, Experiment, Network, Override, Stage, fit_to_dataset
from tests.serve import fake_runs

MADE = fake_runs.experiment(8)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_the_header_says_what_is_known_before_a_worker_takes_the_run(store: Store) -> None:
    run = store.create(MADE, name="two nets")
    message = header_message(store, run)
    assert next(iter(message)) == "t"
    assert message["t"] == store.row(run).created
    assert {k: message[k] for k in ("kind", "id", "name", "state", "header", "experiment_steps", "pace", "lr")} == {
        "kind": "header", "id": run, "name": "two nets", "state": "queued", "header": {}, "experiment_steps": 96,
        "pace": 0, "lr": 0.1,
    }  # fmt: skip
    assert message["shortcuts"] == {"plain-8": [False] * 3, "residual-8": [True] * 3}


def test_a_delta_tells_everything_after_a_cursor_once(store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 12)
    message, cursor = delta_message(store, run, None)
    assert message is not None and next(iter(message)) == "t"
    assert message["t"] == store.frames(run)[-1].t
    assert [(f["c"], f["first"], len(f["loss"]), len(f["grad"][0])) for f in message["frames"]] == [
        ("plain-8", 0, 12, 8), ("residual-8", 0, 12, 8),
    ]  # fmt: skip
    assert [(e["c"], e["step"], e["epoch"]) for e in message["evals"]] == [
        ("plain-8", 0, 0), ("residual-8", 0, 0), ("plain-8", 12, 1), ("residual-8", 12, 1),
    ]  # fmt: skip
    assert message["state"] == "running" and message["cursor"] == cursor
    again, same = delta_message(store, run, cursor)
    assert again is None and same == cursor
    store.append(run, "plain-8", 12, fake_runs.rows(True, 8, 12, 1))
    more, _ = delta_message(store, run, cursor)
    assert more is not None and [(f["c"], f["first"], len(f["loss"])) for f in more["frames"]] == [("plain-8", 12, 1)]


def test_values_are_those_of_the_store_to_four_digits(store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    values = fake_runs.rows(True, 8, 0, 3)
    store.append(run, "plain-8", 0, values)
    message, _ = delta_message(store, run, None)
    assert message is not None
    np.testing.assert_allclose(message["frames"][0]["grad"], values[:, 3:], rtol=6e-4)
    np.testing.assert_allclose(message["frames"][0]["loss"], values[:, 0], rtol=6e-4)


def test_a_follower_says_only_what_is_new_and_the_header_again_when_it_changed(store: Store) -> None:
    run = store.create(MADE)
    follower = Follower(store, run)
    assert follower.poll() == []
    store.set_header(run, fake_runs.header(MADE))
    store.set_state(run, "running")
    header, delta = follower.poll()
    assert header["kind"] == "header" and header["header"]["contestants"][0]["name"] == "plain-8"
    assert delta["state"] == "running" and delta["frames"] == []
    store.append(run, "plain-8", 0, fake_runs.rows(True, 8, 0, 2))
    (delta,) = follower.poll()
    assert [f["first"] for f in delta["frames"]] == [0] and len(delta["verdicts"]) == 1
    assert follower.poll() == []
    store.rename(run, "another name")
    assert [m["kind"] for m in follower.poll()] == ["header"]
    store.purge()


def test_frames_read_before_the_header_still_count_for_the_verdict(store: Store) -> None:
    run = store.create(MADE)
    follower = Follower(store, run)
    store.append(run, "plain-8", 0, fake_runs.rows(True, 8, 0, 2))
    store.append(run, "residual-8", 0, fake_runs.rows(False, 8, 0, 2))
    follower.poll()
    store.set_header(run, fake_runs.header(MADE))
    follower.poll()
    delta = follower.since((0, 0))
    assert delta is not None and delta["verdicts"][-1][0] == 1


def test_a_run_whose_process_is_gone_is_told_as_interrupted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store.create(MADE)
    store.claim(run, 2**22 + 1, 1.0)
    follower = Follower(store, run)
    assert follower.state == "running"
    monkeypatch.setattr("resnet_viz.runs.liveness.STALE_SECONDS", -1.0)
    monkeypatch.setattr("resnet_viz.serve.messages.CHECK_EVERY", 0.0)
    (delta,) = follower.poll()
    assert delta["state"] == "interrupted" and delta["reason"].startswith("The process that trained it ended")
    assert follower.poll() == []


def test_marks_are_changes_of_rate_and_pace_with_their_step(store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    store.add_event(run, "lr", {"value": 0.05}, step=7)
    store.add_event(run, "pace", {"value": 5}, step=8)
    store.add_event(run, "pace", {"value": 0})
    message, _ = delta_message(store, run, None)
    assert message is not None
    assert message["marks"] == [{"kind": "lr", "step": 7, "value": 0.05}, {"kind": "pace", "step": 8, "value": 5}]
    assert (header_message(store, run)["lr"], header_message(store, run)["pace"]) == (0.1, 0)
    follower = Follower(store, run)
    follower.poll()
    assert (follower.header()["lr"], follower.header()["pace"]) == (0.05, 0)


def test_an_unknown_run_is_a_key_error(store: Store) -> None:
    with pytest.raises(KeyError, match="there is no run 'none-1'"):
        header_message(store, "none-1")


def test_a_run_that_is_none_of_our_experiments_is_told_all_the_same(store: Store) -> None:
    run = fake_runs.finished(store, MADE)
    with store._write() as db:
        db.execute("UPDATE runs SET experiment = '{\"hello\": 1}' WHERE id = ?", (run,))
    message = header_message(store, run)
    assert (message["experiment_steps"], message["shortcuts"]) == (96, {})


@pytest.mark.parametrize("text", [None, "", "7", "a.b", "-1.2", "1.2.3", "9" * 30 + ".1", "١.٢", "1.-2"])
def test_a_cursor_that_is_none_of_ours_is_the_start(text: str | None) -> None:
    assert parse_cursor(text) == (0, 0)


def test_an_event_is_one_data_line_of_json_with_t_first(store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 3)
    with store._write() as db:
        db.execute("UPDATE runs SET name = ? WHERE id = ?", ('two\nlines\u2028three "quoted" <script>', run))
    follower = Follower(store, run)
    follower.poll()
    delta = follower.since((0, 0))
    assert delta is not None
    for event in as_lines([follower.header(), delta]).decode().strip("\n").split("\n\n"):
        *ids, data = event.split("\n")
        assert data.startswith('data: {"t":') and all(line.startswith("id: ") for line in ids)
        assert next(iter(json.loads(data[6:]))) == "t"
    assert json.loads(encode(follower.header()))["name"] == follower.row.name


def test_a_number_that_is_not_finite_never_leaves_as_a_number(store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    values = fake_runs.rows(True, 8, 0, 2)
    values[1, 4] = np.nan
    store.append(run, "plain-8", 0, values)
    message, _ = delta_message(store, run, None)
    assert message is not None
    assert message["frames"][0]["grad"][1][1] is None
    assert b"NaN" not in encode(message)


def test_a_recording_is_one_header_and_one_delta_with_the_same_frames_as_the_stream(store: Store) -> None:
    run = fake_runs.finished(store, MADE)
    header, delta = messages_of(run_data(store, run))
    assert header["recording"]["device"] == "2 CPU cores"
    streamed, _ = delta_message(store, run, None)
    assert streamed is not None
    assert {k: delta[k] for k in ("frames", "evals", "verdicts", "state")} == {
        k: streamed[k] for k in ("frames", "evals", "verdicts", "state")
    }
    encode(header), encode(delta)


def test_which_blocks_have_a_shortcut_is_told_where_a_stage_is_mixed() -> None:
    own = Override(index=2, block=Block(width=8, merge="none"))
    stages = (Stage(blocks=3, block=Block(width=8), overrides=(own,)), Stage(blocks=2, block=Block(width=8)))
    plan = Plan.of(Experiment(contestants={"mixed": fit_to_dataset(Network(stages=stages), "digits")[0]}))
    assert plan.shortcuts == {"mixed": [[True, False, True], True]}


def test_a_process_that_is_alive_and_writes_nothing_is_told_of(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store.create(MADE, owner=process_identity())
    store.set_header(run, fake_runs.header(MADE))
    follower = Follower(store, run)
    follower.poll()
    now = time.monotonic()
    monkeypatch.setattr(messages.time, "monotonic", lambda: now + 7)
    assert follower.poll() == []
    monkeypatch.setattr(messages.time, "monotonic", lambda: now + 9)
    (told,) = follower.poll()
    sentence = "Its process is alive but writes nothing: the disk may be full, or the machine overloaded."
    assert (told["state"], told["trouble"], follower.header()["trouble"]) == ("running", sentence, sentence)
    assert follower.poll() == []
    store.beat(run)
    (told,) = follower.poll()
    assert (told["state"], told["trouble"]) == ("running", None)
    store.set_state(run, "finished")
    monkeypatch.setattr(messages.time, "monotonic", lambda: now + 90)
    assert follower.poll()[-1]["trouble"] is None
