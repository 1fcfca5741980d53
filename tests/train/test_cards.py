"""What is said of contestants before they train."""

import pytest

from resnet_viz.inspect import layers
from resnet_viz.nn import build
from resnet_viz.spec import Block, Experiment, Network, Stage, plain_twin, preset
from resnet_viz.train import role_names
from resnet_viz.train.cards import cards, describe_blocks


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tiny_plain56", "3 × 9 basic blocks, no shortcut"),
        ("tiny_resnet56", "3 × 9 basic blocks, shortcut A"),
        ("resnet50", "3 + 4 + 6 + 3 bottleneck blocks, shortcut B"),
        ("resnext50_32x4d", "3 + 4 + 6 + 3 bottleneck blocks, 32 groups, shortcut B"),
        ("preact_resnet110", "3 × 18 pre-activation basic blocks, shortcut A"),
    ],
)
def test_blocks_in_a_few_words(name, words):
    assert describe_blocks(preset(name)) == words


def test_stages_of_several_kinds_are_called_mixed():
    network = preset("tiny_resnet8")
    last = network.stages[2].model_copy(update={"block": network.stages[2].block.model_copy(update={"norm": "none"})})
    mixed = network.model_copy(update={"stages": (*network.stages[:2], last)})
    assert describe_blocks(mixed) == "3 × 1 basic blocks, shortcut A, mixed"
    single = network.model_copy(update={"stages": network.stages[:1]})
    assert describe_blocks(single) == "1 basic block, shortcut A"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"merge": "highway"}, "1 basic block, highway gates"),
        ({"merge": "shortcut_gate", "branch": "paths"}, "1 parallel-path block, gated shortcut"),
        ({"attention": "squeeze_excitation", "alpha": 0.5, "beta": 0.5},
         "1 basic block, squeeze-excitation, shortcut B, 0.5 F(x) + 0.5 x"),
        ({"merge": "none", "alpha": 0.5}, "1 basic block, no shortcut"),
    ],
)  # fmt: skip
def test_gates_attention_and_strengths_are_named(fields, words):
    assert describe_blocks(Network(stages=(Stage(block=Block(**fields)),))) == words


def test_roles_go_to_the_first_plain_and_the_first_residual_network():
    plain, residual = preset("tiny_plain8"), preset("tiny_resnet8")
    assert role_names({"a": residual, "b": plain}) == {"a": "residual", "b": "plain"}
    assert role_names({"a": plain, "b": plain, "c": residual, "d": residual}) == {
        "a": "plain", "b": "third", "c": "residual", "d": "fourth",
    }  # fmt: skip
    six = role_names(dict.fromkeys("abcde", residual) | {"f": plain})
    assert list(six.values()) == ["residual", "third", "fourth", "fifth", "sixth", "plain"]
    only = role_names(dict.fromkeys("abcdef", residual))
    assert list(only.values()) == ["residual", "third", "fourth", "fifth", "sixth", "plain"]


def test_cards_name_every_measured_layer_and_signal():
    residual = preset("tiny_resnet56")
    plain, other = cards(Experiment(contestants={"p": plain_twin(residual), "r": residual}))
    assert (plain["name"], plain["role"], other["name"], other["role"]) == ("p", "plain", "r", "residual")
    for card, network in ((plain, plain_twin(residual)), (other, residual)):
        paths = [layer.path for layer in layers(network)]
        assert card["network_name"] == network.name
        assert card["parameters"] == sum(weight.numel() for weight in build(network).parameters())
        assert [layer["path"] for layer in card["layers"]] == paths
        assert len(paths) == 56
        norms = [f"grad_norm/{path}" for path in paths]
        blocks = [f"input_grad/layer{stage}.{block}" for stage in (1, 2, 3) for block in range(9)]
        assert card["signals"] == ["loss", "train_error", "lr", *norms, *blocks]
