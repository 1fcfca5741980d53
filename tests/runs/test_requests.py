"""What a person asks to be measured while a race runs or stands: events with the right numbers, and no other trace."""

from __future__ import annotations

import threading
from functools import partial

import numpy as np
import pytest
import torch

import resnet_viz as rv
from resnet_viz.data import load
from resnet_viz.runs import Store, execute, load_recording, run_data, save_recording
from resnet_viz.runs.liveness import process_identity
from resnet_viz.spec import Experiment, ProbePlan, Recipe, SpecError, preset
from resnet_viz.train.checkpoints import read
from resnet_viz.train.control import Control
from resnet_viz.train.engine import EagerEngine
from resnet_viz.train.sharpness import sharpness


@pytest.fixture
def small() -> Experiment:
    """Drop path draws random numbers: measuring must not take any away."""
    net = preset("tiny_resnet8").model_copy(update={"drop_path": rv.DropPath(survival=0.6)})
    recipe = Recipe(epochs=1, device="cpu", probes=ProbePlan.full(4, 2))
    return Experiment(contestants={"plain": preset("tiny_plain8"), "stochastic": net}, recipe=recipe)


def test_a_paused_run_measures_the_row_that_it_shows_and_goes_on_as_if_nothing_had_been(
    store: Store, small: Experiment, wait_until, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("resnet_viz.train.sharpness.ITERATIONS", 4)  # the same four in both
    run = store.create(small, paused=True, owner=process_identity())
    thread = threading.Thread(target=partial(execute, store, run))
    thread.start()
    wait_until(lambda: len(store.rows_written(run)) == 2)
    store.command(run, "sharpness")
    store.command(run, "histogram", of="gradient")
    store.command(run, "histogram", of="nothing")  # refused: the run goes on
    store.command(run, "histogram")
    wait_until(lambda: len(run_data(store, run).histograms("stochastic")) == 16)
    store.command(run, "resume")
    thread.join()
    assert store.row(run).state == "finished"
    data = run_data(store, run)
    torch.set_num_threads(1)
    for name, network in small.contestants.items():
        paths = [layer["path"] for layer in data.card(name)["layers"]]
        engine = EagerEngine(network, Recipe(), load("digits"), paths, torch.device("cpu"))
        model = rv.build(network, seed=0).to(memory_format=torch.channels_last).train()
        for module in model.modules():
            if type(module).__name__ == "DropPath":
                module.eval()
        x, y = engine.batches[0]
        found = data.signals(name)["sharpness"]
        assert np.flatnonzero(~np.isnan(found)).tolist() == [0]
        assert found[0] == pytest.approx(sharpness(model, x, y).value, rel=1e-3)
        engine.compute(0, 0.1)
        seen = data.histograms(name)
        assert [row.of for row in seen] == ["gradient"] * len(paths) + ["weight"] * len(paths)
        for row in seen:
            weight = engine.model.get_parameter(f"{row.layer}.weight")
            values = weight.grad if row.of == "gradient" else weight
            assert values is not None and (row.step, len(row.counts)) == (0, 32)
            assert row.counts == tuple(np.histogram(values.detach().double().numpy(), 32)[0])
    whole = rv.train(small, store=tmp_path / "whole")
    for name in small.contestants:
        assert data.frames[name].tobytes() == whole.data.frames[name].tobytes()
        ours, theirs = (
            read(s.directory / s.kept(r, name)[0].file).tensors for s, r in ((store, run), (whole.store, whole.id))
        )
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert load_recording(save_recording(data, tmp_path / "it")).histograms("plain") == data.histograms("plain")


def test_a_running_race_measures_at_a_step_that_nobody_has_begun() -> None:
    steer = Control(("a", "b"), Recipe(), 20)
    steer.begin("a", 6)
    steer.begin("b", 4)
    assert steer.ask("sharpness", {}) == 7
    assert steer.asked("a", 6) is None and steer.turn("a", 6, 0) is True
    steer.begin("a", 7)
    assert steer.turn("a", 7, 60) is None  # at once
    request = steer.asked("a", 7)
    assert request is not None and (request.kind, request.step) == ("sharpness", 7)
    assert steer.asked("a", 7) is None
    steer.begin("b", 7)
    assert steer.asked("b", 7) == request
    steer.pause()
    assert steer.ask("histogram", {"of": "gradient"}) == 7  # the row on the screen
    with pytest.raises(SpecError) as refused:
        steer.ask("histogram", {"of": ["weights"]})
    assert str(refused.value) == "There are no histograms of \"['weights']\": use one of weight, gradient."
    steer.resume()
    steer.begin("a", 19)
    assert steer.ask("sharpness", {}) is None


def test_no_more_than_eight_measurements_wait() -> None:
    steer = Control(("a",), Recipe(), 20)
    steer.pause()
    for _ in range(8):
        assert steer.ask("sharpness", {}) == 0
    with pytest.raises(SpecError) as refused:
        steer.ask("sharpness", {})
    assert str(refused.value) == "8 measurements wait already: let them come first."
