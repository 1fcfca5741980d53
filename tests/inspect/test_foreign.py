"""Modules of anybody's: torchvision's counts, every shortcut found and drawn, the module itself never touched."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import nn

from resnet_viz.draw.boxes import boxes
from resnet_viz.draw.layout import layout
from resnet_viz.inspect import summarize
from resnet_viz.inspect.foreign import Foreign, inspect_model
from resnet_viz.nn import build
from resnet_viz.spec import SpecError, preset
from tests.inspect.own_models import Beside, Counting, Decides, Raises, mlp

IMAGE = (3, 224, 224)


def views(model: Foreign) -> list[tuple[int, int]]:
    return [(0, 0), *((s, b) for s, part in enumerate(model.parts, 1) for b in range(part.blocks + 1))]


def check_views(model: Foreign) -> None:
    """However it is opened, each shortcut is drawn exactly once and all parameters are in some box."""
    for stage, block in views(model):
        graph = boxes(model, stage=stage, block=block)
        drawn = layout(graph, stage=stage, block=block)
        assert Counter(arc.kind for arc in drawn.arcs) == Counter(s.kind for s in model.shortcuts), (stage, block)
        assert sum(node.params for node in graph.nodes) == model.params - model.unused, (stage, block)
        assert sum(node.macs for node in graph.nodes) == model.macs, (stage, block)


def test_resnet18_has_eight_additions_and_three_projections(tv: object) -> None:
    model = tv.resnet18()  # type: ignore[attr-defined]
    found = inspect_model(model, IMAGE)
    published = tv.ResNet18_Weights.DEFAULT.meta["num_params"]  # type: ignore[attr-defined]
    assert found.params == found.params_torchinfo == published
    assert (found.macs, found.macs_torchinfo) == (1_814_073_344, 1_814_083_944)
    assert Counter(shortcut.kind for shortcut in found.shortcuts) == {"identity": 5, "projection": 3}
    assert [(part.path, part.blocks) for part in found.parts] == [(f"layer{i}", 2) for i in (1, 2, 3, 4)]
    assert found.output == (1000,)
    assert found.note is None
    check_views(found)


@pytest.mark.parametrize(
    ("name", "kinds", "gmacs"),
    [
        ("densenet121", {}, 2.834),
        ("mobilenet_v3_small", {"identity": 6}, 0.057),
        ("vit_b_16", {"identity": 24}, 16.85),
        pytest.param("googlenet", {}, 1.498, marks=pytest.mark.long),
        pytest.param("vgg16", {}, 15.470, marks=pytest.mark.long),
        pytest.param("resnet50", {"identity": 12, "projection": 4}, 4.089, marks=pytest.mark.long),
        pytest.param("convnext_tiny", {"identity": 18}, 4.456, marks=pytest.mark.long),
        pytest.param("shufflenet_v2_x1_0", {}, 0.145, marks=pytest.mark.long),
    ],
)
def test_torchvisions_networks(tv: object, name: str, kinds: dict[str, int], gmacs: float) -> None:
    options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    with torch.device("meta"):
        model = getattr(tv, name)(**options)
    found = inspect_model(model, IMAGE)
    published = tv.get_model_weights(name).DEFAULT.meta["num_params"]  # type: ignore[attr-defined]
    assert found.params == found.params_torchinfo == published
    assert found.unused == 0
    assert found.macs / 1e9 == pytest.approx(gmacs, abs=0.005)
    assert Counter(shortcut.kind for shortcut in found.shortcuts) == kinds
    assert found.note is None
    check_views(found)


@pytest.mark.parametrize("name", ["tiny_resnet8", "cifar_resnet20", "tiny_plain8"])
def test_our_own_networks_give_the_summarys_counts(name: str) -> None:
    network = preset(name)
    summary = summarize(network)
    shape = (network.input.channels, network.input.height, network.input.width)
    found = inspect_model(build(network), shape)
    assert (found.params, found.macs, found.macs_torchinfo) == (summary.params, summary.macs, summary.macs_torchinfo)
    assert [row.path for row in found.rows if row.kind == "conv"] == [r.path for r in summary.rows if r.kind == "conv"]
    check_views(found)


def test_a_projection_in_a_container_beside_the_branch_stands_on_the_bow() -> None:
    found = inspect_model(Beside(), (3, 8, 8))
    assert [(s.fork, s.side, s.kind) for s in found.shortcuts] == [("stem", ("short.0", "short.1"), "projection")]
    drawn = layout(boxes(found))
    assert [arc.small for arc in drawn.arcs] == [False]
    assert {mark.tone for mark in drawn.marks if mark.node.startswith("short")} == {"projection"}
    check_views(found)


def test_the_module_is_not_touched() -> None:
    model = Counting()
    model.train()
    model.again.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(7)
    state = torch.random.get_rng_state()
    found = inspect_model(model, (3, 8, 8))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert (model.calls, model.training, model.norm.training, model.again.training) == (0, True, True, False)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())
    assert (found.params, found.unused) == (3 + 6 + 84 + 42, 42)
    assert found.macs == 2 * 8 * 8 * 81


def test_control_flow_by_the_data_falls_back_to_module_calls_and_says_so() -> None:
    model = Decides()
    found = inspect_model(model, (3, 8, 8))
    assert found.note == (
        "Drawn from module calls: additions and other functions between modules are not seen, because torch.fx cannot "
        "follow the forward pass (it decides by the data)."
    )
    assert [(step.path, step.shape, step.params) for step in found.steps] == [
        ("conv", (8, 6, 6), 224),
        ("fc", (2,), 18),
    ]
    assert found.params == found.params_torchinfo == 242
    assert not any(module._forward_hooks for module in model.modules())
    check_views(found)


def test_a_row_of_plain_layers_needs_no_parts() -> None:
    found = inspect_model(mlp(), (3, 8, 8))
    assert [step.kind for step in found.steps] == ["flatten", "linear", "activation", "linear"]
    assert (found.parts, found.macs, found.output) == ((), 192 * 16 + 64, (4,))
    check_views(found)


def test_two_branches_of_one_length_are_no_shortcut() -> None:
    class Twins(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y: torch.Tensor = self.a(x) + self.b(x)
            return y

    found = inspect_model(Twins(), (3, 8, 8))
    assert found.shortcuts == ()
    assert [node.kind for node in boxes(found).nodes] == ["input", "other", "add"]
    check_views(found)


@pytest.mark.parametrize(
    ("model", "shape", "sentence"),
    [
        (
            Raises(),
            (3, 8, 8),
            "The forward pass of Raises raised ValueError: three channels are wanted, for one input of 3x8x8: give the "
            "size that it takes with --input, as in --input 1x28x28.",
        ),
        (
            mlp(),
            (3, 9, 9),
            "The forward pass of Sequential raised RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x243 and "
            "192x16), for one input of 3x9x9: give the size that it takes with --input, as in --input 1x28x28.",
        ),
    ],
)
def test_a_forward_pass_that_raises_is_one_sentence(model: nn.Module, shape: tuple[int, ...], sentence: str) -> None:
    with pytest.raises(SpecError) as caught:
        inspect_model(model, shape)
    assert str(caught.value) == sentence
