"""Shrunk branches against what the scaled layers must give."""

from __future__ import annotations

import pytest
import torch

from resnet_viz.instruments import shrunk, without
from resnet_viz.spec import Block, Network, Stage, preset
from tests.instruments.test_lesion import images, shaken


@pytest.mark.parametrize("order", ["original", "preactivation", "relu_only_preactivation"])
@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0])
def test_the_branch_itself_is_scaled(order: str, scale: float) -> None:
    small = preset("tiny_resnet8")
    block = Block.model_validate({"width": 8, "order": order, "shortcut": "A"})
    stem = small.stem.model_copy(update={"activated": not block.preactivated})
    network = Network(input=small.input, stem=stem, stages=(Stage(blocks=2, block=block),))
    model, x = shaken(network), images(network)
    found = shrunk(model, scale)
    with torch.no_grad():
        for i in range(2):
            model.layer1[i].add.beta = scale
        assert torch.allclose(found(x), model(x), atol=1e-5)


def test_at_zero_a_residual_network_is_its_chain_of_shortcuts_and_a_plain_one_constant() -> None:
    network = preset("tiny_resnet20")
    model, x = shaken(network), images(network)
    paths = [path for path, _ in model.named_modules() if path.startswith("layer") and path.count(".") == 1]
    with torch.no_grad():
        assert torch.equal(shrunk(model, 0)(x), without(model, paths)(x))
        plain = shrunk(shaken(preset("tiny_plain20")), 0)(x)
    assert plain.std(0).max() == 0


def test_convolutions_are_scaled_in_the_branch_only() -> None:
    network = preset("tiny_resnet8")
    wide = Block.model_validate({"width": 16, "shortcut": "B", "merge": "highway", "attention": "squeeze_excitation"})
    network = network.model_copy(update={"stages": (Stage(stride=2, block=wide),)})
    model = shaken(network)
    found = shrunk(model, 0.25, "convs").state_dict()
    for name, value in model.state_dict().items():
        scaled = name.startswith(("layer1.0.conv1", "layer1.0.conv2"))
        assert torch.equal(found[name], 0.25 * value if scaled else value), name


def test_batch_statistics_undo_what_running_ones_do_not() -> None:
    network = preset("tiny_plain8")
    model, x = shaken(network), images(network, 64)
    small = shrunk(model, 0.5, "convs")
    with torch.no_grad():
        assert not torch.allclose(small(x), model(x), atol=0.1)
        assert torch.allclose(small.train()(x), model.train()(x), atol=0.02)
