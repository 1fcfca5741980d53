"""What a lab may use to compute: the race's own numbers, one that diverges, and its modules afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from resnet_viz.labs.bench import Bench
from resnet_viz.runs import Store, train
from resnet_viz.spec import Experiment, Recipe, SpecError, preset
from resnet_viz.train.devices import calculation


def test_a_trial_is_the_same_training_as_a_race(tmp_path: object) -> None:
    networks = {"residual": preset("tiny_resnet8")}
    bench = Bench("cpu")
    with calculation(bench.device):
        trial = bench.race(networks, seed=4, epochs=1)
        rows = list(trial)
    run = train(Experiment(contestants=networks, recipe=Recipe(seed=4, epochs=1, device="cpu")), Store(str(tmp_path)))
    for name in networks:
        mine = [(row.step, row.epoch, row.train_error, row.test_error) for row in rows if row.contestant == name]
        assert mine == [(row.step, row.epoch, row.train_error, row.test_error) for row in run.evals(name)]
        signals = trial.signals(name)
        for signal, values in run.signals(name).items():
            np.testing.assert_array_equal(signals[signal], values)
        assert trial.layers[name][0] == "conv1"
        assert bench.errors(trial.models[name]) == pytest.approx(mine[-1][2:], abs=1e-9)


def test_one_that_diverges_ends_nobody_else() -> None:
    fine, deep = preset("tiny_resnet8"), preset("tiny_resnet20")
    wild = tuple(
        stage.model_copy(update={"block": stage.block.model_copy(update={"norm": "none", "alpha": 4, "beta": 4})})
        for stage in deep.stages
    )
    bench = Bench("cpu")
    with calculation(bench.device):
        trial = bench.race({"wild": deep.model_copy(update={"stages": wild}), "fine": fine}, seed=0, epochs=1).run()
    assert list(trial.failed) == ["wild"]
    assert trial.failed["wild"].startswith("wild failed at step ")
    assert len(trial.signals("fine")["loss"]) == 12
    assert set(trial.models) == {"wild", "fine"}


def test_a_bench_needs_its_device() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(SpecError, match="no CUDA device"):
        Bench("cuda")
