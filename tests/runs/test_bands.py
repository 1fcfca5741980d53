"""Several seeds of one contest: the band is the median and the extremes of runs with one seed each, resumed or not."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest

import resnet_viz as rv
from benchmarks.made_up import made_up
from resnet_viz.data import own_images
from resnet_viz.draw.comparison import comparison_figures, curves, last_numbers
from resnet_viz.draw.wording import percent
from resnet_viz.runs import Run, Store, execute, run_data
from resnet_viz.runs.bands import Bands
from resnet_viz.runs.checkpoints import changes_of, event_of
from resnet_viz.runs.exports import export
from resnet_viz.runs.liveness import process_identity
from resnet_viz.serve.messages import Follower
from resnet_viz.spec import Experiment, ProbePlan, Recipe, decode, encode, fit_to_dataset, preset
from resnet_viz.train.changes import Change
from resnet_viz.train.checkpoints import Past
from resnet_viz.train.race import Evaluated, Rows, Snapshot
from resnet_viz.train.seeds import band, band_names, members

RECIPE = Recipe(epochs=1, batch=8, device="cpu")
SEEDS = (4, 5, 6)
OFTEN = """
import sys
from resnet_viz.train import race
race.KEEP_SECONDS = race.KEEP_SECONDS_EVALUATED = 0.05
race.KEEP_SHARE = 1
import resnet_viz as rv
rv.resume(sys.argv[2], store=sys.argv[1])
"""
"""A process that takes a waiting run, with checkpoints close together."""
KINDS = {"plain": "plain", "residual": "resnet"}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """24 training images, so that a run is over at once."""
    monkeypatch.setenv("RESNET_VIZ_HOME", str(tmp_path / "home"))
    own_images.load.cache_clear()
    own_images.add(made_up(), "few")


def race(**recipe) -> Experiment:
    few = own_images.own_images("few")
    networks = {name: fit_to_dataset(preset(f"tiny_{kind}8"), few)[0] for name, kind in KINDS.items()}
    return Experiment(contestants=networks, dataset=few, recipe=RECIPE.model_copy(update=recipe))


def test_members_have_their_seeds_and_one_seed_is_the_contestant_itself():
    assert [member.key for member in members(race(seed=9))] == ["plain", "residual"]
    found = members(race(seed=4, seeds=3))
    assert [member.key for member in found[:3]] == ["plain/seed 4", "plain/seed 5", "plain/seed 6"]
    assert [(member.contestant, member.recipe.seed) for member in found[2:4]] == [("plain", 6), ("residual", 4)]
    assert decode(encode(race(seeds=3))) == race(seeds=3)


def test_the_band_is_the_naive_one():
    draw = np.random.default_rng(0)
    rows = [draw.random((5, 4)).astype(np.float32) for _ in range(4)]
    rows[2][1, 3] = np.nan
    signals = ("loss", "train_error", "lr", "grad_norm/a")
    names = band_names(signals, 4)
    made = band(rows, signals)
    assert names[4:] == ("min/loss", "min/train_error", "min/grad_norm/a",
                         "max/loss", "max/train_error", "max/grad_norm/a")  # fmt: skip
    assert made.shape == (5, len(names))
    for step in range(5):
        for column, name in enumerate(signals):
            values = sorted(float(row[step, column]) for row in rows)
            if any(np.isnan(values)):
                assert np.isnan(made[step, [names.index(name), names.index(f"min/{name}")]]).all()
                continue
            assert made[step, column] == pytest.approx((values[1] + values[2]) / 2)
            if name != "lr":
                assert made[step, names.index(f"min/{name}")] == np.float32(values[0])
                assert made[step, names.index(f"max/{name}")] == np.float32(values[3])


def check(run: Run, singles: list[Run]) -> None:
    """The run's band against runs with one seed each."""
    for name in ("plain", "residual"):
        found, each = run.signals(name), [single.signals(name) for single in singles]
        for signal, values in each[0].items():
            stacked = np.stack([one[signal] for one in each])
            np.testing.assert_array_equal(found[signal], np.median(stacked, axis=0), signal)
            if signal != "lr":
                np.testing.assert_array_equal(found[f"min/{signal}"], stacked.min(axis=0), signal)
                np.testing.assert_array_equal(found[f"max/{signal}"], stacked.max(axis=0), signal)
            assert len(values) == len(found[signal]) == run.data.steps
        errors = [[(row.train_error, row.test_error) for row in single.evals(name)] for single in singles]
        assert [(row.train_error, row.test_error) for row in run.evals(name)] == [
            (float(np.median([a for a, _ in at])), float(np.median([b for _, b in at])))
            for at in zip(*errors, strict=True)
        ]


def test_a_band_is_that_of_single_runs_and_so_is_a_resumed_one(tmp_path):
    singles = [rv.train(race(seed=seed), store=tmp_path) for seed in SEEDS]
    run = rv.train(race(seed=4, seeds=3), store=tmp_path)
    assert run.state == "finished", run.reason
    check(run, singles)
    head = run.store.row(run.id).header
    assert head["seeds"] == 3 and head["contestants"][0]["description"].startswith("median of 3 seeds, ")
    event = next(e for e in run.store.events(run.id, kind="eval") if e.step == 3 and e.contestant == "plain")
    tests = [single.evals("plain")[-1].test_error for single in singles]
    assert (event.data["test_error_min"], event.data["test_error_max"]) == (min(tests), max(tests))
    shown = curves([run.data])["Test error"][0]
    assert (shown.low[-1], shown.high[-1]) == (100 * min(tests), 100 * max(tests))
    numbers = f"{percent(np.median(tests))} ({percent(min(tests))} to {percent(max(tests))})"
    assert last_numbers([run.data])[0]["Test error"] == numbers
    figure = comparison_figures([run.data])["Loss"]
    loss = run.signals("plain")
    assert figure.data[0].y == (*map(float, loss["max/loss"]), *map(float, loss["min/loss"][::-1]))
    told = next(message for message in Follower(run.store, run.id).poll() if message["kind"] == "delta")
    frame = next(frame for frame in told["frames"] if frame["c"] == "plain")
    least = np.stack([loss[name] for name in loss if name.startswith("min/grad_norm")], axis=1)
    np.testing.assert_allclose(frame["grad_min"], least, rtol=1e-3)
    np.testing.assert_allclose(frame["loss_max"], loss["max/loss"], rtol=1e-3)
    assert told["evals"][-1]["test_error_max"] <= 1
    text = export(run.data, "csv", "evaluations").decode().splitlines()
    assert text[0] == (
        '"contestant","step","epoch","train_error","test_error",'
        '"train_error_min","train_error_max","test_error_min","test_error_max"'
    )

    held = rv.train(race(seed=4, seeds=3, pace=5), store=tmp_path, name="held", progress=stop_at(tmp_path, 2))
    assert held.state == "stopped"
    again = rv.resume(held)
    assert again.state == "finished", again.reason
    check(again, singles)


CHANGES = (
    Change(step=2, kind="alpha", value=0.5),
    Change(step=4, kind="shortcut", value=0, contestant="residual", block="layer2.0"),
)


def steered(store: Store, experiment: Experiment) -> str:
    """A run with the changes already asked for."""
    run = store.create(experiment)
    for change in CHANGES:
        store.add_event(run, change.kind, event_of(change), contestant=change.contestant, step=change.step)
    return run


def test_three_seeds_that_are_steered_and_killed_are_those_of_single_runs_to_the_bit(store, wait_until):
    """With everything measured, and each seed's own choice of images and wrong labels."""
    more = {"epochs": 4, "train_images": 16, "label_noise": 0.25, "probes": ProbePlan.full(2, 2)}
    runs = [steered(store, race(seed=seed, **more)) for seed in SEEDS]
    singles = [rv.resume(run, store=store) for run in runs]
    run = steered(store, race(seed=4, seeds=3, pace=8, **more))
    process = subprocess.Popen([sys.executable, "-c", OFTEN, str(store.directory), run])
    try:
        wait_until(lambda: min(store.rows_written(run).values(), default=0) >= 5, 120)
    finally:
        process.kill()
        process.wait()
    kept = [store.kept(run, member.key) for member in members(race(seed=4, seeds=3))]
    assert all(kept), "it has something to go on from"
    assert min(store.rows_written(run).values()) < 8
    again = rv.resume(run, store=store)
    assert again.state == "finished", again.reason
    assert changes_of(store, run) == CHANGES
    check(again, singles)
    ratio = again.signals("residual")["branch_ratio/layer2.0"]
    assert np.isfinite(ratio[2]) and np.isinf(ratio[4]), "the cut is in the band"


def test_what_is_asked_for_is_answered_by_the_first_seed(store, wait_until):
    run = store.create(race(seed=4, seeds=3), paused=True, owner=process_identity())
    thread = threading.Thread(target=partial(execute, store, run))
    thread.start()
    wait_until(lambda: len(store.rows_written(run)) == 2)
    store.command(run, "histogram")
    wait_until(lambda: len(run_data(store, run).histograms("residual")) == 8)
    store.command(run, "resume")
    thread.join()
    single = rv.build(race().contestants["residual"], seed=4)
    for row in run_data(store, run).histograms("residual"):
        values = single.get_parameter(f"{row.layer}.weight").detach().double().numpy()
        assert (row.step, row.counts) == (0, tuple(np.histogram(values, 32)[0]))


def stop_at(directory, step: int):
    """Stops the newest run once it has come so far."""
    told = threading.Event()

    def progress(now) -> None:
        if now.step >= step and not told.is_set():
            told.set()
            store = Store(directory)
            store.command(store.rows()[0].id, "stop")
            time.sleep(0.05)

    return progress


def test_a_checkpoint_waits_until_the_band_has_reached_it():
    experiment = race(seeds=2)
    keys = [member.key for member in members(experiment)][:2]
    signals = {"plain": ("loss", "lr"), "residual": ("loss", "lr")}
    bands = Bands(members(experiment), signals, Past())

    def rows(key: str, first: int, count: int) -> list:
        return list(bands.take(Rows(key, first, np.full((count, 2), first, np.float32))))

    def snapshot(key: str, step: int, evals=()) -> list:
        return list(bands.take(Snapshot(key, step, False, {}, (), evals)))

    assert rows(keys[0], 0, 3) == [] and snapshot(keys[0], 3) == []
    (made,) = rows(keys[1], 0, 2)
    assert (made.contestant, made.first, made.values.shape) == ("plain", 0, (2, 4))
    last, due = rows(keys[1], 2, 1)
    assert (last.first, due.contestant, due.step) == (2, keys[0], 3)
    assert snapshot(keys[0], 3, ((3, 1, 0.5, 0.5),)) == []  # its evaluation is not that of all yet
    assert list(bands.take(Evaluated(keys[0], 3, 1, 0.5, 0.5))) == []
    told, due = bands.take(Evaluated(keys[1], 3, 1, 0.25, 0.75))
    assert (told.contestant, told.train_error, told.spread) == ("plain", 0.375, (0.25, 0.5, 0.5, 0.75))
    assert due.contestant == keys[0]
