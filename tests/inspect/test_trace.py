"""Graphs: the composed trace is the whole network's, and no shortcut is ever lost by folding."""

from __future__ import annotations

from collections import Counter
from math import prod

import pytest
import torch
from hypothesis import given, settings
from pydantic import ValidationError

from resnet_viz.inspect import Graph, Node, trace
from resnet_viz.inspect.graph import Detail
from resnet_viz.inspect.operations import INPUT, operations
from resnet_viz.nn import build
from resnet_viz.nn.networks import ResidualNetwork
from resnet_viz.spec import (
    Block,
    DropPath,
    Head,
    Input,
    Lane,
    LaneConv,
    Network,
    Override,
    SpecError,
    Stage,
    Stem,
    checked,
    preset,
    presets,
)
from resnet_viz.spec.block import inception_lanes
from resnet_viz.spec.network import Decay
from resnet_viz.spec.shapes import block_shapes, problems
from tests.strategies import drafts, networks

FEW = settings(max_examples=20, deadline=None)
DETAILS: tuple[Detail, ...] = ("op", "block", "stage")
SMALL = [name for name in presets() if preset(name).blocks < 300]


def residual_blocks(network: Network) -> int:
    return sum(block.merge != "none" for block in network.each)


def seen_shortcuts(graph: Graph) -> int:
    """Shortcuts that a reader of the graph sees: folded ones, and additions that a shortcut enters."""
    kinds = {node.id: node.kind for node in graph.nodes}
    entering = sum(edge.shortcut is not None and kinds[edge.target] == "add" for edge in graph.edges)
    return entering + sum(len(node.shortcuts) for node in graph.nodes)


def assert_whole(network: Network) -> None:
    """The composed op graph has the nodes and edges of one torch.fx trace over the whole network."""
    network = checked(network)
    shape = (network.input.channels, network.input.height, network.input.width)
    whole = operations(ResidualNetwork(network), shape)
    graph = trace(network, "op")
    ours = graph.nodes[1:-1]
    # Only the pieces count a module's repeated calls for themselves, so ids are compared through positions.
    position = {node.id: i for i, node in enumerate(graph.nodes)}
    place = {INPUT: 0} | {op.id: i for i, op in enumerate(whole, 1)}
    assert [(n.path, n.kind, n.shape, n.params, n.macs) for n in ours] == [
        (op.path, op.kind, op.shape, op.params, op.macs) for op in whole
    ]
    edges = [(position[e.source], position[e.target], e.shortcut) for e in graph.edges[:-1]]
    assert edges == [(place[source], place[op.id], kind) for op in whole for source, kind in op.inputs]


@pytest.mark.parametrize("name", SMALL)
def test_composed_is_the_whole_trace_of_every_preset(name: str) -> None:
    assert_whole(preset(name))


@FEW
@given(networks())
def test_shapes_are_those_of_a_real_forward(network: Network) -> None:
    model = build(network).eval()
    shapes: dict[str, list[tuple[int, ...]]] = {}
    for path, module in model.named_modules():
        module.register_forward_hook(
            lambda _m, _i, out, path=path: shapes.setdefault(path, []).append(tuple(out.shape[1:]))
        )
    model(torch.randn(2, network.input.channels, network.input.height, network.input.width))
    for node in trace(network, "op").nodes[1:-1]:
        if node.path:
            assert node.shape == shapes[node.path].pop(0), node.id
    for node in trace(network, "block").nodes:
        if node.kind == "block":
            assert shapes[node.path] == [node.shape]
    arithmetic = [row.leaves for row in block_shapes(network)]
    assert arithmetic == [node.shape for node in trace(network, "block").nodes if node.kind == "block"]


@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("name", presets())
def test_every_shortcut_is_visible_at_every_level(name: str, detail: Detail) -> None:
    network = preset(name)
    graph = trace(network, detail)
    adds = sum(path.endswith(".add") for path, _ in build(network, "meta").named_modules())
    assert seen_shortcuts(graph) == adds == residual_blocks(network)
    if detail == "stage":
        assert [len(node.shortcuts) for node in graph.nodes if node.kind == "stage"] == [
            sum(block.merge != "none" for block in stage.each) for stage in network.stages
        ]


@FEW
@given(drafts())
def test_shortcuts_are_visible_in_any_draft(network: Network) -> None:
    for detail in DETAILS:
        graph = trace(network, detail)
        assert seen_shortcuts(graph) == residual_blocks(network)
        assert graph.problems == tuple(problem.message for problem in problems(network))


@FEW
@given(drafts())
def test_levels_agree(network: Network) -> None:
    """Folding adds up, by (stage, block); ids are unique; edges join nodes; all of them lie on the way."""
    ops, blocks, stages = (trace(network, detail) for detail in DETAILS)
    for graph in (ops, blocks, stages):
        ids = [node.id for node in graph.nodes]
        assert len(set(ids)) == len(ids)
        order = {name: i for i, name in enumerate(ids)}
        assert all(order[edge.source] < order[edge.target] for edge in graph.edges)
        assert {edge.target for edge in graph.edges} == set(ids) - {"input"}
        assert {edge.source for edge in graph.edges} == set(ids) - {"output"}
        assert (ids[0], ids[-1]) == ("input", "output")
        assert graph.nodes[-1].shape == (network.head.classes,)
        assert sum(node.params for node in graph.nodes) == sum(node.params for node in blocks.nodes)
        assert sum(node.macs for node in graph.nodes) == sum(node.macs for node in blocks.nodes)
    params: Counter[tuple[int, int]] = Counter()
    for node in ops.nodes:
        params[node.stage, node.block] += node.params
    for node in blocks.nodes:
        if node.kind == "block":
            assert params[node.stage, node.block] == node.params
    assert [node.kind for node in stages.nodes] == ["input", "stem", *["stage"] * len(network.stages), "head", "output"]


@pytest.mark.parametrize("name", SMALL)
def test_multiply_adds_added_again_from_shapes(name: str) -> None:
    """out channels x height x width x kernel² x channels of one group, from what the nodes say of themselves."""
    with_bias = dict(build(preset(name), "meta").named_parameters())
    for node in trace(preset(name), "op").nodes:
        attrs: dict[str, int] = {key: value for key, value in node.attrs.items() if isinstance(value, int)}
        if node.kind == "conv":
            per_output = attrs["kernel"] ** 2 * attrs["in_channels"] // attrs["groups"]
            assert node.macs == prod(node.shape) * per_output
            bias = attrs["out_channels"] if f"{node.path}.bias" in with_bias else 0
            assert node.params == attrs["out_channels"] * per_output + bias
        elif node.kind == "linear":
            assert node.macs == attrs["in_channels"] * attrs["out_channels"]
        else:
            assert node.macs == 0


def test_kinds_of_shortcuts() -> None:
    def kinds(name: str) -> list[str]:
        return [kind for node in trace(preset(name), "stage").nodes for kind in node.shortcuts]

    assert kinds("cifar_resnet20") == ["identity"] * 3 + ["padded", "identity", "identity"] * 2
    assert kinds("resnet18") == ["identity"] * 2 + ["projection", "identity"] * 3
    assert kinds("resnet50")[0] == "projection"
    assert kinds("plain34") == []


def lines(graph: Graph) -> list[str]:
    names = {node.id: node for node in graph.nodes}
    return [
        f"{edge.source} -> {edge.target}"
        + (f" [{edge.shortcut}]" if edge.shortcut else "")
        + f" {'x'.join(map(str, names[edge.target].shape))} {names[edge.target].label}"
        for edge in graph.edges
    ]


def test_a_small_network_in_full() -> None:
    """Golden text: a padded and an identity shortcut of He 2016a, and a projection of He 2016b."""
    preactivated = Block(width=8, order="preactivation", cardinality=2)
    network = Network(
        input=Input(channels=1, height=8, width=8),
        stem=Stem(width=4),
        stages=(Stage(stride=2, block=Block(width=6, shortcut="A")), Stage(block=preactivated)),
    )
    assert lines(trace(network, "op")) == [
        "input -> conv1 4x8x8 3 × 3 conv, 4",
        "conv1 -> bn1 4x8x8 batch norm",
        "bn1 -> relu 4x8x8 ReLU",
        "relu -> layer1.0.conv1 6x4x4 3 × 3 conv, 6, /2",
        "layer1.0.conv1 -> layer1.0.bn1 6x4x4 batch norm",
        "layer1.0.bn1 -> layer1.0.relu 6x4x4 ReLU",
        "layer1.0.relu -> layer1.0.conv2 6x4x4 3 × 3 conv, 6",
        "layer1.0.conv2 -> layer1.0.bn2 6x4x4 batch norm",
        "relu -> layer1.0.pad [padded] 6x4x4 zero padding",
        "layer1.0.bn2 -> layer1.0.add 6x4x4 addition",
        "layer1.0.pad -> layer1.0.add [padded] 6x4x4 addition",
        "layer1.0.add -> layer1.0.relu:2 6x4x4 ReLU",
        "layer1.0.relu:2 -> layer2.0.bn1 6x4x4 batch norm",
        "layer2.0.bn1 -> layer2.0.relu 6x4x4 ReLU",
        "layer2.0.relu -> layer2.0.conv1 8x4x4 3 × 3 conv, 8, 2 groups",
        "layer2.0.conv1 -> layer2.0.bn2 8x4x4 batch norm",
        "layer2.0.bn2 -> layer2.0.relu:2 8x4x4 ReLU",
        "layer2.0.relu:2 -> layer2.0.conv2 8x4x4 3 × 3 conv, 8, 2 groups",
        "layer2.0.relu -> layer2.0.downsample.0 [projection] 8x4x4 1 × 1 conv, 8",
        "layer2.0.conv2 -> layer2.0.add 8x4x4 addition",
        "layer2.0.downsample.0 -> layer2.0.add [projection] 8x4x4 addition",
        "layer2.0.add -> norm 8x4x4 batch norm",
        "norm -> act 8x4x4 ReLU",
        "act -> avgpool 8x1x1 global average pool",
        "avgpool -> flatten 8 flatten",
        "flatten -> fc 10 linear, 10",
        "fc -> output 10 output",
    ]
    assert lines(trace(network, "stage")) == [
        "input -> stem 4x8x8 stem",
        "stem -> layer1 6x4x4 1 basic block, 6",
        "layer1 -> layer2 8x4x4 1 pre-activation basic block, 8",
        "layer2 -> head 10 head",
        "head -> output 10 output",
    ]


def failing(network: Network) -> list[Node]:
    return [node for node in trace(network, "op").nodes if node.problem]


def test_a_network_that_cannot_be_built_is_drawn_all_the_same() -> None:
    good = preset("tiny_resnet8")
    bad = good.model_copy(update={"stages": (*good.stages, Stage(blocks=2, stride=4, block=Block(width=64)))})
    message = (
        "Stage 4, block 1 has stride 4, but only 2 x 2 pixels reach it: use a larger input, or a smaller stride "
        "before it."
    )
    (node,) = failing(bad)
    assert (node.id, node.kind, node.stage, node.block, node.problem) == ("layer4.0", "block", 4, 1, message)
    assert (node.shape, node.shortcuts) == ((64, 1, 1), ("projection",))
    graph = trace(bad, "op")
    assert graph.problems == (message,)
    prefix = trace(good, "op").nodes
    assert graph.nodes[: len(prefix) - 4] == prefix[:-4]
    assert [node.id for node in graph.nodes if node.stage == 4][1:4] == [
        "layer4.1.conv1", "layer4.1.bn1", "layer4.1.relu",
    ]  # fmt: skip
    for detail in DETAILS:
        marked = [node.problem for node in trace(bad, detail).nodes if node.problem]
        assert marked == [message]


def test_what_can_be_computed_of_a_failing_block_is() -> None:
    """Option A cannot take channels away; it has no weights either, so the branch alone is the whole count."""
    network = Network(stages=(Stage(), Stage(block=Block(width=8, shortcut="A"))))
    (node,) = failing(network)
    assert node.params == 16 * 8 * 9 + 8 * 8 * 9 + 4 * 8
    assert node.shortcuts == ("padded",)
    grouped = Network(stem=Stem(width=3), stages=(Stage(block=Block(width=8, cardinality=4)),))
    (node,) = failing(grouped)
    assert (node.params, node.macs, node.shape) == (0, 0, (8, 32, 32))


GATED = Block(width=8, merge="highway", shortcut="A", attention="squeeze_excitation")
LANES = Block(branch="paths", width=8, paths=inception_lanes(8))


@pytest.mark.parametrize("detail", DETAILS)
def test_a_failing_override_is_drawn_in_its_place(detail: Detail) -> None:
    """Option A cannot go from 16 to 8 channels; parallel paths before and after it are traced all the same."""
    stage = Stage(
        blocks=4, stride=2, block=LANES, overrides=(Override(index=3, block=GATED.model_copy(update={"width": 4})),)
    )
    network = Network(stages=(stage, Stage(block=GATED)))
    graph = trace(network, detail)
    (node,) = (node for node in graph.nodes if node.problem)
    assert (
        node.problem
        == graph.problems[0]
        == (
            "Stage 1, block 3 goes from 8 to 4 channels, and shortcut A can only add zero channels: use shortcut B, "
            "or a larger width."
        )
    )
    assert (node.stage, node.block) == (1, 0 if detail == "stage" else 3)
    assert seen_shortcuts(graph) == residual_blocks(network) == 5
    if detail == "op":
        assert (node.id, node.shape, node.shortcuts) == ("layer1.2", (4, 16, 16), ("gated",))
        # What can be built: the branch with its attention, without gate and shortcut.
        assert node.params == 8 * 4 * 9 + 4 * 4 * 9 + 4 * 4 + 2 * (4 * 4 + 4)
        assert {n.block for n in graph.nodes if n.kind == "concat"} == {1, 2, 4}
        before = [edge.source for edge in graph.edges if edge.target == "layer1.3.paths.0.conv1"]
        assert before == ["layer1.2"]


def test_a_failing_gate_with_dropped_branches_is_drawn() -> None:
    network = Network(
        input=Input(channels=3, height=2, width=2), stages=(Stage(blocks=2), Stage(stride=4, block=GATED)),
        drop_path=DropPath(survival=0.5),
    )  # fmt: skip
    (node,) = failing(network)
    assert (node.stage, node.block, node.shape, node.shortcuts) == (2, 1, (8, 1, 1), ("gated",))
    assert len(trace(network, "op").problems) == 2


def test_pools_have_their_own_names() -> None:
    lanes = tuple(Lane(pool=pool, convs=(LaneConv(kernel=1, width=4),)) for pool in ("max", "average"))
    network = Network(stages=(Stage(blocks=2, stride=2, block=Block(branch="paths", paths=lanes)),))
    labels = [node.label for node in trace(network, "op").nodes if node.kind == "pool"]
    assert labels == [
        "3 × 3 max pool, /2", "3 × 3 average pool, /2", "3 × 3 max pool", "3 × 3 average pool", "global average pool",
    ]  # fmt: skip


@pytest.mark.parametrize("decay", ["linear", "constant"])
def test_each_dropped_branch_says_its_own_probability(decay: Decay) -> None:
    stages = (Stage(blocks=3), Stage(blocks=3, stride=2, block=Block(width=32, shortcut_dropout=0.25)))
    network = Network(stages=stages, drop_path=DropPath(survival=0.5, decay=decay))
    model = build(network, "meta")
    told = {node.path: node.attrs["survival"] for node in trace(network, "op").nodes if node.kind == "drop"}
    assert told == {path: model.get_submodule(path).survival for path in told}
    assert len(told) == 9


def test_a_stages_attributes_are_those_of_its_usual_block() -> None:
    other = Block(merge="none", branch="bottleneck")
    network = Network(stages=(Stage(blocks=3, stride=2, overrides=(Override(index=1, block=other),)),))
    stage = trace(network, "stage").nodes[2]
    assert (stage.attrs["branch"], stage.attrs["merge"], stage.attrs["stride"], stage.attrs["blocks"]) == (
        "basic", "add", 2, 3,
    )  # fmt: skip


def test_a_stem_that_fails_is_marked() -> None:
    network = preset("resnet18").model_copy(update={"input": Input(channels=3, height=2, width=2)})
    node = failing(network)[0]
    assert (node.id, node.kind, node.shape) == ("stem", "stem", (64, 1, 1))
    assert node.problem == (
        "The stem divides the size by 4, but the input is only 2 x 2: use a larger input or a smaller stem stride."
    )


def test_refusals() -> None:
    with pytest.raises(SpecError) as refusal:
        trace(preset("resnet18"), "layer")  # type: ignore[arg-type]
    assert str(refusal.value) == "detail is 'layer': use one of stage, block, op."
    broken = preset("resnet18").model_copy(update={"head": Head().model_copy(update={"classes": 0})})
    with pytest.raises(ValidationError):
        trace(broken)


def test_a_changed_answer_does_not_spoil_the_next() -> None:
    """Pieces are cached; what is handed out is the caller's own."""
    first = trace(preset("resnet18"), "op")
    for node in first.nodes:
        node.attrs.clear()
    assert trace(preset("resnet18"), "op").nodes[1].attrs["kernel"] == 7


def test_networks_that_differ_in_one_field_are_not_confused() -> None:
    base = preset("tiny_resnet8")
    relu, tanh = base, base.model_copy(
        update={
            "stages": tuple(
                stage.model_copy(update={"block": stage.block.model_copy(update={"activation": "tanh"})})
                for stage in base.stages
            )
        }
    )  # fmt: skip
    for network, words in ((relu, "ReLU"), (tanh, "tanh"), (relu, "ReLU")):
        labels = {n.label for n in trace(network, "op").nodes if n.kind == "activation" and n.stage}
        assert labels == {words}
