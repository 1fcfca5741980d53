"""Whole races: the telemetry against autograd, equal runs, fair starts, failures."""

from functools import cache, partial

import numpy as np
import pytest
import torch
from torch.nn import functional

from resnet_viz.data import load
from resnet_viz.inspect import layers
from resnet_viz.nn import build
from resnet_viz.spec import Experiment, Network, Recipe, SpecError, Stage, plain_twin, preset
from resnet_viz.train import Race
from resnet_viz.train.batches import epoch_order
from resnet_viz.train.devices import calculation
from resnet_viz.train.engine import block_paths, memory_format
from resnet_viz.train.race import Ended, Evaluated, Failed, Rows, not_finite

STEPS = (0, 1, 5, 13)
CPU = torch.device("cpu")


def small(name: str, **axes) -> Network:
    """Three stages of two blocks at width 8 on digits."""
    net = preset("tiny_resnet20")
    stages = tuple(
        Stage(blocks=2, stride=stage.stride, block=stage.block.model_copy(update=axes)) for stage in net.stages
    )
    stem = net.stem
    if axes.get("order") == "preactivation":
        stem = stem.model_copy(update={"activated": False})
    if axes.get("norm") == "none":
        stem = stem.model_copy(update={"norm": "none"})
    return net.model_copy(update={"name": name, "stages": stages, "stem": stem})


NETWORKS = {
    "plain": small("plain", merge="none"),
    "residual": small("residual"),
    "bottleneck": small("bottleneck", branch="bottleneck", shortcut="B"),
    "pre-activation": small("pre-activation", order="preactivation"),
}


def race(experiment: Experiment) -> tuple[dict[str, np.ndarray], list]:
    """Telemetry by contestant, and all other messages."""
    paths = {name: [layer.path for layer in layers(net)] for name, net in experiment.contestants.items()}
    rows, rest = {name: [] for name in paths}, []
    with calculation(CPU):
        running = Race(experiment, paths)
        running.start()
        left = len(paths)
        while left:
            message = running.messages.get(timeout=60)
            if isinstance(message, Rows):
                assert message.first == sum(len(part) for part in rows[message.contestant])
                rows[message.contestant].append(message.values)
            else:
                left -= isinstance(message, Ended)
                rest.append(message)
        running.join()
    return {name: np.concatenate(parts) for name, parts in rows.items()}, rest


@cache
def raced() -> tuple[dict[str, np.ndarray], list]:
    return race(Experiment(contestants=NETWORKS, recipe=Recipe(epochs=2, device="cpu")))


def naive_steps(network: Network, recipe: Recipe, last: int):
    """The same training written down without anything of the engine: yields (step, model, x, y) before each update."""
    data = load("digits")
    model = build(network, seed=recipe.seed).train().to(memory_format=memory_format(CPU))
    weights = list(model.parameters())
    momentum = [torch.zeros_like(weight) for weight in weights]
    for step in range(last + 1):
        epoch, place = divmod(step, 12)
        chosen = epoch_order(1500, recipe.seed, epoch)[place * 128 : (place + 1) * 128]
        x, y = data.train_x[chosen].contiguous(memory_format=memory_format(CPU)), data.train_y[chosen]
        yield step, model, x, y
        gradients = torch.autograd.grad(functional.cross_entropy(model(x), y), weights)
        rate = 0.1 * min(1, (step + 1) / 8)
        with torch.no_grad():
            for weight, gradient, buffer in zip(weights, gradients, momentum, strict=True):
                # The fused forms: rounding once more here is 9 % in the gradients of step 13.
                buffer.mul_(0.9).add_(torch.add(gradient, weight, alpha=1e-4))
                weight.add_(buffer, alpha=-rate)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_norm_is_autograds_own_at_several_steps_of_a_seeded_run(name):
    network, recipe = NETWORKS[name], Recipe(epochs=2)
    telemetry = raced()[0][name]
    paths = [layer.path for layer in layers(network)]
    for step, model, x, y in naive_steps(network, recipe, max(STEPS)):
        if step not in STEPS:
            continue
        entered = []
        keep = partial(lambda kept, module, args: kept.append(args[0]), entered)
        handles = [model.get_submodule(path).register_forward_pre_hook(keep) for path in block_paths(network)]
        scores = model(x)
        for handle in handles:
            handle.remove()
        loss = functional.cross_entropy(scores, y)
        weights = [model.get_submodule(path).weight for path in paths]
        norms = [gradient.double().norm().item() for gradient in torch.autograd.grad(loss, [*weights, *entered])]
        error = (scores.argmax(1) != y).double().mean().item()
        expected = [loss.item(), error, 0.1 * min(1, (step + 1) / 8), *norms]
        assert telemetry[step] == pytest.approx(expected, rel=1e-5), f"step {step}"


def test_equal_experiments_give_equal_bits_alone_and_in_company():
    pair = {name: NETWORKS[name] for name in ("plain", "pre-activation")}
    experiment = Experiment(contestants=pair, recipe=Recipe(epochs=1, device="cpu"))
    (first, events), (second, _) = race(experiment), race(experiment)
    alone, _ = race(Experiment(contestants={"plain": NETWORKS["plain"]}, recipe=experiment.recipe))
    for name in pair:
        assert first[name].tobytes() == second[name].tobytes() == raced()[0][name][:12].tobytes()
    assert alone["plain"].tobytes() == first["plain"].tobytes()
    assert not any(isinstance(message, Failed) for message in events)


def test_another_seed_gives_other_numbers():
    recipe = Recipe(epochs=1, seed=1, device="cpu")
    other, _ = race(Experiment(contestants={"plain": NETWORKS["plain"]}, recipe=recipe))
    assert not np.allclose(other["plain"][0], raced()[0]["plain"][0])


def test_a_plain_twin_starts_from_the_same_weights():
    residual = preset("tiny_resnet20")
    mine, twins = build(residual, seed=4).state_dict(), build(plain_twin(residual), seed=4).state_dict()
    assert list(mine) == list(twins)
    assert all(torch.equal(mine[key], twins[key]) for key in mine)


def test_each_contestant_is_evaluated_at_the_start_and_after_each_epoch():
    telemetry, events = raced()
    for name in NETWORKS:
        found = [(e.step, e.epoch) for e in events if isinstance(e, Evaluated) and e.contestant == name]
        assert found == [(0, 0), (12, 1), (24, 2)]
        assert len(telemetry[name]) == 24
    assert all(0 <= e.train_error <= 1 and 0 <= e.test_error <= 1 for e in events if isinstance(e, Evaluated))


def test_residual_56_trains_where_plain_56_does_not():
    """The race of the landing page: He 2016a's degradation on digits, at least 20 points of train error apart."""
    contestants = {"plain": preset("tiny_plain56"), "residual": preset("tiny_resnet56")}
    _, events = race(Experiment(contestants=contestants, recipe=Recipe(device="cpu")))
    last = {e.contestant: e for e in events if isinstance(e, Evaluated) and e.step == 96}
    assert last["plain"].train_error - last["residual"].train_error >= 0.2
    assert last["residual"].train_error < 0.05


def test_numbers_that_are_not_finite_end_the_race_with_step_layer_and_rate():
    contestants = {"wild": small("wild", norm="none"), "tame": NETWORKS["residual"]}
    recipe = Recipe(epochs=4, learning_rate=100, warmup_steps=0, device="cpu")
    telemetry, events = race(Experiment(contestants=contestants, recipe=recipe))
    failed = [event for event in events if isinstance(event, Failed)]
    assert [event.contestant for event in failed] == ["wild"]
    rows = telemetry["wild"]
    assert np.isfinite(rows[:-1]).all() and not np.isfinite(rows[-1]).all()
    assert f"wild failed at step {len(rows) - 1}: the loss is " in failed[0].reason
    assert failed[0].reason.endswith("try a learning rate below 100.")
    assert len(telemetry["tame"]) < 48


def test_the_sentence_names_the_first_layer_in_forward_order():
    signals = ("loss", "train_error", "lr", "grad_norm/conv1", "grad_norm/fc", "input_grad/layer1.0")
    row = np.array([np.nan, 0.9, 0.1, np.inf, np.nan, np.nan], dtype=np.float32)
    assert not_finite("plain", 7, signals, row) == (
        "plain failed at step 7: the loss is nan and the gradient of conv1 is not finite, the first of 2 such layers; "
        "try a learning rate below 0.1."
    )
    row = np.array([2.3, 0.9, 0.1, 1.0, np.inf, 1.0], dtype=np.float32)
    assert not_finite("plain", 0, signals, row) == (
        "plain failed at step 0: the loss is still finite and the gradient of fc is not; try a learning rate below 0.1."
    )


def test_what_breaks_in_one_contestant_ends_all_with_a_sentence(monkeypatch):
    experiment = Experiment(contestants=NETWORKS, recipe=Recipe(epochs=2, device="cpu"))

    def broken(self, rate):
        raise RuntimeError("the optimizer is broken\nand here is a long trace")

    monkeypatch.setattr("resnet_viz.train.engine.EagerEngine.update", broken)
    telemetry, events = race(experiment)
    reasons = [event.reason for event in events if isinstance(event, Failed)]
    assert "plain stopped: the optimizer is broken" in reasons
    assert all(reason.endswith("stopped: the optimizer is broken") for reason in reasons)
    assert all(len(rows) == 1 for rows in telemetry.values())


@pytest.mark.skipif(torch.cuda.is_available(), reason="asks what happens without CUDA")
def test_cuda_without_a_device_is_refused():
    experiment = Experiment(contestants={"a": NETWORKS["plain"]}, recipe=Recipe(device="cuda"))
    with pytest.raises(SpecError) as refused:
        Race(experiment, {"a": ["conv1"]})
    assert str(refused.value) == "This machine has no CUDA device that torch can use: choose the device cpu or auto."


@pytest.mark.cuda
@pytest.mark.parametrize("name", NETWORKS)
def test_the_gpu_gives_the_cpus_numbers_within_rounding(name):
    found = {}
    for device in ("cpu", "cuda"):
        recipe = Recipe(epochs=1, device=device)
        telemetry, _ = race(Experiment(contestants={name: NETWORKS[name], "other": NETWORKS["plain"]}, recipe=recipe))
        found[device] = telemetry[name]
    assert found["cuda"][0] == pytest.approx(found["cpu"][0], rel=1e-4, abs=1e-6)
    assert found["cuda"][3, 0] == pytest.approx(found["cpu"][3, 0], rel=1e-2)
    assert len(found["cuda"]) == 12
