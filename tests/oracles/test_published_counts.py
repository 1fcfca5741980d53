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
    "resnext50_32x4d": (25_028_904, 4_230_549_096),
}


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


def test_preactivation_counts() -> None:
    network = preset("preact_resnet110")
    padded, projected = summarize(network), summarize(with_blocks(network, shortcut="B"))
    assert (padded.params, round(padded.macs / 1e6, 2)) == (1_727_962, 252.89)
    assert (projected.params, round(projected.macs / 1e6, 2)) == (1_730_522, 253.15)


@pytest.mark.parametrize(("blocks", "params", "macs"), [(18, 1_703_258, 244.50), (111, 10_327_706, 1487.85)])
def test_preactivation_bottleneck_counts(blocks: int, params: int, macs: float) -> None:
    """The 164 and 1001 layers of He 2016b: stride on the first 1x1, projections without norm."""
    base = preset("preact_resnet110")
    network = with_blocks(base, branch="bottleneck", shortcut="B", stride_on="1x1")
    stages = tuple(stage.model_copy(update={"blocks": blocks}) for stage in network.stages)
    summary = summarize(network.model_copy(update={"stages": stages}))
    assert (summary.params, round(summary.macs / 1e6, 2)) == (params, macs)
    assert summary.depth == 9 * blocks + 2


def test_resnext29_counts() -> None:
    """Xie 2017, Sect. 5.3, as the authors' code builds it: 64-channel stem, post-activation, norm on projections."""
    base = with_blocks(preset("cifar_resnet20"), branch="bottleneck", shortcut="B", base_width=64)
    for cardinality, params, macs in ((8, 34_426_698, 5387.27), (16, 68_155_210, 10688.87)):
        stages = tuple(
            stage.model_copy(
                update={"block": stage.block.model_copy(update={"width": 64 * 2**i, "cardinality": cardinality})}
            )
            for i, stage in enumerate(base.stages)
        )
        stem = base.stem.model_copy(update={"width": 64})
        summary = summarize(base.model_copy(update={"stages": stages, "stem": stem}))
        assert (summary.params, round(summary.macs / 1e6, 2)) == (params, macs)


@pytest.mark.parametrize(
    ("depth", "widen", "params", "macs"),
    [(28, 10, 36_479_194, 5243.33), (16, 8, 10_961_370, 1548.15), (40, 4, 8_949_210, 1298.58)],
)
def test_wide_resnet_counts(depth: int, widen: int, params: int, macs: float) -> None:
    """Zagoruyko 2016: pre-activated basic blocks, 16-channel stem, projections without norm."""
    base = with_blocks(preset("preact_resnet110"), shortcut="B")
    stages = tuple(
        stage.model_copy(
            update={"blocks": (depth - 4) // 6, "block": stage.block.model_copy(update={"width": 16 * widen * 2**i})}
        )
        for i, stage in enumerate(base.stages)
    )
    summary = summarize(base.model_copy(update={"stages": stages}))
    assert (summary.params, round(summary.macs / 1e6, 2)) == (params, macs)


def test_stride_on_the_1x1_is_the_papers_count() -> None:
    """He 2016a, Table 1 says 3.8 G for ResNet-50; torchvision's stride on the 3x3 costs 4.09 G."""
    there, here = preset("resnet50"), with_blocks(preset("resnet50"), stride_on="1x1")
    assert round(summarize(there).macs / 1e9, 2) == 4.09
    assert summarize(there).macs == 4_089_184_256
    assert round(summarize(here).macs / 1e9, 2) == 3.86
    assert summarize(here).params == summarize(there).params


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
