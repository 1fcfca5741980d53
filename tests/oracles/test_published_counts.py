"""Parameters and multiply-adds against the literature, and against torchinfo over the whole network at once."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchinfo

from resnet_viz.inspect import layers, summarize
from resnet_viz.nn import build
from resnet_viz.spec import Network, plain_twin, preset, preset_info, presets

# He et al. 2016a, Sect. 4.2, counted exactly: batch norm in the parameters, million multiply-adds of
# convolutions and the linear layer. Option A has no weights, so a plain net counts the same.
CIFAR_A = {
    20: (269_722, 40.55), 32: (464_154, 68.86), 44: (658_586, 97.17),
    56: (853_018, 125.49), 110: (1_727_962, 252.89), 1202: (19_421_274, 2829.24),
}  # fmt: skip
CIFAR_B = {
    20: (272_474, 40.81), 32: (466_906, 69.12), 44: (661_338, 97.44),
    56: (855_770, 125.75), 110: (1_730_714, 253.15), 1202: (19_424_026, 2829.50),
}  # fmt: skip
TORCHINFO = {
    "resnet18": (11_689_512, 1_814_083_944),
    "resnet34": (21_797_672, 3_663_779_432),
    "resnet50": (25_557_032, 4_089_238_376),
    "resnet101": (44_549_160, 7_801_511_784),
    "resnet152": (60_192_808, 11_513_779_048),
    "resnext50_32x4d": (25_028_904, 4_230_549_096),
    "resnext101_32x8d": (88_791_336, 16_414_219_368),
    "resnext101_64x4d": (83_455_272, 15_460_473_960),
    "wide_resnet50_2": (68_883_240, 11_398_090_344),
    "wide_resnet101_2": (126_886_696, 22_753_189_480),
}
# timm's own modules, counted once; timm is no dependency.
TIMM = {
    "resnetv2_50": 25_549_352, "resnetv2_101": 44_541_480, "resnetv2_152": 60_185_128, "seresnet50": 28_088_024,
}  # fmt: skip
# Parameters and million multiply-adds of convolutions and linear layers.
SMALL = {
    "preact_resnet110": (1_727_962, 252.89), "preact_resnet164": (1_703_258, 244.50),
    "preact_resnet1001": (10_327_706, 1487.85),
    "resnext29_8x64d": (34_426_698, 5387.27), "resnext29_16x64d": (68_155_210, 10688.87),
    "wrn_28_10": (36_479_194, 5243.33), "wrn_16_8": (10_961_370, 1548.15), "wrn_40_4": (8_949_210, 1298.58),
    "d2l_resnet18": (11_178_378, 318.66),
}  # fmt: skip


def with_blocks(network: Network, **changes: Any) -> Network:
    """The network with these fields changed in every stage's block."""
    stages = tuple(s.model_copy(update={"block": s.block.model_copy(update=changes)}) for s in network.stages)
    return network.model_copy(update={"stages": stages})


@pytest.mark.parametrize("name", presets())
def test_composed_counts_are_torchinfos_over_the_whole_network(name: str) -> None:
    network = preset(name)
    model = build(network, "meta")
    image = torch.empty(1, network.input.channels, network.input.height, network.input.width, device="meta")
    told = torchinfo.summary(model, input_data=[image], device="meta", mode="eval", depth=8, verbose=0)
    summary = summarize(network)
    assert summary.params == told.total_params == sum(parameter.numel() for parameter in model.parameters())
    assert summary.params_torchinfo == told.total_params
    assert summary.macs_torchinfo == told.total_mult_adds
    assert summary.agrees


@pytest.mark.parametrize("name", [name for name in presets() if preset_info(name).parameters is not None])
def test_presets_have_their_published_parameters(name: str) -> None:
    assert summarize(preset(name)).params == preset_info(name).parameters


@pytest.mark.parametrize("name", TORCHINFO)
def test_imagenet_totals(name: str) -> None:
    summary = summarize(preset(name))
    assert (summary.params, summary.macs_torchinfo) == TORCHINFO[name]


@pytest.mark.parametrize("depth", CIFAR_A)
def test_cifar_option_a(depth: int) -> None:
    summary = summarize(preset(f"cifar_resnet{depth}"))
    assert (summary.params, round(summary.macs / 1e6, 2)) == CIFAR_A[depth]
    assert summary.depth == depth


@pytest.mark.parametrize("depth", [20, 32, 44, 56, 110])
def test_plain_counts_are_those_of_option_a(depth: int) -> None:
    plain, residual = summarize(preset(f"cifar_plain{depth}")), summarize(preset(f"cifar_resnet{depth}"))
    assert (plain.params, plain.macs, plain.activations) == (residual.params, residual.macs, residual.activations)
    assert (plain.params, round(plain.macs / 1e6, 2)) == CIFAR_A[depth]


@pytest.mark.parametrize("depth", CIFAR_B)
def test_cifar_option_b(depth: int) -> None:
    summary = summarize(with_blocks(preset(f"cifar_resnet{depth}"), shortcut="B"))
    assert (summary.params, round(summary.macs / 1e6, 2)) == CIFAR_B[depth]


@pytest.mark.parametrize("name", SMALL)
def test_networks_for_small_images(name: str) -> None:
    summary = summarize(preset(name))
    assert (summary.params, round(summary.macs / 1e6, 2)) == SMALL[name]


@pytest.mark.parametrize("name", TIMM)
def test_timms_parameters(name: str) -> None:
    assert summarize(preset(name)).params == TIMM[name]


def test_timms_multiply_adds_leave_its_norms_out() -> None:
    """torchinfo on timm's resnetv2_50 says 4,089,185,256: convolutions, linear layer and its bias. Ours has norms."""
    summary = summarize(preset("resnetv2_50"))
    model = build(preset("resnetv2_50"), "meta")
    norms = sum(p.numel() for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d) for p in m.parameters())
    assert summary.macs + 1000 == 4_089_185_256
    assert summary.macs_torchinfo == 4_089_185_256 + 45_440
    assert norms == 45_440


def test_preactivation_with_projections() -> None:
    projected = summarize(with_blocks(preset("preact_resnet110"), shortcut="B"))
    assert (projected.params, round(projected.macs / 1e6, 2)) == (1_730_522, 253.15)


def test_dive_into_deep_learning_on_colour_images() -> None:
    network = preset("d2l_resnet18")
    colour = network.model_copy(update={"input": network.input.model_copy(update={"channels": 3})})
    assert summarize(colour).params == 11_184_650


@pytest.mark.parametrize(("name", "without"), [("preact_resnet1001", 10_178_490), ("resnext29_16x64d", 68_054_730)])
def test_printed_parameters_that_leave_batch_norm_out(name: str, without: int) -> None:
    """The 10.2 M of He 2016b, Table 4, and the 68.1 M of Xie 2017, Table 7."""
    model = build(preset(name), "meta")
    norms = sum(p.numel() for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d) for p in m.parameters())
    assert summarize(preset(name)).params - norms == without
    assert round(without / 1e6, 1) == preset_info(name).published_parameters


# How far a count may be from the printed figure, relative; where nothing is said it rounds to what is printed.
APART = {
    "cifar_resnet110": 0.02, "preact_resnet1001": 0.015, "resnext29_16x64d": 0.002, "highway_19": 0.02,
    "highway_32": 0.01, "plain18": 0.005, "plain34": 0.015,
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in presets() if preset_info(name).published_parameters is not None])
def test_parameters_are_those_printed(name: str) -> None:
    printed = preset_info(name).published_parameters
    assert printed is not None
    counted = summarize(preset(name)).params / 1e6
    if name in APART:
        assert counted == pytest.approx(printed, rel=APART[name])
    else:
        assert counted == pytest.approx(printed, abs=0.00501 if printed < 1 else 0.0501)


@pytest.mark.parametrize("name", [name for name in presets() if preset_info(name).published_macs is not None])
def test_multiply_adds_are_those_printed(name: str) -> None:
    printed = preset_info(name).published_macs
    assert printed is not None
    counted = summarize(preset(name)).macs / 1e9
    if name in APART:
        assert counted == pytest.approx(printed, rel=APART[name])
    else:
        assert counted == pytest.approx(printed, abs=0.00501)


def test_stride_on_the_1x1_is_the_papers_count() -> None:
    """He 2016a, Table 1 says 3.8 G for ResNet-50; torchvision's stride on the 3x3 costs 4.09 G."""
    printed = {"resnet18": 1.79, "resnet34": 3.64, "resnet50": 3.86, "resnet101": 7.57, "resnet152": 11.28}
    for name in ("resnet50", "resnet101", "resnet152"):
        there, here = preset(name), with_blocks(preset(name), stride_on="1x1")
        assert round(summarize(here).macs / 1e9, 2) == printed[name]
        assert summarize(here).params == summarize(there).params
    for name in ("resnet18", "resnet34"):  # the paper's have shortcut A there
        assert round(summarize(with_blocks(preset(name), shortcut="A")).macs / 1e9, 2) == printed[name]
    assert summarize(preset("resnet50")).macs == 4_089_184_256


@pytest.mark.parametrize(("name", "receptive"), [("resnet18", 435), ("resnet34", 899), ("resnet50", 427)])
def test_receptive_fields_as_published(name: str, receptive: int) -> None:
    """Those of torchvision's networks as usually given; with the stride on the 1x1, ResNet-50 has the 483 of
    Araujo, Norris and Sim 2019 (Distill, "Computing receptive fields of convolutional neural networks")."""
    assert summarize(preset(name)).receptive_field == receptive
    assert summarize(with_blocks(preset("resnet50"), stride_on="1x1")).receptive_field == 483


@pytest.mark.parametrize("kind", ["plain", "resnet"])
def test_tiny_56(kind: str) -> None:
    network = preset(f"tiny_{kind}56")
    assert summarize(network).params == 214_402
    main = [layer for layer in layers(network) if not layer.projection]
    assert len(main) == network.depth == 56


@pytest.mark.parametrize("depth", [18, 34])
def test_imagenet_plain_nets_are_the_residual_ones_without_projections(depth: int) -> None:
    plain, residual = preset(f"plain{depth}"), preset(f"resnet{depth}")
    projections = sum(row.params for row in summarize(residual).rows if "downsample" in row.path)
    assert projections > 0
    assert summarize(plain).params == summarize(residual).params - projections
    assert summarize(plain) == summarize(plain_twin(residual))
