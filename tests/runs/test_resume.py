"""Runs that are killed, stopped or paused and go on: the same bits as if nothing had happened."""

from __future__ import annotations

import math
import random
import subprocess
import sys
import threading
import time
from functools import partial

import pytest
import torch

import resnet_viz as rv
from resnet_viz.runs import Store, execute, run_data
from resnet_viz.runs.database import SCHEMA_VERSION
from resnet_viz.runs.liveness import process_identity
from resnet_viz.spec import DropPath, Experiment, Recipe, SpecError, preset
from resnet_viz.train import race
from resnet_viz.train.checkpoints import read

PROCESS = """
import sys
from resnet_viz.train import race
race.KEEP_SECONDS = race.KEEP_SECONDS_EVALUATED = 0.05
race.KEEP_SHARE = 1
import resnet_viz as rv
rv.resume(sys.argv[2], store=sys.argv[1])
"""
"""A process that takes a waiting run or resumes one, with checkpoints close together."""


def stochastic() -> rv.Network:
    """Drop path and dropout on the shortcuts: every step draws from the network's generator."""
    net = preset("tiny_resnet8")
    stages = tuple(
        stage.model_copy(update={"block": stage.block.model_copy(update={"shortcut_dropout": 0.2})})
        for stage in net.stages
    )
    return net.model_copy(update={"name": "stochastic", "stages": stages, "drop_path": DropPath(survival=0.6)})


@pytest.fixture(scope="module")
def experiment():
    contestants = {"plain": preset("tiny_plain8"), "residual": preset("tiny_resnet8"), "stochastic": stochastic()}
    return Experiment(contestants=contestants, recipe=Recipe(epochs=4, device="cpu", schedule="cosine"))


@pytest.fixture(scope="module")
def whole(experiment, tmp_path_factory):
    """The run that nobody interrupts."""
    return rv.train(experiment, store=tmp_path_factory.mktemp("whole"))


@pytest.fixture
def often(monkeypatch):
    """Checkpoints close together."""
    monkeypatch.setattr(race, "KEEP_SECONDS", 0.1)
    monkeypatch.setattr(race, "KEEP_SECONDS_EVALUATED", 0.1)
    monkeypatch.setattr(race, "KEEP_SHARE", 1.0)


def weights(store: Store, run: str, contestant: str) -> dict[str, bytes]:
    """Of the newest checkpoint: every tensor, byte for byte, and where it stands."""
    kept = store.kept(run, contestant)[0]
    found = read(store.directory / kept.file)
    assert found.place.step == kept.step
    return {name: value.contiguous().numpy().tobytes() for name, value in found.tensors.items()} | {
        "place": f"{found.place.step} {found.place.computed} {found.place.evals}".encode()
    }


def assert_same(store: Store, run: str, whole: rv.Run) -> None:
    """State, weights, momentum, generators, signals and evaluations: bit for bit those of the whole run."""
    assert store.row(run).state == "finished", store.row(run).reason
    ours, theirs = run_data(store, run), whole.data
    assert ours.header["contestants"] == theirs.header["contestants"]
    for name in theirs.contestants:
        assert ours.frames[name].tobytes() == theirs.frames[name].tobytes()
        assert ours.evals(name) == theirs.evals(name)
        assert weights(store, run, name) == weights(whole.store, whole.id, name)
        steps = [e.step for e in ours.events if e.kind == "eval" and e.contestant == name]
        assert len(steps) == len(set(steps))


def steps(store: Store, run: str) -> int:
    return max(store.rows_written(run).values(), default=0)


@pytest.mark.parametrize("kills", [3, pytest.param(30, marks=[pytest.mark.long, pytest.mark.timeout(600)])])
def test_a_run_that_is_killed_at_random_moments_ends_with_the_same_bits(store, experiment, whole, wait_until, kills):
    seed = random.randrange(10**6)  # every time other moments
    print(f"seed {seed}")
    chance = random.Random(seed)
    run = store.create(experiment)
    for target in sorted(chance.sample(range(47), kills)):
        process = subprocess.Popen([sys.executable, "-c", PROCESS, str(store.directory), run])
        wait_until(lambda target=target: steps(store, run) >= target or store.row(run).state == "finished", 60)
        time.sleep(chance.random() * 0.1)
        process.kill()
        process.wait()
        if store.row(run).state == "finished":
            break
    assert rv.resume(run, store=store).state == "finished"
    assert_same(store, run, whole)
    said = [event.data["reason"] for event in store.events(run, kind="state") if event.data["reason"]]
    assert all(text.startswith(("Resumed after ", "Begun again from the start.")) for text in said)


def begun(store: Store, experiment: Experiment, **more) -> tuple[str, threading.Thread]:
    """A run that goes on in a thread of this process."""
    run = store.create(experiment, owner=process_identity(), **more)
    thread = threading.Thread(target=partial(execute, store, run))
    thread.start()
    return run, thread


def test_paused_stopped_and_resumed_it_stands_where_it_was(store, experiment, whole, often, wait_until):
    run, thread = begun(store, experiment)
    wait_until(lambda: steps(store, run) > 5)
    store.command(run, "pause")
    wait_until(lambda: store.row(run).state == "paused")
    wait_until(lambda: len({read(store.directory / store.kept(run, n)[0].file).place.step for n in
                            experiment.contestants}) == 1)  # fmt: skip
    found = [read(store.directory / store.kept(run, name)[0].file).place for name in experiment.contestants]
    wait_until(lambda: all(rows == found[0].step + 1 for rows in store.rows_written(run).values()))
    store.command(run, "step")
    wait_until(lambda: min(store.rows_written(run).values()) == found[0].step + 2)
    store.command(run, "stop")
    thread.join()
    assert store.row(run).state == "stopped"
    for name in experiment.contestants:
        place = read(store.directory / store.kept(run, name)[0].file).place
        assert (place.step, place.computed) == (found[0].step + 1, True)
    assert rv.resume(run, store=store).state == "finished"
    assert f"Resumed after {found[0].step + 1} of 48 steps." in [
        event.data["reason"] for event in store.events(run, kind="state")
    ]
    assert_same(store, run, whole)


def test_a_rate_set_by_hand_holds_from_the_same_step_after_a_kill(store, experiment, often, wait_until, tmp_path):
    """The change ends the warm-up, and lies ahead of the checkpoints that are there."""
    slow = experiment.model_copy(update={"recipe": experiment.recipe.model_copy(update={"warmup_steps": 40})})
    run, thread = begun(store, slow)
    wait_until(lambda: steps(store, run) > 5)
    store.command(run, "lr", value=0.03)
    store.command(run, "pace", value=500)
    wait_until(lambda: store.events(run, kind="pace"))
    (change,) = store.events(run, kind="lr")
    store.command(run, "stop")
    thread.join()
    for (
        name
    ) in experiment.contestants:  # as if it had been killed a while before: the older checkpoint, if there is one
        store.forget(store.kept(run, name)[0])
    seen = steps(store, run)
    assert rv.resume(run, store=store).state == "finished"
    assert len(store.events(run, kind="lr")) == len(store.events(run, kind="pace")) == 1
    rates = run_data(store, run).signals("plain")["lr"]
    before = 0.1 * min(1, change.step / 40) * 0.5 * (1 + math.cos(math.pi * (change.step - 1) / 48))
    assert rates[change.step - 1] == pytest.approx(before)
    assert rates[change.step] == pytest.approx(0.03)
    assert rates[-1] < 0.001
    assert seen <= 48

    whole = Store(tmp_path / "again")
    twin = whole.create(slow, owner=process_identity())
    whole.add_event(twin, "lr", {"value": 0.03}, step=change.step)
    whole.set_header(twin, {"contestants": run_data(store, run).header["contestants"]})
    assert execute(whole, twin) == "finished"
    assert_same(store, run, rv.open_runs(whole.directory).get(twin))


def test_a_rate_set_while_it_catches_up_leaves_what_was_seen_as_it_was(experiment):
    from resnet_viz.train.checkpoints import Past
    from resnet_viz.train.control import Control

    steer = Control(experiment.contestants, experiment.recipe, 96, Past(rows=50))
    steer.begin("plain", 10)
    assert steer.set_learning_rate(0.5) == 50
    assert steer.begin("plain", 49) != 0.5


@pytest.fixture
def stopped(store, experiment, often, wait_until):
    """A run that was stopped after it had two checkpoints of each contestant."""
    run, thread = begun(store, experiment)
    wait_until(lambda: all(len(store.kept(run, name)) == 2 for name in experiment.contestants))
    store.command(run, "stop")
    thread.join()
    assert store.row(run).state == "stopped"
    return run


def newest(store: Store, run: str, contestant: str, place: int = 0):
    return store.directory / store.kept(run, contestant)[place].file


def flip(path) -> None:
    """One bit of the last tensor."""
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "torn": (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), "is damaged"),
    "one bit": (flip, "is damaged"),
    "gone": (lambda path: path.unlink(), "is not there"),
    "not ours": (lambda path: path.write_bytes(b"a letter" * 50), "is damaged"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_checkpoint_falls_back_to_the_one_before_with_a_sentence(store, experiment, stopped, kind):
    from resnet_viz.runs.checkpoints import past_of

    harm, how = DAMAGE[kind]
    first, second = store.kept(stopped, "residual")
    harm(newest(store, stopped, "residual"))
    past, notes = past_of(store, stopped, experiment)
    assert notes == [f"The checkpoint of residual after step {first.step} {how}."]
    assert past.checkpoints["residual"].place.step == second.step
    assert [kept.step for kept in store.kept(stopped, "residual")] == [second.step]
    files = list((store.directory / "checkpoints" / stopped).iterdir())
    assert len(files) == 5  # what cannot be used is not kept either


def test_with_all_checkpoints_damaged_it_begins_anew_to_the_same_end(store, experiment, whole, stopped):
    steps = [kept.step for kept in store.kept(stopped, "plain")]
    for place in (0, 1):
        flip(newest(store, stopped, "plain", place))
    assert rv.resume(stopped, store=store).state == "finished"
    said = [event.data["reason"] for event in store.events(stopped, kind="state") if event.data["reason"]]
    assert said[-1] == "Begun again from the start. " + " ".join(
        f"The checkpoint of plain after step {step} is damaged." for step in steps
    )
    assert_same(store, stopped, whole)


def test_a_full_disk_costs_the_checkpoints_and_not_the_run(store, experiment, whole, often, monkeypatch, caplog):
    from resnet_viz.train import checkpoints

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints.os, "fsync", full)
    run = store.create(experiment, owner=process_identity())
    assert execute(store, run) == "finished"
    assert "The newest checkpoint could not be written (No space left on device)." in caplog.text
    assert store.row(run).reason == "The newest checkpoint could not be written (No space left on device)."
    assert store.kept(run, "plain") == []
    assert list((store.directory / "checkpoints" / run).iterdir()) == []
    assert run_data(store, run).frames["plain"].tobytes() == whole.data.frames["plain"].tobytes()


def test_two_checkpoints_are_kept_and_go_with_the_run(store, experiment, stopped):
    folder = store.directory / "checkpoints" / stopped
    assert len(list(folder.iterdir())) == 2 * len(experiment.contestants)
    store.delete(stopped)
    with pytest.raises(SpecError) as refused:
        rv.resume(stopped, store=store)
    assert str(refused.value) == f"The run {stopped} lies in the bin: restore it first."
    assert len(list(folder.iterdir())) == 2 * len(experiment.contestants)
    store.purge()
    assert not folder.exists()
    assert store.kept(stopped, "plain") == []


def test_a_finished_run_is_given_back_as_it_is(whole):
    before = len(whole.store.events(whole.id))
    assert rv.resume(whole).state == "finished"
    assert len(whole.store.events(whole.id)) == before


def test_a_run_that_is_alive_is_waited_for(store, experiment, wait_until):
    run, thread = begun(store, experiment)
    told: list[str] = []
    assert rv.resume(run, store=store, waiting=told.append).state == "finished"
    assert told == ["running"]
    thread.join()


def test_only_one_of_two_resumes_a_run(store, experiment, stopped):
    store.command(stopped, "stop")  # nobody took it: it belongs to the time before
    assert store.again(stopped, process_identity())
    assert not store.again(stopped, (1, 1.0))
    assert store.take_commands(stopped) == []
    with pytest.raises(KeyError):
        store.again("nothing")


def test_it_goes_on_with_the_kind_of_device_that_it_was_begun_on(store, experiment, stopped):
    if torch.cuda.is_available():
        return
    header = store.row(stopped).header
    store.set_header(stopped, header | {"device": header["device"] | {"kind": "cuda"}})
    with pytest.raises(SpecError) as refused:
        rv.resume(stopped, store=store)
    assert str(refused.value) == "This machine has no CUDA device that torch can use: choose the device cpu or auto."
    assert store.row(stopped).state == "stopped"


def test_deterministic_algorithms_are_asked_for_and_kept_on_resuming(store, experiment, monkeypatch):
    asked = []
    real = torch.use_deterministic_algorithms

    def ask(mode, **more):
        asked.append(mode)
        real(mode, **more)

    monkeypatch.setattr(torch, "use_deterministic_algorithms", ask)
    short = experiment.model_copy(update={"recipe": Recipe(epochs=1, device="cpu")})
    run = rv.train(short, store=store, deterministic=True)
    assert run.header["deterministic"] is True
    assert asked == [True, False]
    store.set_state(run.id, "interrupted")
    assert rv.resume(run).state == "finished"
    assert asked == [True, False] * 2
    assert run.header["deterministic"] is True


def test_other_signals_are_refused(store, experiment, stopped):
    header = store.row(stopped).header
    header["contestants"][0]["signals"].append("something new")
    store.set_header(stopped, header)
    run = rv.resume(stopped, store=store)
    assert (run.state, run.reason) == (
        "failed", "Another version of ResNet Viz began this run and measured other signals: it cannot go on here.",
    )  # fmt: skip


def test_a_store_of_the_first_version_gets_its_table_of_checkpoints(tmp_path, experiment):
    old = Store(tmp_path)
    run = old.create(experiment)
    with old._write() as db:
        db.execute("DROP TABLE checkpoints")
        db.execute("PRAGMA user_version = 1")
    old.close()
    new = Store(tmp_path)
    assert [row.id for row in new.rows()] == [run]
    assert new.kept(run, "plain") == []
    assert new._db.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
