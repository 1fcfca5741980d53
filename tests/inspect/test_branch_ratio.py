"""Branch over shortcut, against norms taken by hand from a block's own layers."""

from __future__ import annotations

import pytest
import torch

from resnet_viz.inspect.branch_ratio import branch_ratios
from resnet_viz.nn import build
from resnet_viz.spec import preset


def test_ratios_are_those_of_the_blocks_own_values() -> None:
    model = build(preset("cifar_resnet20"), seed=1).eval()
    images = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    rows, scores = branch_ratios(model, images)
    assert [(row.path, row.stage, row.block) for row in rows[:4]] == [
        ("layer1.0", 1, 1), ("layer1.1", 1, 2), ("layer1.2", 1, 3), ("layer2.0", 2, 1),
    ]  # fmt: skip
    assert len(rows) == 9
    with torch.no_grad():
        torch.testing.assert_close(scores, model(images))
        x = model.relu(model.bn1(model.conv1(images)))
        unit = model.layer1[0]
        branch = unit.bn2(unit.conv2(unit.relu(unit.bn1(unit.conv1(x)))))
    assert rows[0].branch == pytest.approx(float(branch.norm()), rel=1e-5)
    assert rows[0].shortcut == pytest.approx(float(x.norm()), rel=1e-5)
    assert rows[0].ratio == pytest.approx(float(branch.norm() / x.norm()), rel=1e-5)
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_strengths_count_and_projections_are_named() -> None:
    network = preset("resnet18")
    stages = tuple(
        stage.model_copy(update={"block": stage.block.model_copy(update={"alpha": 0.5, "beta": 2.0})})
        for stage in network.stages
    )
    images = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    plain, _ = branch_ratios(build(network, seed=1).eval(), images)
    scaled, _ = branch_ratios(build(network.model_copy(update={"stages": stages}), seed=1).eval(), images)
    assert scaled[0].ratio == pytest.approx(4 * plain[0].ratio, rel=1e-5)
    assert [row.projection for row in plain] == [False, False, True, False, True, False, True, False]


def test_a_plain_network_has_none() -> None:
    rows, _ = branch_ratios(build(preset("tiny_plain8")).eval(), torch.zeros(1, 1, 8, 8))
    assert rows == ()
