"""Our networks are torchvision's: same keys in the same order, same shapes, and with its weights the same outputs."""

from __future__ import annotations

import re
from types import ModuleType

import pytest
import torch

from resnet_viz.nn import build
from resnet_viz.spec import preset, preset_info

NAMES = ("resnet18", "resnet34", "resnet50", "resnext50_32x4d")


@pytest.mark.parametrize("name", NAMES)
def test_state_dict_has_torchvisions_keys_in_its_order(tv: ModuleType, name: str) -> None:
    with torch.device("meta"):
        theirs = getattr(tv, name)().state_dict()
    ours = build(preset(name), "meta").state_dict()
    assert [(key, value.shape) for key, value in ours.items()] == [(key, value.shape) for key, value in theirs.items()]


@pytest.mark.parametrize("name", NAMES)
def test_parameter_count_is_what_torchvision_publishes(tv: ModuleType, name: str) -> None:
    published = tv.get_model_weights(name).DEFAULT.meta["num_params"]
    assert sum(parameter.numel() for parameter in build(preset(name), "meta").parameters()) == published
    assert preset_info(name).parameters == published


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_torchvisions_with_its_weights(tv: ModuleType, name: str, training: bool) -> None:
    torch.manual_seed(5)
    theirs = getattr(tv, name)()
    with torch.no_grad():
        for key, value in theirs.state_dict().items():
            if re.search(r"(bn\d|downsample\.1)\.(weight|bias|running_mean)$", key):
                value.add_(0.1 * torch.randn_like(value))
    ours = build(preset(name), seed=1)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    images = torch.randn(2, 3, 64, 48)
    with torch.no_grad():
        expected, got = theirs.train(training)(images), ours.train(training)(images)
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)
    assert expected.std() > 0.05


def test_convolutions_start_as_torchvisions_do(tv: ModuleType) -> None:
    """Same distribution, not the same numbers: standard deviations of each convolution within five per cent."""
    torch.manual_seed(6)
    theirs = dict(tv.resnet18().named_parameters())
    for name, ours in build(preset("resnet18"), seed=3).named_parameters():
        if ours.dim() == 4:
            assert ours.std().item() == pytest.approx(theirs[name].std().item(), rel=0.05), name
