"""Starting weights: the right distribution, from our own generators, the same wherever path and shape agree."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import get_args

import pytest
import torch

from resnet_viz.nn import build
from resnet_viz.spec import Init, Network, plain_twin, preset
from resnet_viz.spec.network import Scheme

BASE = preset("cifar_resnet20")


def started(scheme: Scheme, network: Network = BASE, seed: int = 0) -> dict[str, torch.Tensor]:
    return build(network.model_copy(update={"init": Init(scheme=scheme)}), seed=seed).state_dict()


def fans(weight: torch.Tensor) -> tuple[int, int]:
    return weight[0].numel(), weight.shape[0] * weight[0, 0].numel()


@pytest.mark.parametrize(
    ("scheme", "variance"),
    [
        ("kaiming_fan_out", lambda fan_in, fan_out: 2 / fan_out),
        ("kaiming_fan_in", lambda fan_in, fan_out: 2 / fan_in),
        ("xavier", lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
        ("pytorch", lambda fan_in, fan_out: 1 / (3 * fan_in)),
    ],
)
def test_standard_deviations_are_those_of_the_papers(scheme: Scheme, variance: Callable[[int, int], float]) -> None:
    seen = 0
    for key, weight in started(scheme).items():
        if weight.dim() == 4 and weight.numel() > 2000:
            expected = math.sqrt(variance(*fans(weight)))
            assert weight.std().item() == pytest.approx(expected, rel=5 / math.sqrt(2 * weight.numel())), key
            assert abs(weight.mean().item()) < 5 * expected / math.sqrt(weight.numel()), key
            seen += 1
    assert seen == 18


def test_pytorchs_default_is_uniform_within_its_bound() -> None:
    torch.manual_seed(0)
    weight, theirs = started("pytorch")["layer3.1.conv2.weight"], torch.nn.Conv2d(64, 64, 3).weight
    assert weight.abs().max().item() == pytest.approx(1 / math.sqrt(576), rel=1e-3)
    assert theirs.abs().max().item() == pytest.approx(1 / math.sqrt(576), rel=1e-3)
    assert started("pytorch")["fc.bias"].abs().max().item() <= 1 / math.sqrt(64)


def test_orthogonal_rows() -> None:
    state = started("orthogonal")
    rows = state["layer3.1.conv2.weight"].flatten(1)
    torch.testing.assert_close(rows @ rows.T, 2 * torch.eye(64), rtol=1e-4, atol=1e-4)
    rows = state["fc.weight"]
    torch.testing.assert_close(rows @ rows.T, torch.eye(10), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scheme", ["kaiming_fan_out", "kaiming_fan_in"])
def test_kaimings_linear_layer_starts_as_torchvisions(scheme: Scheme) -> None:
    state = started(scheme)
    assert state["fc.weight"].abs().max().item() == pytest.approx(1 / 8, rel=0.02)
    assert not state["fc.bias"].any()


def test_batch_norm_starts_as_the_identity() -> None:
    for key, value in started("kaiming_fan_out").items():
        match key.rpartition(".")[2]:
            case "running_mean" | "num_batches_tracked":
                assert not value.any()
            case "running_var":
                assert (value == 1).all()
            case "weight" if ".bn" in key:
                assert (value == 1).all()
            case "bias":
                assert not value.any()


@pytest.mark.parametrize("name", ["tiny_resnet20", "resnet18", "preact_resnet110"])
def test_a_plain_twin_starts_with_the_same_weights(name: str) -> None:
    residual, plain = build(preset(name), seed=4).state_dict(), build(plain_twin(preset(name)), seed=4).state_dict()
    assert {key for key in residual if "downsample" not in key} == set(plain)
    for key, value in plain.items():
        assert torch.equal(value, residual[key]), key


def test_layers_and_seeds_have_streams_of_their_own() -> None:
    state, other = started("kaiming_fan_out"), started("kaiming_fan_out", seed=1)
    assert torch.equal(state["conv1.weight"], started("kaiming_fan_out")["conv1.weight"])
    assert not torch.equal(state["conv1.weight"], other["conv1.weight"])
    assert not torch.equal(state["layer1.0.conv1.weight"], state["layer1.1.conv1.weight"])


def test_the_stream_of_a_parameter_is_pinned() -> None:
    """The same seed must give the same run in the next version too: a stored experiment names only the seed."""
    state = build(preset("tiny_resnet8"), seed=0).state_dict()
    got = state["layer2.0.conv1.weight"].flatten()[:3].tolist()
    assert got == pytest.approx([0.1049514, -0.0169948, -0.0244115], rel=1e-4)


def test_the_global_random_state_is_left_alone() -> None:
    torch.manual_seed(9)
    before = torch.get_rng_state()
    for scheme in get_args(Scheme):
        started(scheme)
    build(preset("tiny_resnet8"), "meta")
    assert torch.equal(torch.get_rng_state(), before)


def test_meta_draws_nothing() -> None:
    model = build(preset("cifar_resnet1202"), "meta")
    assert all(parameter.is_meta for parameter in model.parameters())
    assert all(buffer.is_meta for buffer in model.buffers())


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_starts_with_the_same_weights() -> None:
    here, there = build(preset("tiny_resnet8")).state_dict(), build(preset("tiny_resnet8"), "cuda").state_dict()
    for key, value in there.items():
        assert value.is_cuda
        assert torch.equal(value.cpu(), here[key])
