"""Our networks are torchvision's: same keys in the same order, same shapes, and with its weights the same outputs."""

from __future__ import annotations

import re
from types import ModuleType

import pytest
import torch

from resnet_viz.nn import build
from resnet_viz.nn.layers import SqueezeExcitation
from resnet_viz.spec import preset, preset_info

NAMES = (
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
    "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2",
)  # fmt: skip
RUN = ("resnet18", "resnet50", "resnext50_32x4d")
"""Basic, bottleneck and grouped blocks; the others are more of the same, as their keys and shapes show."""


@pytest.mark.parametrize("name", NAMES)
def test_state_dict_has_torchvisions_keys_in_its_order(tv: ModuleType, name: str) -> None:
    with torch.device("meta"):
        theirs = getattr(tv, name)().state_dict()
    ours = build(preset(name), "meta")
    assert [(key, value.shape) for key, value in ours.state_dict().items()] == [
        (key, value.shape) for key, value in theirs.items()
    ]
    ours.load_state_dict(theirs, strict=True)


@pytest.mark.parametrize("name", NAMES)
def test_layers_are_torchvisions(tv: ModuleType, name: str) -> None:
    """Stride, padding, groups, bias and eps of every layer: what keys and shapes do not show."""
    with torch.device("meta"):
        theirs = dict(getattr(tv, name)().named_modules())
    seen = 0
    for path, ours in build(preset(name), "meta").named_modules():
        if isinstance(ours, torch.nn.Conv2d | torch.nn.BatchNorm2d | torch.nn.Linear | torch.nn.MaxPool2d):
            assert repr(ours) == repr(theirs[path]), path
            seen += 1
    assert seen == sum(1 for key in build(preset(name), "meta").state_dict() if key.endswith(".weight")) + 1


@pytest.mark.parametrize("name", NAMES)
def test_published_figures_are_torchvisions(tv: ModuleType, name: str) -> None:
    first = next(w for w in tv.get_model_weights(name) if w.name == "IMAGENET1K_V1")
    info = preset_info(name)
    assert (
        info.parameters == first.meta["num_params"] == sum(p.numel() for p in build(preset(name), "meta").parameters())
    )
    assert info.published_macs == round(first.meta["_ops"], 2)
    said = {figure.protocol: figure.error for figure in info.figures} | {info.protocol: info.published_error}
    error = said["ImageNet top-1, 1-crop, torchvision's weights IMAGENET1K_V1"]
    assert error == pytest.approx(100 - first.meta["_metrics"]["ImageNet-1K"]["acc@1"], abs=1e-9)


@pytest.mark.parametrize("name", RUN)
def test_outputs_are_torchvisions_with_its_weights(tv: ModuleType, name: str) -> None:
    torch.manual_seed(5)
    theirs = getattr(tv, name)()
    with torch.no_grad():
        for key, value in theirs.state_dict().items():
            if re.search(r"(bn\d|downsample\.1)\.(weight|bias|running_mean)$", key):
                value.add_(0.1 * torch.randn_like(value))
    # From the meta device, so that no weight is drawn that is loaded over.
    ours = build(preset(name), "meta").to_empty(device="cpu")
    ours.load_state_dict(theirs.state_dict(), strict=True)
    images = torch.randn(2, 3, 64, 48)
    for training in (False, True):
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


def test_squeeze_excitation_is_torchvisions(tv: ModuleType) -> None:
    """Hu 2018, Fig. 2, with carried weights."""
    from torchvision.ops import SqueezeExcitation as Theirs

    torch.manual_seed(7)
    theirs = Theirs(64, 4)
    ours = SqueezeExcitation(64).to_empty(device="cpu")
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(2, 64, 5, 3)
    torch.testing.assert_close(ours(x), theirs(x))
