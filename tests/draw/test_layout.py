"""The layout of the graph: nothing lost, nothing overlapping, nothing moved that an edit did not touch."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resnet_viz.draw.drawing import Label, Layout, Mark
from resnet_viz.draw.layout import HEIGHT, MAIN, layout
from resnet_viz.draw.zoom import UNFOLDED, fold, zoom
from resnet_viz.inspect import Edge, Graph, Node, trace
from resnet_viz.spec import Block, Input, Network, Stage, preset, presets
from resnet_viz.spec.shapes import problems

ZOOMED = (
    "resnet50", "resnext50_32x4d", "cifar_resnet1202", "tiny_resnet8", "preact_resnet110", "plain34", "cifar_plain110",
)  # fmt: skip


def drawn(network: Network, stage: int = 0, block: int = 0) -> Layout:
    graphs = [trace(network, detail) for detail in ("stage", "block", "op")]
    return layout(zoom(*graphs, stage=stage, block=block), stage=stage, block=block)


def adds(network: Network) -> int:
    return sum(block.merge != "none" for block in network.each)


def crossings(labels: tuple[Label, ...]) -> list[tuple[str, str]]:
    """Pairs of texts that touch; sorted by left edge, so that long pictures stay quick."""
    boxes = sorted((label.extent, label.text) for label in labels if label.text)
    found = []
    for i, (a, text) in enumerate(boxes):
        for b, other in boxes[i + 1 :]:
            if b[0] >= a[2]:
                break
            if a[1] < b[3] and b[1] < a[3]:
                found.append((text, other))
    return found


def overlapping(marks: tuple[Mark, ...]) -> list[tuple[str, str]]:
    main = sorted((m for m in marks if m.y < MAIN < m.y + m.height), key=lambda m: m.x)
    return [(a.node, b.node) for a, b in pairwise(main) if b.x < a.right]


@pytest.mark.parametrize("name", presets())
@pytest.mark.parametrize("detail", ["stage", "block", "op"])
def test_no_shortcut_disappears_at_any_level(name: str, detail: str) -> None:
    network = preset(name)
    assert len(layout(trace(network, detail)).arcs) == adds(network)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", presets())
def test_no_shortcut_disappears_by_opening_and_folding(name: str) -> None:
    network = preset(name)
    for stage, spec in enumerate(network.stages, 1):
        for block in {0, 1, min(2, spec.blocks), spec.blocks}:
            assert len(drawn(network, stage, block).arcs) == adds(network), (stage, block)


@pytest.mark.parametrize("name", presets())
def test_texts_and_boxes_do_not_overlap(name: str) -> None:
    network = preset(name)
    for stage in range(len(network.stages) + 1):
        for block in {0, min(1, stage), min(2, stage)}:
            picture = drawn(network, stage, block)
            assert crossings(picture.labels) == [], (stage, block)
            assert overlapping(picture.marks) == [], (stage, block)


@pytest.mark.parametrize("name", ZOOMED)
def test_everything_lies_inside_the_picture(name: str) -> None:
    network = preset(name)
    for stage in range(len(network.stages) + 1):
        picture = drawn(network, stage, min(stage, 1))
        assert picture.height == HEIGHT
        for mark in picture.marks:
            assert mark.x >= 0 and mark.right <= picture.width and mark.y >= 0 and mark.y + mark.height <= HEIGHT
        for arc in picture.arcs:
            assert 0 <= arc.x0 < arc.x1 <= picture.width and 0 <= arc.top < min(arc.y0, arc.y1)
        for label in picture.labels:
            left, top, right, bottom = label.extent
            assert left >= 0 and right <= picture.width and top >= 0 and bottom <= HEIGHT, label


@pytest.mark.parametrize("name", ["resnet50", "cifar_resnet1202"])
def test_a_network_fits_a_laptop_without_scrolling(name: str) -> None:
    """At 1366 pixels the graph has 800 of them, and is drawn at 0.8 at least."""
    network = preset(name)
    for stage in range(len(network.stages) + 1):
        for block in {0, min(stage, 1), min(stage, 2)}:
            assert drawn(network, stage, block).width <= 800 / 0.8, (stage, block)


def test_main_path_is_one_straight_line_and_height_follows_the_feature_map() -> None:
    picture = drawn(preset("resnet50"))
    (line,) = picture.lines
    boxes = {mark.node: mark for mark in picture.marks}
    assert line.y == MAIN and line.x0 < boxes["stem"].x and line.x1 > boxes["layer4"].right
    assert all(mark.y + mark.height / 2 == pytest.approx(MAIN) for mark in picture.marks)
    heights = [boxes[f"layer{i}"].height for i in (1, 2, 3, 4)]
    assert heights == sorted(heights, reverse=True) and len(set(heights)) == 4


def test_shortcuts_of_each_kind_are_drawn_as_such() -> None:
    first = drawn(preset("resnet50"), 2, 1)
    (bow,) = [arc for arc in first.arcs if not arc.small]
    assert bow.kind == "projection"
    on_bow = [mark.shape for mark in first.marks if mark.tone == "projection"]
    assert on_bow == ["box", "solid_bar"]
    (bow,) = [arc for arc in drawn(preset("resnet50"), 2, 2).arcs if not arc.small]
    assert bow.kind == "identity"
    padded = drawn(preset("cifar_resnet20"), 2, 1)
    (bow,) = [arc for arc in padded.arcs if not arc.small]
    assert bow.kind == "padded" and [m.shape for m in padded.marks if m.tone == "projection"] == ["notch"]


def test_the_opened_block_names_x_branch_and_sum() -> None:
    named = {label.text for label in drawn(preset("resnext50_32x4d"), 2, 2).labels if label.style == "name"}
    assert named == {"x", "F(x)", "F(x) + x"}
    plain = {label.text for label in drawn(preset("plain34"), 2, 2).labels if label.style == "name"}
    assert plain == {"F(x)"}


def test_grouped_convolutions_have_up_to_eight_lanes() -> None:
    lanes = {mark.path: mark.lanes for mark in drawn(preset("resnext50_32x4d"), 1, 1).marks}
    assert lanes["layer1.0.conv2"] == 8 and lanes["layer1.0.conv1"] == 0
    block = Block(cardinality=4, width=16)
    four = drawn(Network(stages=(Stage(block=block),)), 1, 1)
    assert {mark.lanes for mark in four.marks if mark.path.startswith("layer1.0.conv")} == {4}


def test_a_folded_run_is_one_box_with_all_its_arcs() -> None:
    blocks = [node for node in trace(preset("cifar_resnet110"), "block").nodes if node.stage == 2]
    first, rest = fold(blocks)
    assert (first.id, rest.attrs["blocks"], len(rest.shortcuts)) == ("layer2.0", 17, 17)
    assert first.params + rest.params == sum(node.params for node in blocks)
    assert first.macs + rest.macs == sum(node.macs for node in blocks)
    opened = zoom(trace(preset("cifar_resnet110"), "stage"), trace(preset("cifar_resnet110"), "block"), stage=2)
    assert [node.id for node in opened.nodes if node.stage == 2] == ["layer2.0", "layer2.1+"]
    assert "blocks 2–18" in {label.text for label in layout(opened, stage=2).labels}


def test_a_small_stage_opens_into_each_of_its_blocks() -> None:
    network = preset("resnet50")
    assert network.stages[2].blocks == UNFOLDED
    paths = [mark.path for mark in drawn(network, 3).marks if mark.path.startswith("layer3")]
    assert paths == [f"layer3.{i}" for i in range(6)]


def test_an_edit_moves_only_what_changed() -> None:
    network = preset("resnet50")
    stages = list(network.stages)
    stages[2] = stages[2].model_copy(update={"blocks": 9})
    deeper = network.model_copy(update={"stages": tuple(stages)})
    before, after = ({m.node: (m.x, m.y, m.width, m.height) for m in drawn(n).marks} for n in (network, deeper))
    assert before == after
    stages[2] = stages[2].model_copy(update={"block": stages[2].block.model_copy(update={"width": 512})})
    wider = network.model_copy(update={"stages": tuple(stages)})
    assert {m.node: (m.x, m.width) for m in drawn(wider).marks} == {k: (v[0], v[2]) for k, v in before.items()}


def test_the_failing_node_is_marked_with_its_sentence_and_the_rest_is_drawn() -> None:
    small = preset("tiny_resnet8").model_copy(update={"input": Input(channels=1, height=1, width=1)})
    picture = drawn(small)
    assert [mark.node for mark in picture.marks] == ["input", "stem", "layer1", "layer2", "layer3", "head"]
    assert [mark.node for mark in picture.marks if mark.problem] == ["layer2", "layer3"]
    told = " ".join(label.text for label in picture.labels if label.style == "problem")
    assert told == problems(small)[0].message
    assert [line.reached for line in picture.lines] == [True, False]
    assert len(picture.arcs) == 3 and crossings(picture.labels) == []
    opened = drawn(small, 2, 1)
    assert [mark.path for mark in opened.marks if mark.problem] == ["layer2.0", "layer3"]


def test_every_mark_has_a_name_and_what_hovering_reads() -> None:
    marks = {mark.node: mark for mark in drawn(preset("resnext50_32x4d"), 2, 2).marks}
    assert marks["layer2.1.conv2"].title == "3×3 convolution, 32 groups, stage 2, block 2"
    assert marks["layer2.1.conv2"].detail == "layer2.1.conv2 · 256 × 28 × 28 · 18,432 parameters · 14.5 M multiply-adds"
    assert marks["layer3"].title == "stage 3, 6 blocks, 6 shortcuts (1 projection, 5 identity)"
    assert marks["layer2.2+"].title == "stage 2, blocks 3 to 4, all equal, 2 shortcuts (2 identity)"
    assert all(mark.title and mark.detail for mark in marks.values())


def test_a_graph_made_by_hand() -> None:
    nodes = (
        Node("in", "input", "input", "", shape=(1, 8, 8)),
        Node("c", "conv", "conv", "c", 1, 1, (8, 8, 8), attrs={"kernel": 3}),
        Node("p", "conv", "conv", "p", 1, 1, (8, 8, 8), attrs={"kernel": 1}),
        Node("add", "add", "+", "add", 1, 1, (8, 8, 8)),
    )
    edges = (Edge("in", "c"), Edge("in", "p", "projection"), Edge("p", "add", "projection"), Edge("c", "add"))
    picture = layout(Graph("op", nodes, edges), stage=1, block=1)
    marks = {mark.node: mark for mark in picture.marks}
    assert marks["in"].right < picture.arcs[0].x0 < marks["c"].x < marks["c"].right < marks["add"].x
    assert picture.arcs[0].x1 == marks["add"].centre and picture.arcs[0].y1 == marks["add"].y
    assert marks["p"].y + marks["p"].height < marks["c"].y


def test_an_empty_graph_is_an_empty_picture() -> None:
    picture = layout(Graph("stage", (), ()))
    assert (picture.marks, picture.lines, picture.arcs, picture.labels, picture.frame) == ((), (), (), (), None)


stages = st.builds(
    lambda blocks, stride, branch, merge, shortcut, order, width, cardinality: Stage(
        blocks=blocks,
        stride=stride,
        block=Block(
            branch=branch, merge=merge, shortcut=shortcut, order=order, width=width * 8 * cardinality,
            cardinality=cardinality,
        ),
    ),
    st.integers(1, 12), st.integers(1, 4), st.sampled_from(["basic", "bottleneck"]), st.sampled_from(["none", "add"]),
    st.sampled_from("ABC"), st.sampled_from(["original", "preactivation"]), st.integers(1, 8),
    st.sampled_from([1, 2, 32]),
)  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(stages, min_size=1, max_size=4), st.integers(1, 64), st.data())
def test_any_network_is_drawn_whole(parts: list[Stage], side: int, data: st.DataObject) -> None:
    """Also one that cannot be built: every node has its mark, every shortcut its arc, no two texts touch."""
    network = Network(input=Input(channels=3, height=side, width=side), stages=tuple(parts))
    stage = data.draw(st.integers(0, len(parts)))
    block = data.draw(st.integers(0, parts[stage - 1].blocks)) if stage else 0
    blocks, ops = (trace(network, "block") if stage else None), (trace(network, "op") if block else None)
    graph = zoom(trace(network, "stage"), blocks, ops, stage=stage, block=block)
    picture = layout(graph, stage=stage, block=block)
    assert [mark.node for mark in picture.marks] == [node.id for node in graph.nodes]
    assert len(picture.arcs) == adds(network)
    assert overlapping(picture.marks) == [] and crossings(picture.labels) == []
    assert all(a.node != b.node for a, b in combinations(picture.marks, 2))
