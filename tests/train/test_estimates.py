"""Estimates: honest on this machine, and refusals before anything is built."""

import time

import pytest
import torch

from resnet_viz.spec import Experiment, Recipe, SpecError, preset
from resnet_viz.train import estimate
from resnet_viz.train.estimates import check_memory, memory_needed


def test_an_estimate_is_of_the_order_of_the_race_itself(tmp_path):
    from resnet_viz.runs import train

    contestants = {"plain": preset("tiny_plain8"), "residual": preset("tiny_resnet8")}
    experiment = Experiment(contestants=contestants, recipe=Recipe(epochs=4, device="cpu"))
    found = estimate(experiment)
    begin = time.monotonic()
    train(experiment, store=tmp_path)
    took = time.monotonic() - begin
    assert found["seconds"] / 5 < took < found["seconds"] * 5 + 2
    assert found["step_ms"] * experiment.steps / 1000 < found["seconds"]
    assert found["memory_bytes"] == memory_needed(experiment) > 100_000
    assert found["device"].startswith("cpu: ")
    assert [card["name"] for card in found["contestants"]] == ["plain", "residual"]


def test_a_pace_stretches_the_estimate():
    recipe = Recipe(epochs=2, pace=0.5, device="cpu")
    found = estimate(Experiment(contestants={"a": preset("tiny_resnet8")}, recipe=recipe))
    assert 48 <= found["seconds"] < 60


def test_more_memory_than_there_is_is_refused(monkeypatch):
    experiment = Experiment(contestants={"a": preset("tiny_resnet56")})

    class Little:
        available = 10_000_000

    monkeypatch.setattr("psutil.virtual_memory", Little)
    with pytest.raises(SpecError) as refused:
        check_memory(experiment, torch.device("cpu"))
    assert str(refused.value) == (
        "This takes 0.02 GB of memory and the device has 0.01 GB free: use a smaller batch or smaller networks."
    )
