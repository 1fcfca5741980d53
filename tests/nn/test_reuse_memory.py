"""Layers that write over their inputs: the same bits forward and backward, in every kind of block."""

from __future__ import annotations

import torch
from hypothesis import HealthCheck, given, settings
from torch import nn

from resnet_viz.nn import Add, build, reuse_memory
from resnet_viz.spec import Block, Network, Stage, preset
from tests.strategies import networks


def bits(network: Network, reused: bool) -> list[torch.Tensor]:
    """Scores, all gradients and that of the images, of one training step."""
    model = build(network, seed=3).train()
    reuse_memory(model, reused)
    shape = (3, network.input.channels, network.input.height, network.input.width)
    images = torch.randn(shape, generator=torch.Generator().manual_seed(1)).requires_grad_()
    scores = model(images)
    torch.nn.functional.cross_entropy(scores, torch.zeros(3, dtype=torch.int64)).backward()
    assert images.grad is not None
    return [scores.detach(), images.grad, *(value.grad for value in model.parameters() if value.grad is not None)]


@given(networks())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_nothing_changes_in_any_network(network: Network) -> None:
    for one, other in zip(bits(network, False), bits(network, True), strict=True):
        assert torch.equal(one.nan_to_num(), other.nan_to_num())


def test_what_is_written_over_and_what_is_not() -> None:
    def kept(**fields: object) -> tuple[set[str], set[str]]:
        block = Block.model_validate({"branch": "basic", "width": 8, **fields})
        model = build(Network(stages=(Stage(blocks=2, block=block),)))
        reuse_memory(model)
        over = {name for name, layer in model.named_modules() if getattr(layer, "inplace", False)}
        sums = {name for name, layer in model.named_modules() if isinstance(layer, Add) and layer.over_branch}
        return over, sums

    inside, added = {"layer1.0.relu", "layer1.1.relu"}, {"layer1.0.add", "layer1.1.add"}
    assert kept() == ({"relu", *inside}, added)
    assert kept(order="preactivation") == ({"relu", *inside}, added)
    assert kept(order="relu_only_preactivation") == ({"relu"}, added), "its shortcut reads what the ReLU reads"
    assert kept(order="preactivation", norm="none") == ({"relu"}, added)
    assert kept(order="relu_before_addition") == ({"relu", *inside}, set()), "the ReLU's result is needed backward"
    assert kept(merge="highway") == ({"relu", *inside}, set())
    assert kept(activation="silu") == ({"relu"}, added), "SiLU needs its input backward"


def test_it_is_put_back() -> None:
    model = build(preset("tiny_resnet20"))
    reuse_memory(model)
    reuse_memory(model, False)
    assert not any(layer.inplace for layer in model.modules() if isinstance(layer, nn.ReLU))
    assert not any(layer.over_branch for layer in model.modules() if isinstance(layer, Add))


def test_a_sum_of_two_types_has_the_wider_one() -> None:
    add = Add()
    add.over_branch = True
    branch, around = torch.ones(2, dtype=torch.bfloat16), torch.full((2,), 1e-3)
    assert torch.equal(add(branch, around), torch.ones(2) + around)
    assert torch.equal(branch, torch.ones(2, dtype=torch.bfloat16)), "it was not written over"
