"""The layout of the graph: nothing lost, nothing overlapping, nothing moved that an edit did not touch."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from resnet_viz.draw.drawing import Label, Layout, Mark
from resnet_viz.draw.layout import HEIGHT, MAIN, layout
from resnet_viz.draw.table import table_rows
from resnet_viz.draw.zoom import UNFOLDED, fold, zoom
from resnet_viz.inspect import Edge, Graph, Node, summarize, trace
from resnet_viz.spec import Block, Input, Lane, LaneConv, Network, Override, Stage, preset, presets
from resnet_viz.spec.shapes import problems
from tests.strategies import drafts

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
    """Pairs of boxes that overlap; sorted by left edge."""
    boxes = sorted(marks, key=lambda m: m.x)
    found = []
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            if b.x >= a.right:
                break
            if a.y < b.y + b.height and b.y < a.y + a.height:
                found.append((a.node, b.node))
    return found


def covered(picture: Layout) -> list[tuple[str, str]]:
    """Texts that a box covers, other than the one that they belong to."""
    found = []
    for label in picture.labels:
        left, top, right, bottom = label.extent
        for mark in picture.marks:
            apart = mark.right <= left or right <= mark.x or mark.y + mark.height <= top or bottom <= mark.y
            if not apart and not (mark.node == label.node and label.style in ("inside", "lane")):
                found.append((label.text, mark.node))
    return found


def inside(picture: Layout) -> bool:
    """Whether everything lies in the picture."""
    across = [x for m in picture.marks for x in (m.x, m.right)] + [x for a in picture.arcs for x in (a.x0, a.x1)]
    down = [y for m in picture.marks for y in (m.y, m.y + m.height)] + [a.top for a in picture.arcs]
    for label in picture.labels:
        left, top, right, bottom = label.extent
        across += [left, right]
        down += [top, bottom]
    points = [point for wire in picture.wires for point in wire.points]
    across, down = across + [x for x, _ in points], down + [y for _, y in points]
    return min(across) >= 0 and max(across) <= picture.width and min(down) >= 0 and max(down) <= picture.height


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


def one(block: Block, blocks: int = 2, **more: object) -> Network:
    """A network of one stage whose first block has stride 2."""
    return Network.model_validate({"stages": (Stage(blocks=blocks, stride=2, block=block),), **more})


def texts(picture: Layout, style: str) -> list[str]:
    return [label.text for label in picture.labels if label.style == style]


def test_parallel_paths_lie_between_fork_and_join() -> None:
    picture = drawn(one(Block(branch="paths", width=64)), 1, 1)
    marks = {mark.node: mark for mark in picture.marks}
    rows = [marks[f"layer1.0.paths.{i}.conv1"].y for i in range(4)]
    assert rows == sorted(rows) and len(set(rows)) == 4
    assert texts(picture, "lane") == [
        "1×1 · 16, ÷2", "1×1 · 16, ÷2", "1×1 · 16, ÷2", "max 3×3, ÷2", "3×3 · 16", "3×3 · 16", "1×1 · 16", "3×3 · 16",
    ]  # fmt: skip
    join = marks["layer1.0.paths.join"]
    assert (join.shape, join.y + join.height / 2) == ("join", MAIN)
    lanes = [wire for wire in picture.wires if wire.kind == "lane"]
    ends = {(wire.points[0][0], wire.points[-1][0]) for wire in lanes}
    assert len(lanes) == 4 and len(ends) == 1
    (fork, end) = ends.pop()
    assert picture.arcs[0].x0 < fork < marks["layer1.0.paths.0.conv1"].x and end < join.x
    assert [(line.y, line.reached) for line in picture.lines] == [(MAIN, True)] * 2
    assert (picture.lines[0].x1, picture.lines[1].x0) == (fork, end)


def test_a_pool_on_a_path_says_which() -> None:
    lanes = tuple(Lane(pool=pool, convs=(LaneConv(kernel=1, width=4),)) for pool in ("max", "average"))
    words = texts(drawn(one(Block(branch="paths", paths=lanes)), 1, 2), "lane")
    assert words == ["max 3×3", "average 3×3", "1×1 · 4", "1×1 · 4"]


def test_of_many_paths_eight_are_drawn_and_the_others_counted() -> None:
    block = Block(branch="bottleneck", width=64, cardinality=32, base_width=4, form="split_sum")
    picture = drawn(one(block), 1, 1)
    assert len([wire for wire in picture.wires if wire.kind == "lane"]) == 9
    more = next(mark for mark in picture.marks if mark.node == "layer1.0.paths+")
    assert (more.path, more.title) == ("layer1.0.paths", "24 more paths, stage 1, block 1")
    assert "… 24 more" in texts(picture, "lane")
    graph = trace(one(block), "op")
    later = tuple(f"layer1.0.paths.{i}." for i in range(8, 32))
    folded = [node for node in graph.nodes if node.path.startswith(later)]
    assert f"{sum(node.params for node in folded):,} parameters" in more.detail
    (join,) = [mark for mark in picture.marks if mark.node == "layer1.0.paths.join"]
    assert join.shape == "plus" and join.tone == "quiet"


def test_attention_is_one_box_on_a_bow_of_its_own() -> None:
    network = one(Block(width=64, attention="squeeze_excitation"))
    picture = drawn(network, 1, 1)
    marks = {mark.node: mark for mark in picture.marks}
    box, product = marks["layer1.0.se"], marks["layer1.0.se.scale"]
    assert box.title == "squeeze-excitation, stage 1, block 1" and box.y + box.height < MAIN
    inner = [node for node in trace(network, "op").nodes if node.path.startswith("layer1.0.se.")]
    assert f"{sum(node.params for node in inner):,} parameters" in box.detail
    assert (product.shape, product.tone, product.y + product.height / 2) == ("times", "quiet", MAIN)
    (wire,) = [wire for wire in picture.wires if wire.kind == "attention"]
    assert wire.points[0][1] == MAIN and wire.points[-1] == (product.centre, product.y)
    (line,) = picture.lines
    assert line.y == MAIN


@pytest.mark.parametrize(("merge", "order"), [("highway", "original"), ("shortcut_gate", "preactivation")])
def test_a_gate_leads_to_what_it_weighs(merge: str, order: str) -> None:
    picture = drawn(one(Block.model_validate({"width": 32, "merge": merge, "order": order})), 1, 1)
    marks = {mark.node: mark for mark in picture.marks}
    (bow,) = [arc for arc in picture.arcs if not arc.small]
    carry, gate = marks["layer1.0.carry"], marks["layer1.0.gate.conv"]
    assert bow.kind == "gated" and carry.shape == "times" and carry.y + carry.height / 2 == bow.top
    assert bow.x0 < gate.x < gate.right < carry.x < bow.x1 and "gate 1×1" in texts(picture, "lane")
    wires = [wire.points[-1] for wire in picture.wires if wire.kind == "gate"]
    assert wires[0] == (carry.centre, carry.y + carry.height)
    if merge == "highway":
        transform = marks["layer1.0.transform"]
        assert wires[1:] == [(transform.centre, transform.y)] and transform.tone == "sign"
        assert "T F(x) + (1 − T) x" in texts(picture, "name")
    else:
        assert len(wires) == 1 and "F(x) + (1 − T) x" in texts(picture, "name")
    assert texts(picture, "shortcut") == ["(1 − T) x, projected, ÷2"]


def test_strengths_and_what_is_dropped_stand_on_their_lines() -> None:
    block = Block(width=16, alpha=0.5, beta=-0.25, shortcut_dropout=0.3)
    picture = drawn(one(block, blocks=4, drop_path={"survival": 0.5, "decay": "linear"}), 1, 2)
    assert sorted(texts(picture, "factor")) == ["× 0.5", "× −0.25"]
    assert texts(picture, "lane") == ["drop 0.3", "p 0.75"], "of block 2 of 4: 1 - 2/4 (1 - 0.5)"
    assert "−0.25 F(x) + 0.5 x" in texts(picture, "name")
    marks = {mark.node: mark for mark in picture.marks}
    assert marks["layer1.1.drop_path"].shape == marks["layer1.1.dropout"].shape == "pill"
    assert marks["layer1.1.add"].detail.endswith("alpha 0.5 · beta -0.25")
    assert [arc.kind for arc in picture.arcs] == ["scaled"] * 4
    assert marks["layer1.2+"].detail.endswith("2 shortcuts (2 scaled × 0.5)")


def test_blocks_that_differ_do_not_fold() -> None:
    """Also where the difference costs nothing and changes no shape."""
    own = Block(width=16, activation="gelu")
    stage = Stage(
        blocks=9, block=Block(width=16), overrides=(Override(index=4, block=own), Override(index=5, block=own))
    )
    network = Network(stages=(stage,))
    picture = drawn(network, 1)
    names = ["layer1.0+", "layer1.3+", "layer1.5+"]
    assert [mark.node for mark in picture.marks if mark.node.startswith("layer1")] == names
    rows = table_rows(summarize(network).rows, own={(1, 4), (1, 5)})
    assert [row.layer for row in rows if row.folded] == ["layer1.1 … layer1.2", "layer1.6 … layer1.8"]
    single = Stage(blocks=3, block=Block(width=16), overrides=(Override(index=2, block=own),))
    assert "differs" in texts(drawn(Network(stages=(single,)), 1), "caption")
    frames = [texts(drawn(Network(stages=(single,)), 1, block), "frame") for block in (1, 2)]
    assert frames == [["stage 1 · 3 blocks"], ["stage 1 · 3 blocks · block 2 differs"]]


def test_so_many_arcs_stay_inside_the_picture() -> None:
    assert inside(drawn(one(Block(width=1), blocks=1000, input={"channels": 1, "height": 2, "width": 2})))


def found_under(path: str, picture: Layout) -> bool:
    return any(path == mark.path or path.startswith(f"{mark.path}.") for mark in picture.marks if mark.path)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drafts())
def test_any_network_is_drawn_whole(network: Network) -> None:
    """Also one that cannot be built: with every stage and block opened no text touches another text or a box, every
    shortcut has its arc, and every operation its box or one that it is folded into."""
    graphs = [trace(network, detail) for detail in ("stage", "block", "op")]
    shortcuts = sum(block.merge != "none" for block in network.each)
    places = [(0, 0)] + [(s, b) for s, spec in enumerate(network.stages, 1) for b in range(spec.blocks + 1)]
    for stage, block in places:
        graph = zoom(*graphs, stage=stage, block=block)
        picture = layout(graph, stage=stage, block=block)
        assert len(picture.arcs) == shortcuts
        assert overlapping(picture.marks) == [] and crossings(picture.labels) == [] and covered(picture) == []
        assert inside(picture)
        assert all(found_under(node.path, picture) for node in graph.nodes if node.path)
        assert len({mark.node for mark in picture.marks}) == len(picture.marks)
        assert layout(graph, stage=stage, block=block) == picture
