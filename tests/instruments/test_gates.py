"""Gates against the formula by hand."""

from __future__ import annotations

import pytest
import torch

from resnet_viz.instruments import gate_means
from resnet_viz.nn import build
from resnet_viz.spec import Block, Network, Stage, preset
from tests.instruments.test_lesion import images, shaken


def gated(merge: str, bias: float = -1.0) -> Network:
    small, block = preset("tiny_resnet8"), Block.model_validate({"width": 8, "merge": merge, "gate_bias": bias})
    wide = block.model_copy(update={"width": 16})
    return small.model_copy(update={"stages": (Stage(blocks=2, block=block), Stage(stride=2, block=wide))})


@pytest.mark.parametrize("merge", ["highway", "shortcut_gate"])
def test_a_mean_gate_is_that_of_the_sigmoid(merge: str) -> None:
    network = gated(merge)
    model, x = shaken(network), images(network)
    found = gate_means(model, x)
    assert [(gate.path, gate.stage, gate.block) for gate in found] == [
        ("layer1.0", 1, 1), ("layer1.1", 1, 2), ("layer2.0", 2, 1),
    ]  # fmt: skip
    with torch.no_grad():
        y = torch.relu(model.bn1(model.conv1(x)))
        for gate in found:
            unit = model.get_submodule(gate.path)
            conv = unit.gate.conv
            values = 1 / (1 + torch.exp(-torch.conv2d(y, conv.weight, conv.bias, conv.stride, conv.padding).double()))
            assert gate.mean == pytest.approx(values.mean().item(), rel=1e-5)
            assert gate.deviation == pytest.approx((values**2).mean().sub(values.mean() ** 2).sqrt().item(), rel=1e-4)
            y = unit(y)


def test_a_gate_starts_near_its_bias_and_its_mean_grows_with_it() -> None:
    network = gated("highway", -3)
    means = [gate_means(build(gated("highway", bias)).eval(), images(network))[0].mean for bias in (-5, -3, -1, 0)]
    assert means == sorted(means)


def test_there_is_none_without_gates_and_no_hook_stays() -> None:
    assert gate_means(build(preset("tiny_resnet8")), images(preset("tiny_resnet8"))) == ()
    network = gated("highway")
    model = shaken(network)
    gate_means(model, images(network))
    assert all(not module._forward_hooks for module in model.modules())
