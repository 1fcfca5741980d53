"""Several seeds of one contest: the band is the median and the extremes of runs with one seed each, resumed or not."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import resnet_viz as rv
from benchmarks.made_up import made_up
from resnet_viz.data import own_images
from resnet_viz.draw.comparison import comparison_figures, curves, last_numbers
from resnet_viz.draw.wording import percent
from resnet_viz.runs import Run, Store
from resnet_viz.runs.bands import Bands
from resnet_viz.runs.exports import export
from resnet_viz.serve.messages import Follower
from resnet_viz.spec import Experiment, Recipe, decode, encode, fit_to_dataset, preset
from resnet_viz.train.checkpoints import Past
from resnet_viz.train.race import Evaluated, Rows, Snapshot
from resnet_viz.train.seeds import band, band_names, members

RECIPE = Recipe(epochs=1, batch=8, device="cpu")
SEEDS = (4, 5, 6)
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
            assert found[signal].tobytes() == np.median(stacked, axis=0).tobytes()
            if signal != "lr":
                assert found[f"min/{signal}"].tobytes() == stacked.min(axis=0).tobytes()
                assert found[f"max/{signal}"].tobytes() == stacked.max(axis=0).tobytes()
            assert len(values) == len(found[signal]) == 3
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
