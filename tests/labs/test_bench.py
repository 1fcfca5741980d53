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


def test_a_network_starts_from_given_weights_and_what_is_frozen_stays() -> None:
    import torch

    from resnet_viz.nn import build

    network = preset("tiny_resnet8")
    start = build(network, seed=11)
    bench = Bench("cpu")
    with calculation(bench.device):
        before = bench.errors(start)
        trial = bench.race(
            {"some": network}, seed=0, epochs=1, weight_decay=0.0, starts={"some": start},
            frozen={"some": ("conv1", "layer1.0")},
        )  # fmt: skip
        rows = list(trial)
    assert (rows[0].train_error, rows[0].test_error) == pytest.approx(before, abs=1e-9)
    after = dict(trial.models["some"].named_parameters())
    still = {name for name, weight in start.named_parameters() if torch.equal(weight, after[name])}
    assert still == {name for name in after if name.startswith(("conv1.", "layer1.0."))}
    signals = trial.signals("some")
    assert not any(name.startswith(("grad_norm/conv1", "grad_norm/layer1.0")) for name in signals)
    assert trial.layers["some"] == ["layer2.0.conv1", "layer2.0.conv2", "layer3.0.conv1", "layer3.0.conv2", "fc"]
    assert (signals["grad_norm/fc"] > 0).all()
    assert signals["loss"].shape == (12,)
