"""Estimates: honest on this machine, and refusals before anything is built."""

import time

import pytest
import torch

from resnet_viz.nn import build
from resnet_viz.spec import Experiment, Recipe, SpecError, fit_to_dataset, preset
from resnet_viz.train import estimate, limits
from resnet_viz.train.limits import check_measuring, check_memory, free_memory, measuring_seconds, memory_needed


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


CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({}, 8000),
        ({"memory.max": "max", "memory.current": "7000"}, 8000),
        ({"memory.max": "9000", "memory.current": "7000"}, 2000),
        ({"memory.max": "9000", "memory.current": "7000", "memory.stat": "anon 1\ninactive_file 500\n"}, 2500),
        ({"memory.max": "90000", "memory.current": "7000"}, 8000),
        ({"memory.max": "9000", "memory.current": "9500"}, 0),
        ({"memory/memory.limit_in_bytes": "9000", "memory/memory.usage_in_bytes": "7000"}, 2000),
    ],
)
def test_a_containers_limit_bounds_the_memory(tmp_path, monkeypatch, files, free):
    (tmp_path / "memory").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    roots = (tmp_path, tmp_path / "memory")
    monkeypatch.setattr(
        limits, "CGROUPS", tuple((root, *names[1:]) for root, names in zip(roots, limits.CGROUPS, strict=True))
    )

    class Much:
        available = 8000

    monkeypatch.setattr("psutil.virtual_memory", Much)
    assert free_memory(CPU) == free


def test_memory_counts_the_evaluation_and_only_those_that_compute():
    network = preset("tiny_resnet8")
    one = Experiment(contestants={"a": network}, recipe=Recipe(batch=2))
    three = Experiment(contestants={"a": network, "b": network, "c": network}, recipe=Recipe(batch=2))
    params = sum(p.numel() for p in build(network).parameters())
    # The widest map is the stem's, 8 x 8 x 8; digits have 1500 training images.
    maps = 3 * 1500 * 8 * 8 * 8 * 4
    assert memory_needed(one) == 20 * params + maps
    assert memory_needed(three, at_once=2) == 3 * 20 * params + 2 * maps


def test_work_that_takes_too_long_is_not_measured():
    wide = preset("tiny_resnet8")
    stages = tuple(s.model_copy(update={"block": s.block.model_copy(update={"width": 1536})}) for s in wide.stages)
    wide = wide.model_copy(update={"stages": stages})
    for recipe, network in ((Recipe(batch=1500), wide), (Recipe(batch=2), wide)):
        with pytest.raises(SpecError, match=r"^Too large to measure here: building and one step may take [\d,]+ s\. "):
            check_measuring(Experiment(contestants={"a": network}, recipe=recipe), CPU, 2)
    deep = Experiment(contestants={"a": fit_to_dataset(preset("cifar_resnet110"), "digits")[0]})
    check_measuring(deep, CPU, 2)


def test_orthogonal_weights_count_as_work():
    network = preset("tiny_resnet8")
    orthogonal = network.model_copy(update={"init": network.init.model_copy(update={"scheme": "orthogonal"})})
    plain, other = (
        measuring_seconds(Experiment(contestants={"a": n}, recipe=Recipe(batch=2)), CPU, 1)
        for n in (network, orthogonal)
    )
    work = sum(p.numel() * min(p.shape[0], p[0].numel()) for p in build(network).parameters() if p.dim() > 1)
    assert other - plain == pytest.approx(work / limits.ORTHOGONAL, rel=0.05)
