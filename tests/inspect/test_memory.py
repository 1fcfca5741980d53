"""Memory of a pass against what a real pass holds: autograd's saved tensors, and the maps alive between layers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from torch import fx, nn

from resnet_viz.inspect import summarize
from resnet_viz.inspect.operations import TORCH, _Tracer
from resnet_viz.nn import build
from resnet_viz.spec import Block, DropPath, Input, Network, Override, Stage, Stem, preset
from tests.strategies import networks

FEW = settings(max_examples=20, deadline=None)


def image_of(network: Network, batch: int) -> torch.Tensor:
    return torch.randn(batch, network.input.channels, network.input.height, network.input.width)


def saved_values(network: Network, batch: int) -> int:
    """Values that autograd keeps in one training step: distinct memory, weights, statistics and scalars left out."""
    model = build(network).train()
    own = {tensor.untyped_storage().data_ptr() for tensor in model.state_dict().values()}
    kept: dict[int, torch.Tensor] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        # A group norm's statistics are [N, groups], as a linear layer's input is [N, channels].
        statistics = tensor.dim() < 2 or (tensor.dim() == 2 and tensor._base is None)
        if not statistics and tensor.untyped_storage().data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    image = image_of(network, batch)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        scores = model(image)
        assert scores.grad_fn is not None
        return sum(tensor.untyped_storage().nbytes() // 4 for tensor in kept.values())


def assert_stored(network: Network, batch: int) -> None:
    summary = summarize(network, batch)
    assert summary.stored_memory == 4 * saved_values(network, batch)
    assert summary.memory == 4 * 3 * summary.params + summary.stored_memory


def small(changes: dict[str, Any], **rest: Any) -> Network:
    """Blocks with each way in which shapes are matched, and a plain one, on maps of odd sides."""
    axes = {"width": 8} | changes
    block = Block.model_validate(axes)
    stages = (
        Stage(blocks=2, block=Block.model_validate(axes | {"shortcut": "A"})),
        Stage(blocks=2, stride=2, block=block, overrides=(Override(index=2, block=Block(width=block.out_width)),)),
        Stage(stride=2, block=Block.model_validate(axes | {"shortcut": "A"})),
        Stage(block=Block.model_validate(axes | {"merge": "none"})),
    )
    stem = Stem(width=4, pool="max", activated=not block.preactivated)
    return Network(input=Input(channels=2, height=20, width=12), stem=stem, stages=stages, **rest)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "gelu", "silu", "tanh", "sigmoid"])
@pytest.mark.parametrize("order", ["original", "preactivation"])
@pytest.mark.parametrize("norm", ["batch", "none"])
def test_stored_activations_are_what_autograd_keeps(activation: str, order: str, norm: str) -> None:
    assert_stored(small({"activation": activation, "order": order, "norm": norm}), 5)


NEW: dict[str, dict[str, Any]] = {
    "group norm": {"norm": "group"},
    "layer norm": {"norm": "layer", "order": "preactivation"},
    "highway": {"merge": "highway", "gate_kernel": 3},
    "highway without norm": {"merge": "highway", "norm": "none", "order": "relu_before_addition"},
    "shortcut gate": {"merge": "shortcut_gate", "order": "preactivation"},
    "attention": {"attention": "squeeze_excitation"},
    "attention, tanh": {"attention": "squeeze_excitation", "activation": "tanh", "order": "relu_before_addition"},
    "shortcut dropout": {"shortcut_dropout": 0.5},
    "gated dropout": {"shortcut_dropout": 0.5, "merge": "highway"},
    "scaled": {"alpha": 0.5, "beta": 0.25},
    "parallel paths": {"branch": "paths", "paths": (
        {"pool": "average", "convs": ({"kernel": 1, "width": 3},)},
        {"pool": "max", "convs": ({"kernel": 1, "width": 2},)},
        {"convs": ({"kernel": 5, "width": 3}, {"kernel": 3, "width": 3})},
    )},
    "split, joined": {"branch": "bottleneck", "form": "split_concatenate", "cardinality": 2},
    "split, added": {"branch": "bottleneck", "form": "split_sum", "cardinality": 2, "order": "preactivation"},
    "one path, added": {"branch": "bottleneck", "form": "split_sum", "merge": "highway"},
    "bn after addition": {"order": "bn_after_addition"},
}  # fmt: skip


@pytest.mark.parametrize("what", NEW)
@pytest.mark.parametrize("dropping", [False, True])
def test_stored_activations_of_every_kind_of_layer(what: str, dropping: bool) -> None:
    assert_stored(small(NEW[what], drop_path=DropPath(survival=0.5 if dropping else 1)), 3)


def test_a_strided_view_keeps_the_whole_map() -> None:
    """Option A without added channels is a view of what enters; a gate keeps it, and with it the whole map."""
    block = Block(width=8, merge="highway", shortcut="A", norm="none")
    network = Network(
        input=Input(channels=2, height=8, width=8), stem=Stem(width=8), stages=(Stage(stride=2, block=block),)
    )
    assert_stored(network, 2)


@FEW
@given(networks())
def test_stored_activations_of_any_network(network: Network) -> None:
    assert_stored(network, 3)


@pytest.mark.parametrize("name", ["tiny_resnet20", "tiny_plain20", "resnet18", "resnet50", "preact_resnet110"])
def test_memory_of_presets(name: str) -> None:
    assert_stored(preset(name).model_copy(update={"input": Input(channels=preset(name).input.channels)}), 2)


def test_memory_grows_with_the_batch_by_what_is_stored() -> None:
    one, two, three = (summarize(preset("tiny_resnet56"), batch=batch) for batch in (1, 2, 3))
    assert three.memory - two.memory == two.memory - one.memory == one.stored_memory > 0
    assert one.memory - one.stored_memory == 4 * 3 * 214_402
    assert two.live_memory == 2 * one.live_memory
    assert two.forward_memory - two.live_memory == 4 * 214_402


class Alive(fx.Interpreter):
    """Runs a trace, frees each value after its last reader, and notes the most bytes that are there at once."""

    most = 0

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        there = [*self.env.values(), *([result] if isinstance(result, torch.Tensor) else [])]
        sizes = {value.untyped_storage().data_ptr(): value.untyped_storage().nbytes() for value in there}
        self.most = max(self.most, sum(sizes.values()))
        return result


def alive_bytes(network: Network, batch: int) -> int:
    """Distinct memory of the maps between layers, at the peak of a real forward pass."""
    model: nn.Module = build(network).eval()
    with TORCH, torch.no_grad():
        run = Alive(model, graph=_Tracer().trace(model))
        run.run(image_of(network, batch))
    return run.most


@pytest.mark.parametrize("what", NEW)
def test_live_memory_of_every_kind_of_layer(what: str) -> None:
    network = small(NEW[what], drop_path=DropPath(survival=0.5))
    assert summarize(network, 2).live_memory == alive_bytes(network, 2)


@FEW
@given(networks())
def test_live_memory_of_any_network(network: Network) -> None:
    summary = summarize(network, 2)
    assert summary.live_memory == alive_bytes(network, 2)
    assert summary.forward_memory == 4 * summary.params + summary.live_memory


def test_live_memory_by_hand() -> None:
    """ResNet-18: the stem's three maps of 64 x 112 x 112 overlap in pairs; nothing later is as large."""
    assert summarize(preset("resnet18")).live_memory == 4 * 2 * 64 * 112 * 112
