"""The two ways of the gradient against the blocks written out as functions, with autograd's own products."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from resnet_viz.instruments import gradient_shares
from resnet_viz.nn import build
from resnet_viz.spec import Block, Network, Stage, preset
from tests.instruments.test_lesion import images, shaken

LABELS = torch.tensor([0, 1, 2, 3, 4, 5])


def through(model: torch.nn.Module, path: str, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The input of one block, and the gradient of the loss with respect to what its addition gives."""
    kept = {}
    unit = model.get_submodule(path)
    handles = [
        unit.register_forward_pre_hook(lambda m, args: kept.update(enters=args[0].detach())),
        unit.add.register_forward_hook(lambda m, args, out: kept.update(sum=out)),
    ]
    loss = functional.cross_entropy(model(x), LABELS)
    for handle in handles:
        handle.remove()
    return kept["enters"], torch.autograd.grad(loss, kept["sum"])[0]


@pytest.mark.parametrize("shortcut", ["A", "B", "C"])
def test_both_ways_are_vector_jacobian_products(shortcut: str) -> None:
    small, block = preset("tiny_resnet8"), Block.model_validate({"width": 8, "shortcut": shortcut, "alpha": 0.75})
    wide = block.model_copy(update={"width": 16})
    network = Network(
        input=small.input, stem=small.stem, stages=(Stage(blocks=2, block=block), Stage(stride=2, block=wide))
    )
    model, x = shaken(network), images(network)
    found = gradient_shares(model, x, LABELS)
    assert [row.path for row in found] == ["layer1.0", "layer1.1", "layer2.0"]
    for row in found:
        unit = model.get_submodule(row.path)
        enters, arrived = through(model, row.path, x)
        enters.requires_grad_()
        around = enters if unit.shortcut == "identity" else (unit.pad if shortcut == "A" else unit.downsample)(enters)
        side = 0.75 * around
        branch = unit.bn2(unit.conv2(torch.relu(unit.bn1(unit.conv1(enters)))))
        one, other = (torch.autograd.grad(way, enters, arrived)[0] for way in (side, branch))
        total = one + other
        assert row.shortcut == pytest.approx(one.norm().item(), rel=1e-4)
        assert row.branch == pytest.approx(other.norm().item(), rel=1e-4)
        assert row.total == pytest.approx(total.norm().item(), rel=1e-4)
        assert row.share == pytest.approx(((one * total).sum() / total.square().sum()).item(), rel=1e-4)
        assert row.identity == (unit.shortcut != "projection")


def test_a_plain_block_gets_all_through_its_branch() -> None:
    network = preset("tiny_plain8")
    for row in gradient_shares(shaken(network), images(network), LABELS):
        assert (row.share, row.shortcut, row.identity) == (0, 0, False)
        assert row.branch == pytest.approx(row.total) and row.total > 0


def test_a_branch_of_zero_leaves_it_all_to_the_identity() -> None:
    network = preset("tiny_resnet20")
    zero = network.model_copy(update={"init": network.init.model_copy(update={"zero_last": True})})
    for row in gradient_shares(build(zero), images(network), LABELS):
        assert (row.share, row.branch) == (pytest.approx(1), 0)


@pytest.mark.parametrize("fields", [
    {"merge": "highway"}, {"merge": "shortcut_gate"}, {"order": "preactivation", "shortcut": "C"}, {"branch": "paths"},
    {"order": "preactivation"}, {"branch": "bottleneck", "attention": "squeeze_excitation"},
])  # fmt: skip
def test_every_kind_of_block_is_measured_and_left_as_it_was(fields: dict[str, str]) -> None:
    small, block = preset("tiny_resnet8"), Block.model_validate({"width": 8} | fields)
    stem = small.stem.model_copy(update={"activated": not block.preactivated})
    network = Network(input=small.input, stem=stem, stages=(Stage(blocks=2, block=block),))
    model, x = shaken(network), images(network)
    before = model(x)
    for row in gradient_shares(model, x, LABELS):
        assert row.total > 0 and row.branch > 0
        assert abs(row.branch - row.shortcut) <= row.total + 1e-9
        assert row.share + row.branch_share == pytest.approx(1, abs=1e-5)
    assert torch.equal(model(x), before)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(not module._forward_pre_hooks for module in model.modules())
