"""Lesions against the blocks written out: a forward pass that leaves them out, or takes them in another order."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from resnet_viz.data import load
from resnet_viz.instruments import block_paths, error_of, exchangeable, lesions, permuted, restated, without
from resnet_viz.nn import build
from resnet_viz.spec import Block, Network, Stage, preset
from resnet_viz.spec.presets.layouts import cifar


def shaken(network: Network, seed: int = 0) -> nn.Module:
    """A network whose norms have run and whose scales are not all one."""
    model = build(network, seed=seed)
    source = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=source))
        model.train()(torch.rand(64, *shape(network), generator=source))
    return model.eval()


def shape(network: Network) -> tuple[int, int, int]:
    return network.input.channels, network.input.height, network.input.width


def images(network: Network, count: int = 6) -> torch.Tensor:
    return torch.rand(count, *shape(network), generator=torch.Generator().manual_seed(7))


def by_hand(model: nn.Module, x: torch.Tensor, missing: set[str]) -> torch.Tensor:
    """A residual network of basic blocks in the original order, block by block (He 2016a, eq. 1)."""
    x = torch.relu(model.bn1(model.conv1(x)))
    for path in block_paths(model):
        unit = model.get_submodule(path)
        around = unit.pad(x) if unit.shortcut == "padded" else x
        if unit.shortcut == "projection":
            around = unit.downsample(x)
        branch = unit.bn2(unit.conv2(torch.relu(unit.bn1(unit.conv1(x)))))
        x = torch.relu(around if path in missing else branch + around)
    return model.fc(x.mean((2, 3)))


@pytest.mark.parametrize("name", ["tiny_resnet20", "resnet18"])
@pytest.mark.parametrize("missing", [(), ("layer1.1",), ("layer2.0", "layer3.0", "layer1.0")])
def test_a_deleted_block_is_its_shortcut(name: str, missing: tuple[str, ...]) -> None:
    network = preset(name).model_copy(update={"input": preset("tiny_resnet8").input}) if "tiny" in name else (
        cifar("small", 20, width=8, shape=Block(shortcut="B"), image=preset("tiny_resnet8").input)
    )  # fmt: skip
    model, x = shaken(network), images(network)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with torch.no_grad():
        assert torch.allclose(without(model, missing)(x), by_hand(model, x, set(missing)), atol=1e-5)
        assert torch.equal(without(model, ())(x), model(x))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert model.layer1[1].add.beta == 1


def test_a_deleted_plain_block_leaves_the_identity_or_padding() -> None:
    network = preset("tiny_plain20")
    model, x = shaken(network), images(network)
    with torch.no_grad():
        found = without(model, ["layer1.2", "layer2.0"])(x)
        y = torch.relu(model.bn1(model.conv1(x)))
        y = model.layer1[1](model.layer1[0](y))
        y = nn.functional.pad(y[:, :, ::2, ::2], (0, 0, 0, 0, 0, 8))
        y = model.layer3(model.layer2[2](model.layer2[1](y)))
        assert torch.allclose(found, model.fc(y.mean((2, 3))), atol=1e-5)
    narrowing = Network(stages=(Stage(block=Block(merge="none", width=8)),))
    with pytest.raises(ValueError) as refused:
        without(build(narrowing), ["layer1.0"])
    assert str(refused.value) == "layer1.0 is plain and narrows from 16 to 8 channels: nothing leads past it"


def test_what_is_no_block_is_refused() -> None:
    with pytest.raises(ValueError) as refused:
        without(build(preset("tiny_resnet8")), ["layer9.0"])
    assert str(refused.value) == "there is no block 'layer9.0': blocks are called layer1.0, layer2.0, layer3.0, ..."


def test_swapped_blocks_run_in_the_other_order() -> None:
    network = preset("tiny_resnet20")
    model, x = shaken(network), images(network)
    assert exchangeable(model) == (
        ("layer1.0", "layer1.1", "layer1.2"), ("layer2.1", "layer2.2"), ("layer3.1", "layer3.2"),
    )  # fmt: skip
    with torch.no_grad():
        swapped = permuted(model, {"layer1.0": "layer1.2", "layer1.2": "layer1.0"})(x)
        y = torch.relu(model.bn1(model.conv1(x)))
        y = model.layer1[0](model.layer1[1](model.layer1[2](y)))
        assert torch.equal(swapped, model.fc(torch.flatten(model.avgpool(model.layer3(model.layer2(y))), 1)))
        assert torch.equal(permuted(model, {})(x), model(x))


@pytest.mark.parametrize("moves", [{"layer1.0": "layer2.1", "layer2.1": "layer1.0"}, {"layer2.0": "layer2.0"}])
def test_blocks_of_other_shapes_keep_their_place(moves: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"belong to different stages or change the shape"):
        permuted(build(preset("tiny_resnet20")), moves)


def test_no_block_may_get_lost() -> None:
    with pytest.raises(ValueError, match=r"each block that leaves its place has to be put into another one"):
        permuted(build(preset("tiny_resnet20")), {"layer1.0": "layer1.1"})


@pytest.mark.parametrize("block", [
    Block(branch="paths", width=8), Block(branch="bottleneck", width=4, shortcut="C"), Block(merge="highway", width=8),
    Block(order="preactivation", width=8, attention="squeeze_excitation"), Block(branch="paths", merge="none", width=8),
])  # fmt: skip
def test_every_kind_of_block_can_be_deleted_and_swapped(block: Block) -> None:
    network = Network(
        input=preset("tiny_resnet8").input,
        stem=preset("tiny_resnet8").stem.model_copy(update={"activated": not block.preactivated}),
        stages=(Stage(blocks=3, stride=2, block=block), Stage(blocks=2, stride=2, block=block)),
    )
    model, x = shaken(network), images(network)
    for path in block_paths(model):
        scores = without(model, [path])(x)
        assert scores.isfinite().all() and not torch.equal(scores, model(x))
    assert exchangeable(model) == (("layer1.1", "layer1.2"), ("layer2.1",))
    assert permuted(model, {"layer1.1": "layer1.2", "layer1.2": "layer1.1"})(x).isfinite().all()


def test_restated_norms_have_the_mean_and_variance_of_what_enters_them() -> None:
    network = preset("tiny_resnet8")
    model, x = shaken(network), load("digits").train_x[:200]
    found = restated(model, x)
    # With exact statistics, evaluation gives nearly what training mode gives: its variance divides by n, not n - 1.
    twin = copy.deepcopy(model).train()
    with torch.no_grad():
        assert torch.allclose(found(x), twin(x), atol=1e-2)
        first = model.conv1(x)
    assert torch.allclose(found.bn1.running_mean, first.mean((0, 2, 3)), atol=1e-5)
    assert torch.allclose(found.bn1.running_var, first.var((0, 2, 3)), atol=1e-5)
    chunked = restated(model, x, chunk=100)
    halves = torch.stack([half.var((0, 2, 3)) for half in first.split(100)]).mean(0)
    assert torch.allclose(chunked.bn1.running_var, halves, atol=1e-5)
    assert not found.training and not model.training


def test_lesions_come_one_by_one_with_both_statistics() -> None:
    network, data = preset("tiny_resnet8"), load("digits")
    model = shaken(network)
    x, y = data.test_x, data.test_y
    groups = [(), ("layer2.0",), ("layer2.0", "layer3.0")]
    found = lesions(model, iter(groups), data.train_x[:300], x, y)
    for group in groups:
        lesion, wounded = next(found), without(model, group)
        assert lesion.paths == group
        assert lesion.running == error_of(wounded, x, y)
        assert lesion.restated == error_of(restated(wounded, data.train_x[:300]), x, y)
    with torch.no_grad():
        assert lesion.running == pytest.approx((wounded(x).argmax(1) != y).double().mean().item())
        assert error_of(wounded, x, y, chunk=50) == lesion.running
