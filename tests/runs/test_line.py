"""Whose turn is next, when it comes, and which runs go at a time."""

from __future__ import annotations

import pytest

from resnet_viz.runs import experiment_key
from resnet_viz.runs.line import PLACES, Job, Standing, standing, starts
from resnet_viz.runs.liveness import process_identity
from resnet_viz.runs.rota import Rota, Seat
from resnet_viz.train import devices
from resnet_viz.train.slots import Slots


def names(store, *asked):
    """One waiting run for each (visitor, name), in that order."""
    return {name: store.create(store.experiment, name=name, visitor=visitor) for visitor, name in asked}


@pytest.fixture
def line(store, experiment):
    store.experiment = experiment
    return store


def order(store):
    return [row.name for row in store.waiting()]


def test_visitors_take_turns_and_each_ones_runs_keep_their_order(line):
    names(line, ("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1"), ("b", "b2"))
    assert order(line) == ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert line.queued() == [row.id for row in line.waiting()]


def test_who_has_a_run_going_has_had_the_first_turn(line):
    runs = names(line, ("a", "going"), ("a", "a1"), ("b", "b1"), ("b", "b2"))
    assert line.claim(runs["going"], *process_identity())
    assert [row.name for row in line.going()] == ["going"]
    assert order(line) == ["b1", "a1", "b2"]


def test_a_run_that_goes_on_later_overtakes_nobody(line, monkeypatch):
    runs = names(line, ("a", "old"), ("a", "next"))
    assert line.claim(runs["old"], 2**22 + 1, 1.0)
    line.set_state(runs["old"], "interrupted", "It was killed.")
    monkeypatch.setattr("time.time", lambda: 0.0)  # the clock was set back: places are counted
    names(line, ("a", "newer"))
    assert line.again(runs["old"])
    assert order(line) == ["next", "newer", "old"]


@pytest.mark.parametrize(("going", "waiting", "places", "expected"), [
    ([], [("a", 5)], 4, [0.0]),
    ([("a", 8)], [("a", 5), ("a", 2)], 4, [8.0, 13.0]),
    ([("a", 8)], [("b", 5)], 4, [0.0]),
    ([("a", 8)], [("b", 5)], 1, [8.0]),
    ([("a", 3), ("b", 8)], [("c", 1)], 2, [6.0]),  # two share: the three seconds take six
    ([("a", 3), ("b", 8)], [("c", 1), ("d", 1)], 2, [6.0, 8.0]),  # c's one second beside b takes two
    ([("a", None)], [("a", 5), ("b", 1)], 4, [None, 0.0]),
    ([("a", 2)], [("a", None), ("a", 1)], 4, [2.0, None]),
    ([("a", 2)], [("a", 3), ("b", 4), ("a", 1)], 2, [4.0, 0.0, 9.0]),
])  # fmt: skip
def test_expected_starts_are_those_of_equal_shares(going, waiting, places, expected):
    assert starts([Job(*job) for job in going], [Job(*job) for job in waiting], places) == expected


def test_where_a_run_stands(line):
    runs = names(line, ("a", "going"), ("a", "a1"), ("b", "b1"))
    assert standing(line, runs["going"]) == Standing(1, 0.0, None)
    assert line.claim(runs["going"], *process_identity())
    first = standing(line, runs["a1"])
    assert (first.position, first.seconds, first.behind.name) == (2, None, "going"), "nothing is known of its duration"
    key = experiment_key(line.experiment)
    line.ask_estimate(key, line.experiment)
    line.answer_estimate(key, {"seconds": 6.0, "contestants": []})
    first = standing(line, runs["a1"])
    assert (first.position, first.seconds, first.behind.name) == (2, 12.0, "going"), "b1 has begun meanwhile"
    assert standing(line, runs["b1"]) == Standing(1, 0.0, None)
    line.set_state(runs["a1"], "stopped")
    assert standing(line, runs["a1"]) is None


def test_a_lab_ahead_is_known_as_one_and_brings_its_duration(line, monkeypatch):
    task = {"kind": "lab", "lab": "order", "seeds": [0]}
    lab = line.create(None, name="lab", task=task | {"seconds": 60.0}, visitor="a")
    own = names(line, ("a", "own"))["own"]
    assert line.claim(lab, *process_identity())
    found = standing(line, own)
    assert (found.behind.id, found.lab, found.other, found.seconds) == (lab, True, False, 60.0)
    line.set_header(lab, {"started": 1000.0})
    monkeypatch.setattr("time.time", lambda: 1045.0)
    assert standing(line, own).seconds == 15.0
    for now in (1075.0, 900.0):  # it takes longer than it did; the clock was set back
        monkeypatch.setattr("time.time", lambda now=now: now)
        assert standing(line, own).seconds is None
    for i in range(PLACES - 1):
        run = line.create(None, name="lab", task=task, visitor=f"v{i}")
        assert line.claim(run, *process_identity())
    found = standing(line, names(line, ("z", "other"))["other"])
    assert (found.lab, found.other, found.seconds) == (True, True, None), "nothing is known of the other labs"


def test_up_to_four_visitors_have_one_run_each_at_a_time(line):
    rota = Rota()
    runs = names(line, *((visitor, f"{visitor}{i}") for i in (1, 2) for visitor in "abcdef"))
    by_id = {run: name for name, run in runs.items()}

    def begin() -> list[str]:
        begun = []
        while ready := list(rota.may_begin(line.waiting())):
            line.claim(ready[0], *process_identity())
            rota.begin(ready[0])
            begun.append(by_id[ready[0]])
        return begun

    assert begin() == ["a1", "b1", "c1", "d1"] and len(rota) == PLACES
    assert begin() == []
    line.set_state(runs["b1"], "finished")
    rota.rest(runs["b1"])
    assert begin() == ["e1"]
    line.set_state(runs["a1"], "paused")
    rota.rest(runs["a1"])
    assert begin() == ["f1"] and runs["f1"] in rota and runs["a1"] not in rota


def test_what_cannot_compute_beside_the_others_waits_and_is_not_overtaken(line, monkeypatch):
    seats = {
        "one": Seat("a", "cuda:0", "fp32"), "two": Seat("b", "cuda:0", "tf32"),
        "three": Seat("c", "cuda:0", "fp32"), "four": Seat("d", "cpu", "fp32"),
    }  # fmt: skip
    monkeypatch.setattr("resnet_viz.runs.rota._seat", lambda row: seats[row.name])
    rota = Rota()
    runs = names(line, *((seat.visitor, name) for name, seat in seats.items()))
    assert next(rota.may_begin(line.waiting())) == runs["one"]
    rota.begin(runs["one"])
    line.set_state(runs["one"], "running")
    assert list(rota.may_begin(line.waiting())) == [runs["four"]], "another device is free"
    rota.rest(runs["one"])
    assert next(rota.may_begin(line.waiting())) == runs["two"]


@pytest.fixture
def two_gpus(monkeypatch):
    """The second has more memory free."""
    cuda = devices.torch.cuda
    monkeypatch.setattr(cuda, "is_available", lambda: True)
    monkeypatch.setattr(cuda, "device_count", lambda: 2)
    monkeypatch.setattr(cuda, "mem_get_info", lambda device: ((40, 60)[device.index], 100))


def test_runs_go_on_several_gpus_at_once_each_with_turns_of_its_own(line, two_gpus):
    line.experiment = line.experiment.model_copy(
        update={"recipe": line.experiment.recipe.model_copy(update={"device": "cuda"})}
    )
    rota = Rota()
    runs = names(line, ("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3"))

    def begin() -> str:
        ready = next(iter(rota.may_begin(line.waiting())), None)
        if ready is None:
            return "nobody"
        line.claim(ready, *process_identity())
        rota.begin(ready)
        return f"{next(name for name, run in runs.items() if run == ready)} on {rota.device(ready)}"

    assert [begin() for _ in range(4)] == ["a1 on cuda:1", "b1 on cuda:0", "a2 on cuda:0", "nobody"]
    slots = Slots(64)
    turns = {name: rota.turn(runs[name], slots) for name in ("a1", "b1", "a2")}
    assert turns["a1"].__enter__() is None and turns["b1"].__enter__() is None, "at the same time"
    assert turns["b1"]._turns is turns["a2"]._turns is not turns["a1"]._turns

    rota.rest(runs["a1"])
    rota.begin(runs["a1"])
    assert rota.device(runs["a1"]) == "cuda:1", "its network lies there"
    line.set_state(runs["b1"], "finished")
    rota.over(runs["b1"])
    line.set_state(runs["a1"], "finished")
    rota.over(runs["a1"])
    assert begin() == "a3 on cuda:1"


def test_another_precision_waits_whichever_gpu_is_free(line, two_gpus, monkeypatch):
    seats = {"one": Seat("a", "cuda", "fp32"), "two": Seat("b", "cuda", "tf32"), "three": Seat("c", "cuda", "fp32"),
             "four": Seat("d", "cpu", "fp32")}  # fmt: skip
    monkeypatch.setattr("resnet_viz.runs.rota._seat", lambda row: seats[row.name])
    rota = Rota()
    runs = names(line, *((seat.visitor, name) for name, seat in seats.items()))
    line.claim(runs["one"], *process_identity())
    assert list(rota.may_begin([])) == []
    rota._seats[runs["one"]] = seats["one"]
    rota.begin(runs["one"])
    assert list(rota.may_begin(line.waiting())) == [runs["four"]], "the settings belong to the process"


def test_seats_are_forgotten_with_their_runs(line):
    rota = Rota()
    runs = names(line, ("a", "a1"), ("b", "b1"), ("c", "c1"))
    assert len(list(rota.may_begin(line.waiting()))) == 3
    line.claim(runs["a1"], *process_identity())
    rota.begin(runs["a1"])
    rota.rest(runs["a1"])  # paused
    line.set_state(runs["b1"], "stopped")
    list(rota.may_begin(line.waiting()))
    assert set(rota._seats) == {runs["a1"], runs["c1"]}
    rota.over(runs["a1"])
    line.set_state(runs["c1"], "stopped")
    assert list(rota.may_begin(line.waiting())) == [] and not rota._seats and not rota._begun


def test_a_run_that_cannot_be_read_gets_a_seat_all_the_same(line):
    run = names(line, ("a", "odd"))["odd"]
    with line._write() as db:
        db.execute("UPDATE runs SET experiment = '{}' WHERE id = ?", (run,))
    rota = Rota()
    assert list(rota.may_begin(line.waiting())) == [run]


def test_what_is_no_experiment_goes_beside_a_race(line):
    """A lab calculates as a recipe's defaults say, so both share the device."""
    lab = line.create(None, name="lab", task={"kind": "lab", "lab": "order", "seeds": [0]}, visitor="a")
    race = names(line, ("b", "race"))["race"]
    rota = Rota()
    assert list(rota.may_begin(line.waiting())) == [lab, race]
    line.claim(lab, *process_identity())
    rota.begin(lab)
    assert list(rota.may_begin(line.waiting())) == [race]
