"""Whatever can be written down and is not refused can be built, run, trained, traced and copied."""

from __future__ import annotations

import copy
from typing import Any, get_args

import pytest
import torch
from hypothesis import given, settings
from pydantic import ValidationError

from resnet_viz.nn import Add, Pad, Unit, build
from resnet_viz.nn.layers import NORM_TYPES
from resnet_viz.nn.networks import ResidualNetwork
from resnet_viz.nn.stochastic import Stochastic
from resnet_viz.spec import Block, Experiment, Head, Input, Network, Recipe, SpecError, Stage, Stem, preset, presets
from resnet_viz.spec.block import Branch, Norm, Order
from resnet_viz.spec.plans import normed
from resnet_viz.spec.shapes import block_shapes
from tests import reference
from tests.strategies import networks

FEW = settings(max_examples=30, deadline=None)


def images(network: Network, batch: int = 3) -> torch.Tensor:
    source = torch.Generator().manual_seed(1)
    size = (batch, network.input.channels, network.input.height, network.input.width)
    return torch.randn(size, generator=source, dtype=torch.float64)


def shaken(network: Network) -> ResidualNetwork:
    """The network in float64, its norms and biases away from their start, so that each of them shows."""
    model = build(network, seed=2).double()
    source = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.dim() == 1:
                value.add_(0.2 * torch.rand(value.shape, generator=source, dtype=value.dtype))
    return model


def calm(model: ResidualNetwork) -> None:
    """Layers that draw at random do nothing."""
    for module in model.modules():
        if isinstance(module, Stochastic):
            module.eval()


def assert_learns(network: Network) -> None:
    """Forward and backward are finite and of the right shape, for every parameter."""
    model = build(network, seed=0).double()
    scores = model(images(network))
    assert scores.shape == (3, network.head.classes)
    assert scores.isfinite().all()
    torch.nn.functional.cross_entropy(scores, torch.tensor([0, 1, 1])).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@FEW
@given(networks())
def test_outputs_are_those_of_the_formulas_written_out(network: Network) -> None:
    x = images(network)
    for training in (False, True):
        model = shaken(network).train(training)
        calm(model)
        expected = reference.forward(network, model.state_dict(), x, training)
        torch.testing.assert_close(model(x), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("order", get_args(Order))
@pytest.mark.parametrize("branch", get_args(Branch))
@pytest.mark.parametrize(
    ("merge", "shortcut"),
    [("none", "B"), ("add", "A"), ("add", "B"), ("add", "C"), ("highway", "A"), ("shortcut_gate", "B")],
)
@pytest.mark.parametrize("stride_on", ["3x3", "1x1"])
def test_each_kind_of_block_follows_its_formula(
    order: str, branch: str, merge: str, shortcut: str, stride_on: str
) -> None:
    block = Block.model_validate(
        {"order": order, "branch": branch, "merge": merge, "shortcut": shortcut, "stride_on": stride_on, "width": 8}
    )
    network = Network(
        input=Input(height=9, width=7),
        stem=Stem(width=4, activated="preactivation" not in order),
        stages=(Stage(blocks=2, block=block), Stage(blocks=2, stride=2, block=block)),
    )
    model = shaken(network).eval()
    x = images(network)
    expected = reference.forward(network, model.state_dict(), x, False)
    torch.testing.assert_close(model(x), expected, rtol=1e-10, atol=1e-10)
    assert expected.std() > 1e-3


@FEW
@given(networks())
def test_symbolic_trace_and_deepcopy_give_the_same(network: Network) -> None:
    model = build(network).double()
    x = images(network)
    torch.fx.symbolic_trace(model)(x)
    for training in (True, False):
        calm(model.train(training))
        expected = model(x)
        torch.testing.assert_close(torch.fx.symbolic_trace(model)(x), expected)
        torch.testing.assert_close(copy.deepcopy(model)(x), expected)


@pytest.mark.parametrize("name", ["tiny_resnet8", "preact_resnet110", "resnet18", "resnext50_32x4d"])
def test_other_input_sizes_work(name: str) -> None:
    model = build(preset(name)).eval()
    channels = preset(name).input.channels
    for height, width in ((32, 32), (33, 47), (64, 40)):
        with torch.no_grad():
            assert model(torch.randn(2, channels, height, width)).shape == (2, preset(name).head.classes)


@pytest.mark.parametrize("name", presets())
def test_shortcuts_are_modules_that_a_hook_finds(name: str) -> None:
    network = preset(name)
    model = build(network, "meta")
    units = [module for module in model.modules() if isinstance(module, Unit)]
    adds = [path for path, module in model.named_modules() if isinstance(module, Add)]
    pads = [path for path, module in model.named_modules() if isinstance(module, Pad)]
    assert len(units) == network.blocks
    assert len(adds) == sum(block.merge != "none" for block in network.each)
    assert all(path.endswith(".add") for path in adds)
    assert len(pads) == sum(unit.shortcut == "padded" for unit in units)
    assert sum("downsample" in path for path in adds) == 0


def test_bias_stands_only_where_no_norm_follows() -> None:
    normed = {key for key, _ in build(preset("preact_resnet110"), "meta").named_parameters() if "conv" in key}
    assert all(key.endswith(".weight") for key in normed)
    bare = Block(norm="none", shortcut="C")
    network = Network(stem=Stem(norm="none"), stages=(Stage(block=bare),))
    keys = list(build(network).state_dict())
    assert keys == [
        "conv1.weight", "conv1.bias",
        "layer1.0.conv1.weight", "layer1.0.conv1.bias", "layer1.0.conv2.weight", "layer1.0.conv2.bias",
        "layer1.0.downsample.0.weight", "layer1.0.downsample.0.bias",
        "fc.weight", "fc.bias",
    ]  # fmt: skip
    for key, value in build(network).state_dict().items():
        assert value.any() == (not key.endswith("bias")), key


def test_preactivation_follows_he_2016b() -> None:
    """Bare stem, one shared norm-activation before branch and projection, projection without norm, final norm."""
    block = Block(order="preactivation", shortcut="B", width=8)
    network = Network(stem=Stem(width=4, activated=False), stages=(Stage(blocks=2, block=block),))
    keys = [key for key in build(network, "meta").state_dict() if key.endswith(".weight")]
    assert keys == [
        "conv1.weight",
        "layer1.0.bn1.weight", "layer1.0.conv1.weight", "layer1.0.bn2.weight", "layer1.0.conv2.weight",
        "layer1.0.downsample.0.weight",
        "layer1.1.bn1.weight", "layer1.1.conv1.weight", "layer1.1.bn2.weight", "layer1.1.conv2.weight",
        "norm.weight", "fc.weight",
    ]  # fmt: skip


def test_a_network_that_cannot_be_is_refused_in_a_sentence() -> None:
    stages = (Stage(), Stage(stride=4))
    with pytest.raises(SpecError) as refusal:
        build(Network(input=Input(height=2, width=2), stages=stages))
    assert str(refusal.value) == (
        "Stage 2, block 1 has stride 4, but only 2 x 2 pixels reach it: use a larger input, or a smaller stride "
        "before it."
    )
    assert (refusal.value.stage, refusal.value.block) == (2, 1)
    with pytest.raises(ValidationError):
        build(preset("tiny_plain8").model_copy(update={"head": Head().model_copy(update={"classes": 0})}))


def test_a_block_whose_sizes_do_not_fit_names_its_place_and_keeps_the_cause() -> None:
    """Behind the arithmetic stands a second line: the compile step itself."""
    network = Network(stages=(Stage(), Stage(block=Block(width=8, shortcut="A"))))
    with pytest.raises(SpecError) as refusal:
        ResidualNetwork(network)
    assert str(refusal.value) == (
        "Stage 2, block 1 cannot be built: shortcut A can only add zero channels, and 8 would have to go."
    )
    assert isinstance(refusal.value.__cause__, ValueError)


def test_pad_is_option_a_of_he_2016a() -> None:
    x = torch.arange(2 * 3 * 5 * 4, dtype=torch.float32).reshape(2, 3, 5, 4)
    y = Pad(2, 4)(x)
    assert y.shape == (2, 7, 3, 2)
    assert torch.equal(y[:, :3], x[:, :, ::2, ::2])
    assert not y[:, 3:].any()


@pytest.mark.parametrize(
    ("device", "text"),
    [
        ("bogus", "'bogus' is no device of PyTorch: use 'cpu', 'cuda' or 'meta'"),
        ("cuda", "there is no CUDA device here: use device='cpu'"),
    ],
)
def test_a_device_that_is_not_there_is_refused(device: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SpecError) as refusal:
        build(preset("tiny_resnet8"), device=device)
    assert str(refusal.value) == text


OTHERS = ("mps", "xpu", "hpu", "vulkan", "xla", "mtia", "ipu", "lazy", "privateuseone")


@pytest.mark.parametrize("device", OTHERS)
def test_a_device_that_pytorch_cannot_use_is_one_sentence(device: str) -> None:
    """Where PyTorch can use it the network is built."""
    try:
        assert build(preset("tiny_resnet8"), device=device).conv1.weight.device.type == device
    except SpecError as error:
        name = str(torch.device(device))
        assert str(error) == f"PyTorch cannot use the device {name!r} here: use device='cpu'"


def test_a_cuda_device_beyond_the_last_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(SpecError) as refusal:
        build(preset("tiny_resnet8"), device="cuda:99")
    assert str(refusal.value) == "there is no CUDA device 99 here: use one from 0 to 1"


@pytest.mark.parametrize("seed", ["x", None, -1, 2**63, 2**300, 1.5, True])
def test_a_seed_that_is_no_whole_number_is_refused(seed: Any) -> None:
    with pytest.raises(SpecError) as refusal:
        build(preset("tiny_resnet8"), seed=seed)
    assert str(refusal.value) == "seed must be a whole number from 0 to 2**63 - 1"


def test_whole_numbers_of_any_kind_are_seeds() -> None:
    first, second = (build(preset("tiny_resnet8"), seed=seed) for seed in (3, torch.tensor(3)))
    assert torch.equal(first.fc.weight, second.fc.weight)
    build(preset("tiny_resnet8"), seed=2**63 - 1)


@settings(max_examples=60, deadline=None)
@given(networks())
def test_the_spec_knows_what_every_norm_of_a_block_takes(network: Network) -> None:
    model = build(network, "meta")
    for row in block_shapes(network):
        unit, found = model.get_submodule(f"layer{row.stage}.{row.block - 1}"), []
        for module in unit.modules():
            if isinstance(module, NORM_TYPES):
                module.register_forward_pre_hook(lambda _, args, to=found: to.append(tuple(args[0].shape[1:])))
        unit(torch.empty(2, *row.enters, device="meta"))
        assert set(found) == set(normed(network.stages[row.stage - 1].block_at(row.block), row.enters, row.stride))


@pytest.mark.parametrize("order", get_args(Order))
@pytest.mark.parametrize(("norm", "width"), [("batch", 8), ("group", 8), ("group", 24), ("layer", 1), ("layer", 2)])
def test_a_race_is_refused_just_where_the_last_image_cannot_be_normalised(order: Order, norm: Norm, width: int) -> None:
    last = Stage(stride=2, block=Block(width=width, norm=norm, order=order))
    image = Input(channels=1, height=8, width=8)
    bare = Stage(stride=4, block=Block(norm="none"))
    network = Network(input=image, stem=Stem(norm="none"), stages=(bare, last))
    try:
        build(network)(torch.ones(1, 1, 8, 8))
    except ValueError:
        with pytest.raises(ValidationError, match=f"1 x 1 maps, where {norm} norm needs two: use batch 1498"):
            Experiment(contestants={"a": network}, recipe=Recipe(batch=1499))
    else:
        Experiment(contestants={"a": network}, recipe=Recipe(batch=1499))
