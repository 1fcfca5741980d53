"""Training in this process: the public API, and runs that end before they are done."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

import resnet_viz as rv
from resnet_viz.inspect import layers
from resnet_viz.runs import Store, experiment_key, open_runs, status, train
from resnet_viz.spec import Experiment, Recipe, SpecError, preset


@pytest.fixture
def trained(tmp_path, experiment):
    told = []
    return train(experiment, store=tmp_path, name="a first race", progress=told.append), told


def test_a_run_holds_all_that_was_measured(trained, experiment, tmp_path):
    run, told = trained
    assert (run.name, run.state, run.reason) == ("a first race", "finished", None)
    assert run.experiment == experiment
    for name, network in experiment.contestants.items():
        signals = run.signals(name)
        paths = [f"grad_norm/{layer.path}" for layer in layers(network)]
        assert [signal for signal in signals if signal.startswith("grad_norm/")] == paths
        assert {len(values) for values in signals.values()} == {48}
        assert all(np.isfinite(values).all() for values in signals.values())
        assert signals["lr"][:9] == pytest.approx([0.0125 * k for k in range(1, 9)] + [0.1])
        rows = run.evals(name)
        assert [(row.step, row.epoch) for row in rows] == [(0, 0), (12, 1), (24, 2), (36, 3), (48, 4)]
        assert rows[-1].train_error < rows[0].train_error
    assert {p.contestant for p in told} == {"plain", "residual"}
    assert [p.step for p in told if p.contestant == "plain"][-1] == told[0].steps == 48


def test_the_header_says_what_was_trained_where(trained):
    run, _ = trained
    header = run.header
    assert header["versions"]["torch"] == torch.__version__
    assert header["versions"]["resnet_viz"] == rv.__version__
    assert header["device"]["kind"] == "cpu"
    assert (header["dataset"], header["seed"], header["steps"], header["steps_per_epoch"]) == ("digits", 0, 48, 12)
    assert {card["name"]: card["role"] for card in header["contestants"]} == {"plain": "plain", "residual": "residual"}
    assert list(run.signals("plain")) == header["contestants"][0]["signals"]


def test_the_same_experiment_gives_the_same_bits_in_the_store(trained, experiment, tmp_path):
    run, _ = trained
    again = train(experiment, store=tmp_path)
    found, other = open_runs(tmp_path).frames(run.id), open_runs(tmp_path).frames(again.id)
    assert all(found[name].tobytes() == other[name].tobytes() for name in experiment.contestants)
    assert run.evals("plain") == again.evals("plain")


def test_runs_are_listed_newest_first_and_found_again_by_a_new_store(trained, experiment, tmp_path):
    run, _ = trained
    second = train(experiment, store=Store(tmp_path))
    runs = open_runs(str(tmp_path))
    assert [found.id for found in runs.list()] == [second.id, run.id]
    assert runs.get(run.id).signals("plain")["loss"].tolist() == run.signals("plain")["loss"].tolist()
    assert sum(len(chunk.values) for chunk in runs.chunks(run.id)) == 96
    with pytest.raises(KeyError):
        runs.get("nothing")


def test_the_package_is_also_the_function(experiment, tmp_path):
    import resnet_viz.train

    assert resnet_viz.train.Race.__name__ == "Race"
    for _ in range(2):
        assert rv.train(experiment, store=tmp_path).state == "finished"


def test_torch_threads_are_those_of_before(experiment, tmp_path):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert train(experiment, store=tmp_path).state == "finished"
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_numbers_that_are_not_finite_make_a_failed_run_with_its_frames(tmp_path):
    network = preset("tiny_resnet20")
    stages = tuple(s.model_copy(update={"block": s.block.model_copy(update={"norm": "none"})}) for s in network.stages)
    network = network.model_copy(update={"stages": stages, "stem": network.stem.model_copy(update={"norm": "none"})})
    recipe = Recipe(learning_rate=100, warmup_steps=0, device="cpu")
    run = train(Experiment(contestants={"wild": network}, recipe=recipe), store=tmp_path)
    loss = run.signals("wild")["loss"]
    assert run.state == "failed"
    assert run.reason.startswith(f"wild failed at step {len(loss) - 1}: the loss is ")
    assert run.reason.endswith("such layers; try a learning rate below 100.")
    assert np.isfinite(loss[:-1]).all()


def test_an_unknown_engine_and_a_missing_device_are_refused(experiment, tmp_path):
    with pytest.raises(ValueError) as refused:
        train(experiment, store=tmp_path, engine="steam")
    assert str(refused.value) == "there is no engine 'steam': use one of auto, eager, graph, compile"
    if not torch.cuda.is_available():
        recipe = experiment.recipe.model_copy(update={"device": "cuda"})
        with pytest.raises(SpecError) as refused:
            train(experiment.model_copy(update={"recipe": recipe}), store=tmp_path)
        expected = "This machine has no CUDA device that torch can use: choose the device cpu or auto."
        assert str(refused.value) == expected
    assert open_runs(tmp_path).list() == []


SCRIPT = """
import sys
import resnet_viz as rv
nets = {"plain": rv.preset("tiny_plain8"), "residual": rv.preset("tiny_resnet8")}
rv.train(rv.Experiment(contestants=nets, recipe=rv.Recipe(epochs=500, pace=20, device="cpu")), store=sys.argv[1])
"""


def test_a_run_of_another_process_is_seen_live_and_is_interrupted_when_that_is_killed(tmp_path, wait_until):
    script = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)])
    try:
        (run,) = wait_until(lambda: open_runs(tmp_path).list())
        wait_until(lambda: run.header and len(run.signals("plain")["loss"]) > 3)
        assert run.state == "running"
    finally:
        script.kill()
        script.wait()
    wait_until(lambda: run.state == "interrupted", 5)
    assert len(run.signals("plain")["loss"]) > 3


def test_ctrl_c_stops_the_run(tmp_path, wait_until):
    script = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)], stderr=subprocess.DEVNULL)
    (run,) = wait_until(lambda: open_runs(tmp_path).list())
    wait_until(lambda: run.header and len(run.signals("plain")["loss"]) > 3)
    os.kill(script.pid, signal.SIGINT)
    assert script.wait(20) != 0
    assert (run.state, run.reason) == ("stopped", "Stopped with Ctrl-C.")
    assert status(run.row) == ("stopped", "Stopped with Ctrl-C.")


def test_the_key_of_an_experiment_tells_experiments_apart(experiment):
    other = experiment.model_copy(update={"recipe": Recipe(epochs=5)})
    assert experiment_key(experiment) == experiment_key(experiment.model_copy())
    assert experiment_key(experiment) != experiment_key(other)
    assert len(experiment_key(experiment)) == 32


def test_an_experiment_that_is_not_valid_leaves_no_run(store, experiment):
    broken = experiment.model_copy(update={"recipe": experiment.recipe.model_copy(update={"batch": 0})})
    with pytest.raises(SpecError) as refused:
        train(broken, store=store)
    assert str(refused.value) == "recipe.batch is 0: it must be at least 2."
    with pytest.raises(SpecError) as refused:
        train(preset("tiny_resnet8"), store=store)
    assert str(refused.value) == (
        "an Experiment is needed here, not Network: rv.Experiment(contestants={name: network}) makes one"
    )
    assert store.rows() == []


def test_a_stop_that_comes_before_the_networks_stand_stops_the_run(store, experiment):
    from resnet_viz.runs import execute
    from resnet_viz.runs.liveness import process_identity

    run = store.create(experiment, owner=process_identity())
    store.command(run, "stop")
    assert execute(store, run) == "stopped"
    assert status(store.row(run)) == ("stopped", f"Stopped by hand after 0 of {experiment.steps} steps.")
    assert store.frames(run) == []
