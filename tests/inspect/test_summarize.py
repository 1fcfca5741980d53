"""Summaries: columns added again, paths that join the graph, and each number against an independent way to it."""

from __future__ import annotations

import re
from math import prod

import pytest
import torch
from hypothesis import given, settings
from pydantic import ValidationError
from torch import nn

from resnet_viz.inspect import layers, summarize, trace
from resnet_viz.nn import build
from resnet_viz.nn.networks import ResidualNetwork
from resnet_viz.spec import Block, Head, Init, Input, Network, SpecError, Stage, Stem, preset, presets
from tests.strategies import networks

FEW = settings(max_examples=30, deadline=None)
SMALL = [name for name in presets() if name != "cifar_resnet1202"]


def assert_adds_up(network: Network) -> None:
    summary = summarize(network)
    model = build(network, "meta")
    assert summary.agrees
    assert summary.params == sum(parameter.numel() for parameter in model.parameters())
    assert summary.params == sum(row.params for row in summary.rows)
    assert summary.macs == sum(row.macs for row in summary.rows)
    assert summary.macs_torchinfo == sum(row.macs_torchinfo for row in summary.rows)
    assert summary.activations == sum(prod(row.shape) for row in summary.rows if row.kind in ("conv", "linear"))
    for row in summary.rows:
        module = model.get_submodule(row.path)
        assert row.params == sum(parameter.numel() for parameter in module.parameters())
        biases = prod(row.shape) if getattr(module, "bias", None) is not None and row.kind == "conv" else 0
        if row.kind == "conv":
            assert row.macs_torchinfo == row.macs + biases
    nodes = {n.path: n for n in trace(network, "op").nodes if n.kind in ("conv", "norm", "linear", "add")}
    assert [(row.path, row.kind, row.shape, row.params, row.macs, row.stage, row.block) for row in summary.rows] == [
        (n.path, n.kind, n.shape, n.params, n.macs, n.stage, n.block) for n in nodes.values()
    ]
    assert summary.params == sum(node.params for node in trace(network, "stage").nodes)


@pytest.mark.parametrize("name", SMALL)
def test_columns_of_every_preset_add_up(name: str) -> None:
    assert_adds_up(preset(name))


@FEW
@given(networks())
def test_columns_of_any_network_add_up(network: Network) -> None:
    assert_adds_up(network)


@FEW
@given(networks())
def test_layers_are_the_modules_with_a_kernel_or_a_matrix(network: Network) -> None:
    model = build(network).eval()
    called: list[tuple[str, tuple[int, ...]]] = []
    for path, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(lambda _m, _i, out, path=path: called.append((path, tuple(out.shape[1:]))))
    model(torch.randn(2, network.input.channels, network.input.height, network.input.width))
    found = layers(network)
    assert [layer.path for layer in found] == [path for path, _ in called]
    for layer, (path, shape) in zip(found, called, strict=True):
        assert (layer.channels, layer.height, layer.width) == (*shape, 1, 1)[:3]
        assert layer.kind == ("linear" if path == "fc" else "conv")
        assert layer.projection == bool(re.search(r"downsample|\.gate\.|\.se\.", path))
        place = (0, 0)
        if path.startswith("layer"):
            stage, block = path.split(".")[:2]
            place = (int(stage[5:]), int(block) + 1)
        assert (layer.stage, layer.block) == place
    assert sum(not layer.projection for layer in found) == network.depth


def saved_values(network: Network, batch: int) -> int:
    """Values that autograd really keeps in one training step: distinct memory, weights and statistics left out."""
    model = build(network)
    own = {tensor.untyped_storage().data_ptr() for tensor in model.state_dict().values()}
    kept: dict[int, torch.Tensor] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.dim() > 1 and tensor.untyped_storage().data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    image = torch.randn(batch, network.input.channels, network.input.height, network.input.width)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        scores = model(image)
        assert scores.grad_fn is not None
        return sum(tensor.numel() * tensor.element_size() // 4 for tensor in kept.values())


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "gelu", "silu", "tanh", "sigmoid"])
@pytest.mark.parametrize("order", ["original", "preactivation"])
@pytest.mark.parametrize("norm", ["batch", "none"])
def test_stored_activations_are_what_autograd_keeps(activation: str, order: str, norm: str) -> None:
    axes = {"width": 6, "activation": activation, "order": order, "norm": norm}
    network = Network(
        input=Input(channels=2, height=16, width=12),
        stem=Stem.model_validate(
            {"width": 4, "pool": "max", "activation": activation, "norm": norm, "activated": order == "original"}
        ),
        stages=(
            Stage(blocks=2, block=Block.model_validate(axes | {"shortcut": "A"})),
            Stage(blocks=2, stride=2, block=Block.model_validate(axes | {"branch": "bottleneck"})),
            Stage(block=Block.model_validate(axes | {"merge": "none"})),
        ),
    )
    summary = summarize(network, batch=5)
    assert summary.memory == 4 * (3 * summary.params + saved_values(network, 5))


@pytest.mark.parametrize("name", ["tiny_resnet20", "tiny_plain20", "resnet18", "resnet50", "preact_resnet110"])
def test_memory_of_presets(name: str) -> None:
    network = preset(name).model_copy(update={"input": Input(channels=preset(name).input.channels)})
    summary = summarize(network, batch=2)
    assert summary.memory == 4 * (3 * summary.params + saved_values(network, 2))


def test_memory_grows_with_the_batch_by_what_is_stored() -> None:
    one, two, three = (summarize(preset("tiny_resnet56"), batch=batch).memory for batch in (1, 2, 3))
    assert three - two == two - one > 0
    assert one - (two - one) == 4 * 3 * 214_402


def seen_pixels(network: Network) -> int:
    """Width of the patch of an image that the middle of the last feature map depends on, by its gradient."""
    model = ResidualNetwork(network).to_empty(device="cpu").double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.01 if parameter.dim() > 1 else 0.0)
    features = nn.Sequential(*list(model.children())[:-2])
    size = network.input.height
    image = torch.ones(1, network.input.channels, size, size, dtype=torch.float64, requires_grad=True)
    out = features(image)
    middle = out[0, 0, out.shape[2] // 2, out.shape[3] // 2]
    (grad,) = torch.autograd.grad(middle, image)
    rows = grad[0].abs().sum((0, 2)).nonzero()
    return int(rows.max() - rows.min()) + 1


@pytest.mark.parametrize("merge", ["none", "add"])
@pytest.mark.parametrize("branch", ["basic", "bottleneck"])
@pytest.mark.parametrize("stride_on", ["1x1", "3x3"])
def test_the_receptive_field_is_where_the_gradient_reaches(merge: str, branch: str, stride_on: str) -> None:
    block = Block.model_validate(
        {"merge": merge, "branch": branch, "stride_on": stride_on, "width": 2, "norm": "none", "shortcut": "B"}
    )
    network = Network(
        input=Input(channels=1, height=128, width=128),
        stem=Stem(width=2, kernel=5, stride=2, norm="none"),
        stages=(Stage(blocks=2, block=block), Stage(blocks=2, stride=2, block=block)),
    )
    summary = summarize(network)
    assert summary.receptive_field == seen_pixels(network) < 128
    fields = {row.path: row.receptive_field for row in summary.rows}
    assert fields["conv1"] == 5
    assert fields[f"layer2.1.conv{2 if branch == 'basic' else 3}"] == summary.receptive_field


def test_the_head_sees_the_whole_map() -> None:
    rows = summarize(preset("tiny_plain8")).rows
    assert [row.receptive_field for row in rows if row.kind == "conv"] == [3, 5, 7, 9, 13, 17, 25]
    # The last map is 2 x 2, its neighbours 4 pixels apart.
    assert rows[-1].receptive_field == 25 + 4


def test_rows_read_like_a_table() -> None:
    rows = {row.path: row.operation for row in summarize(preset("resnext50_32x4d")).rows}
    assert rows["conv1"] == "7 × 7 convolution, 3 → 64, stride 2"
    assert rows["bn1"] == "batch norm"
    assert rows["layer2.0.conv2"] == "3 × 3 convolution, 256 → 256, stride 2, 32 groups"
    assert rows["layer2.0.add"] == "addition of the projection shortcut"
    assert rows["layer2.1.add"] == "addition of the identity shortcut"
    assert rows["fc"] == "linear, 2048 → 1000"


def test_summaries_leave_the_random_state_alone() -> None:
    torch.manual_seed(2)
    before = torch.get_rng_state()
    summarize(preset("tiny_resnet8").model_copy(update={"stem": Stem(width=5)}))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_initialisation_changes_no_count() -> None:
    network = preset("tiny_resnet8")
    assert summarize(network.model_copy(update={"init": Init(scheme="xavier"), "name": "x"})) == summarize(network)


def test_refusals() -> None:
    small = preset("tiny_resnet8").model_copy(update={"input": Input(channels=1, height=1, width=8)})
    told = (
        "Stage 2, block 1 has stride 2, but only 1 x 8 pixels reach it: use a larger input, or a smaller stride "
        "before it."
    )
    for function in (summarize, layers):
        with pytest.raises(SpecError) as refusal:
            function(small)
        assert str(refusal.value) == told
    with pytest.raises(SpecError) as refusal:
        summarize(preset("tiny_resnet8"), batch=0)
    assert str(refusal.value) == "batch is 0: it must be a whole number of at least 1."
    with pytest.raises(ValidationError):
        summarize(preset("tiny_resnet8").model_copy(update={"head": Head().model_copy(update={"classes": 1})}))
