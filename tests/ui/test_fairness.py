"""The fair-test contract against the modules that torch really builds."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch

from resnet_viz.nn import build
from resnet_viz.nn.initialisers import SCHEMES
from resnet_viz.spec import Init, Network, fit_to_dataset, plain_twin, preset, presets
from resnet_viz.spec.network import Scheme
from resnet_viz.spec.plans import weight_shapes
from resnet_viz.ui.fairness import all_differences, contract, shared_weights
from resnet_viz.ui.race_state import default_experiment, start_from, with_network, with_recipe, without


@pytest.mark.parametrize("name", [n for n in presets() if n != "cifar_resnet1202"])
@pytest.mark.parametrize("fitted", [False, True])
def test_shapes_are_those_of_the_built_module(name: str, fitted: bool) -> None:
    network = fit_to_dataset(preset(name), "digits")[0] if fitted else preset(name)
    built = {
        path.removesuffix(".weight"): tuple(p.shape)
        for path, p in build(network, "meta").state_dict().items()
        if path.endswith(".weight") and (p.dim() == 4 or p.dim() == 2)
    }
    assert dict(weight_shapes(network)) == built


@pytest.mark.parametrize("shortcut", ["A", "B", "C"])
def test_shared_weights_are_equal_in_the_built_modules(shortcut: str) -> None:
    net = preset("tiny_resnet8")
    stages = tuple(
        s.model_copy(update={"block": s.block.model_copy(update={"shortcut": shortcut})}) for s in net.stages
    )
    net = net.model_copy(update={"stages": stages})
    first, second = build(plain_twin(net), seed=5).state_dict(), build(net, seed=5).state_dict()
    shared = shared_weights(plain_twin(net), net)
    for path in shared.same:
        assert torch.equal(first[f"{path}.weight"], second[f"{path}.weight"])
    assert shared.only_first == ()
    projections = {"A": (), "B": ("layer2.0", "layer3.0"), "C": ("layer1.0", "layer2.0", "layer3.0")}[shortcut]
    assert shared.only_second == tuple(f"{path}.downsample.0" for path in projections)


def narrow(network: Network) -> Network:
    """The same layers with an eighth of their channels: orthogonal matrices of 2,048 take seconds each."""
    stages = []
    for stage in network.stages:
        block = stage.block
        groups = {"cardinality": 4, "base_width": 16} if block.cardinality > 1 else {}
        stages.append(
            stage.model_copy(update={"block": block.model_copy(update={"width": max(block.width // 8, 8), **groups})})
        )
    stem = network.stem.model_copy(update={"width": max(network.stem.width // 8, 8)})
    return network.model_copy(update={"stages": tuple(stages), "stem": stem})


@pytest.mark.parametrize(("first", "second"), list(combinations(SCHEMES, 2)))
@pytest.mark.parametrize("name", ["tiny_plain8", "resnet18", "resnext50_32x4d"])
def test_two_schemes_share_what_they_draw_alike(name: str, first: Scheme, second: Scheme) -> None:
    net = narrow(fit_to_dataset(preset(name), "digits")[0])
    left, right = (net.model_copy(update={"init": Init(scheme=scheme)}) for scheme in (first, second))
    one, other = (build(network, seed=3).state_dict() for network in (left, right))
    equal = [path for path in weight_shapes(net) if torch.equal(one[f"{path}.weight"], other[f"{path}.weight"])]
    assert list(shared_weights(left, right).same) == equal
    if {first, second} == {"kaiming_fan_in", "kaiming_fan_out"}:
        assert "fc" in equal
        assert len(equal) > 1


def test_the_contract_names_what_two_schemes_share() -> None:
    net = preset("tiny_plain8")
    other = net.model_copy(update={"init": Init(scheme="kaiming_fan_in"), "name": "x"})
    race, _ = with_network(start_from(net)[0], 1, other)
    assert contract(race)[-1] == "Same initial weights: 5 layers of plain-8 and x; not 3 of plain-8 and 3 of x."


def test_the_contract_of_the_default_race() -> None:
    assert contract(default_experiment()) == (
        "Seed 0 for all: initial weights and batch order come from it.",
        "Same batches in the same order: Digits, 8 × 8, 1,500 training images in batches of 128.",
        "Same budget: 8 epochs of 12 steps, 96 steps each.",
        "Same recipe: SGD, learning rate 0.1 after 8 warm-up steps, momentum 0.9, weight decay 0.0001, "
        "schedule constant.",
        "Same initial weights: all 56 layers of plain-56 and residual-56.",
    )
    assert all_differences(default_experiment()) == [
        {"Field": "every stage: merge", "plain-56": "none", "residual-56": "add"},
        {"Field": "every stage: shortcut", "plain-56": "-", "residual-56": "A"},
    ]


def test_the_contract_says_what_is_unusual_in_loss_and_labels() -> None:
    race = with_recipe(default_experiment(), loss="double_softmax", train_images=200, label_noise=0.2)
    said = contract(race)
    assert said[1].endswith("Digits, 8 × 8, 200 training images in batches of 128.")
    assert said[2] == "Same budget: 8 epochs of 2 steps, 16 steps each."
    assert said[4:6] == (
        "Same loss: a softmax, then a cross-entropy that has a softmax of its own.",
        "Same wrong labels: 20 % of the training labels name another class.",
    )


def test_differences_of_three() -> None:
    race, _ = with_network(default_experiment(), 2, preset("tiny_resnet20"))
    rows = {row.pop("Field"): row for row in all_differences(race)}
    assert rows["every stage: blocks"] == {"plain-56": "9", "residual-56": "9", "residual-20": "3"}
    assert rows["every stage: merge"] == {"plain-56": "none", "residual-56": "add", "residual-20": "add"}


def test_the_contract_names_what_is_not_shared() -> None:
    race, _ = start_from(preset("resnet18"))
    assert contract(race)[-1] == "Same initial weights: 18 layers of plain18 and resnet18; not 3 of resnet18."
    mixed, _ = with_network(default_experiment(), 1, preset("tiny_resnet8"))
    assert contract(mixed)[-1] == "Same initial weights: 8 layers of plain-56 and residual-8; not 48 of plain-56."
    strange = preset("tiny_resnet8").model_copy(update={"init": Init(scheme="xavier"), "name": "x"})
    assert contract(with_network(mixed, 1, strange)[0])[-1] == "plain-56 and x share no initial weights."


def test_one_contestant_differs_from_nobody() -> None:
    alone = without(default_experiment(), 0)
    assert all_differences(alone) == []
    assert len(contract(alone)) == 4
