"""Evaluation against the same thing done slowly: statistics by hand, layer by layer."""

import copy

import pytest
import torch
from torch import nn

from resnet_viz.data import load
from resnet_viz.nn import build
from resnet_viz.spec import Block, preset
from resnet_viz.train.engine import EagerEngine, widest_map
from resnet_viz.train.evaluation import Evaluator


def slow_errors(model: nn.Module, data) -> tuple[float, float]:
    """Batch norms get the mean and variance of what enters them on the whole training set, first layer first."""
    model = copy.deepcopy(model).eval()
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        seen = []
        handle = norm.register_forward_pre_hook(lambda module, args, seen=seen: seen.append(args[0].detach()))
        with torch.no_grad():
            model(data.train_x)
        handle.remove()
        norm.running_mean.copy_(seen[0].mean((0, 2, 3)))
        norm.running_var.copy_(seen[0].var((0, 2, 3), correction=1))
    with torch.no_grad():
        return tuple(
            (model(x).argmax(1) != y).double().mean().item()
            for x, y in ((data.train_x, data.train_y), (data.test_x, data.test_y))
        )


@pytest.fixture(scope="module")
def trained():
    """A residual-8 after ten steps: its running averages are far behind its weights."""
    from resnet_viz.spec import Recipe

    network = preset("tiny_resnet8")
    engine = EagerEngine(network, Recipe(), load("digits"), ["conv1"], torch.device("cpu"))
    for step in range(10):
        engine.compute(step, 0.1)
        engine.update(0.1)
    return network, engine


def test_errors_are_those_with_statistics_of_the_whole_training_set(trained):
    _, engine = trained
    train, test = slow_errors(engine.model, load("digits"))
    # The train error is read from the pass that finds the statistics, whose variance divides by n instead of n - 1.
    found = engine.evaluate()
    assert found[0] == pytest.approx(train, abs=1.5 / 1500)
    assert found[1] == pytest.approx(test, abs=1.5 / 297)
    assert found[0] < 0.5


def test_evaluating_changes_nothing_and_gives_the_same_again(trained):
    _, engine = trained
    before = {name: value.clone() for name, value in engine.model.state_dict().items()}
    assert engine.evaluate() == engine.evaluate()
    assert engine.model.training
    assert all(torch.equal(value, before[name]) for name, value in engine.model.state_dict().items())


def test_several_chunks_give_nearly_the_same(trained, monkeypatch):
    network, engine = trained
    monkeypatch.setattr("resnet_viz.train.evaluation.VALUES", 400 * widest_map(network))
    chunked = Evaluator(engine.model, load("digits"), widest_map(network))
    assert chunked._chunk == 400
    assert chunked(engine.model) == pytest.approx(engine.evaluate(), abs=0.02)


def test_a_network_without_batch_norm_is_evaluated_as_it_is():
    small = preset("tiny_resnet8")
    stages = (small.stages[0].model_copy(update={"block": Block(width=8, norm="none", shortcut="A")}),)
    network = small.model_copy(update={"stages": stages, "stem": small.stem.model_copy(update={"norm": "none"})})
    model, data = build(network), load("digits")
    with torch.no_grad():
        expected = [
            (model.eval()(x).argmax(1) != y).sum().item() / len(y)
            for x, y in ((data.train_x, data.train_y), (data.test_x, data.test_y))
        ]
    assert list(Evaluator(model, data, widest_map(network))(model)) == expected
