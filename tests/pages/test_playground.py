"""The playground through Streamlit's own tester: edits change the counts, bad input is one sentence, no traceback."""

from __future__ import annotations

import math
import random
import re
import time
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from resnet_viz.draw.wording import size
from resnet_viz.inspect import summarize
from resnet_viz.spec import Block, Network, Override, ShareError, Stage, encode, plain_twin, preset
from resnet_viz.ui import warming
from resnet_viz.ui.address import STALE_SECONDS
from resnet_viz.ui.draft import SESSION, Draft, changed
from resnet_viz.ui.graph_view import SESSION as FOCUS
from resnet_viz.ui.graph_view import Focus, focus_from
from resnet_viz.ui.layer_table import COLUMNS

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "playground.py")


HELD = "Counts and race are of the last valid network."


def opened(text: str | None = "p1.tiny_resnet20") -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=60)
    if text is not None:
        app.query_params["n"] = text
    return checked(app.run())


def checked(app: AppTest) -> AppTest:
    assert [error.value for error in app.exception] == []
    return app


def number(app: AppTest, label: str) -> Any:
    return next(widget for widget in app.number_input if widget.label == label)


def set_number(app: AppTest, label: str, value: int | None) -> AppTest:
    return checked(number(app, label).set_value(value).run())


def pick(app: AppTest, place: str, value: Any) -> AppTest:
    key = f"play {place}"
    widget = next(w for w in (*app.selectbox, *app.button_group) if w.key == key)
    return checked(widget.set_value(value).run())


def press(app: AppTest, label: str) -> AppTest:
    return checked(next(button for button in app.button if button.label == label).click().run())


def network(app: AppTest) -> Network:
    found: Network = app.session_state[SESSION].network
    return found


def address(app: AppTest) -> str:
    value = app.query_params["n"]
    return value if isinstance(value, str) else value[0]


def shown(app: AppTest) -> list[str]:
    return [metric.value for metric in app.metric]


def captions(app: AppTest) -> list[str]:
    return [caption.value for caption in app.caption]


def told(app: AppTest) -> list[str]:
    return [error.value.replace("\\", "") for error in app.error]


def test_the_first_visit_shows_a_resnext() -> None:
    app = opened(None)
    assert shown(app) == ["25,028,904", "4.23 G"] and told(app) == []
    assert [metric.delta for metric in app.metric] == ["same as resnext50\\_32x4d"] * 2
    assert "n" not in app.query_params


def test_an_edit_changes_counts_graph_table_and_address() -> None:
    app = set_number(opened(), "Blocks in stage 2", 4)
    assert network(app).stages[1].blocks == 4
    assert shown(app)[0] == f"{summarize(network(app)).params:,}"
    difference = summarize(network(app)).params - summarize(preset("tiny_resnet20")).params
    assert app.metric[0].delta.replace("\\", "") == f"+{difference:,} against tiny_resnet20"
    assert address(app) == encode(network(app))
    assert "layer2.2 … layer2.3" in list(app.dataframe[0].value["layer"])


def test_resnext_is_two_edits_away_from_resnet() -> None:
    app = pick(opened(), "start", "resnet50")
    assert app.session_state["playground scope"] == "all"
    app = set_number(app, "Cardinality", 32)
    assert shown(app)[0] == f"{summarize(network(app)).params:,}" != "25,557,032"
    app = set_number(app, "Base width", 4)
    assert shown(app) == ["25,028,904", "4.23 G"] and told(app) == []
    assert network(app).stages == preset("resnext50_32x4d").stages


def flip(app: AppTest, label: str) -> AppTest:
    toggle = next(widget for widget in app.toggle if widget.label == label)
    return checked(toggle.set_value(not toggle.value).run())


def test_the_axes_that_are_not_in_sight() -> None:
    app = pick(opened("p1.tiny_resnet8"), "block.merge", "highway")
    decimals = {"Gate bias": -3.0, "Alpha": 0.5, "Beta": 2.0, "Dropout": 0.1, "Survival": 0.8}
    for label, value in decimals.items():
        app = set_number(app, label, value)
    picked = {"gate_kernel": 3, "attention": "squeeze_excitation", "projection_norm": False, "branch": "bottleneck",
              "form": "split_sum", "stride_on": "1x1", "shortcut": "C"}  # fmt: skip
    app = pick(app, "block.shortcut", "C")
    for name, value in picked.items():
        app = pick(app, f"block.{name}", value)
    app = pick(app, "drop_path.decay", "constant")
    for label in ("Conv. bias", "Zero-init last", "Stem bias"):
        app = flip(app, label)
    found = network(app)
    wanted = picked | {"gate_bias": -3.0, "alpha": 0.5, "beta": 2.0, "shortcut_dropout": 0.1, "bias": True}
    for block in found.each:
        assert {name: getattr(block, name) for name in wanted} == wanted
    assert (found.drop_path.survival, found.drop_path.decay) == (0.8, "constant")
    assert found.init.zero_last and found.stem.bias and told(app) == []
    app = pick(app, "block.projection_norm", "order")
    assert network(app).each[0].projection_norm is None


def test_fields_that_mean_nothing_are_not_there_or_disabled() -> None:
    app = opened()
    assert not any(widget.label == "Gate bias" for widget in app.number_input)
    assert not number(app, "Alpha").disabled
    app = pick(app, "block.merge", "none")
    assert number(app, "Alpha").disabled and number(app, "Survival").disabled
    app = pick(pick(app, "block.merge", "shortcut_gate"), "block.branch", "paths")
    assert number(app, "Gate bias").value == -1 and number(app, "Cardinality").disabled
    assert next(w for w in app.selectbox if w.key == "play block.form").disabled


def test_a_combination_that_cannot_be_is_a_sentence_beside_the_field() -> None:
    app = pick(opened(), "block.order", "bn_after_addition")
    before = network(app)
    app = pick(app, "block.norm", "none")
    assert told(app) == [
        "order bn_after_addition moves a norm, and norm is none: use order original, or a norm."
    ] and network(app) == before  # fmt: skip
    app = set_number(pick(app, "block.norm", "group"), "Alpha", 9.0)
    assert told(app) == ["Stage 1's alpha is 9.0: it must be at most 4."] and number(app, "Alpha").value == 9
    app = set_number(app, "Alpha", 1.0)
    app = set_number(app, "Survival", 0.0)
    assert told(app) == ["drop_path.survival is 0.0: it must be above 0."]


def test_one_block_is_edited_alone() -> None:
    app = opened()
    app.session_state[FOCUS] = Focus(2, 3)
    app = checked(app.run())
    scope = next(w for w in app.button_group if w.key == "playground scope")
    assert app.session_state["playground scope"] == "stage"
    app = checked(scope.set_value("block").run())
    app = pick(app, "block.activation", "gelu")
    assert [(o.index, o.block.activation) for o in network(app).stages[1].overrides] == [(3, "gelu")]
    assert address(app) == encode(network(app))
    app = set_number(app, "Block", 2)
    assert app.session_state[FOCUS] == Focus(2, 2)
    app = set_number(app, "Width", 0)
    assert told(app) == ["This block's width is 0: it must be at least 1."]
    app = set_number(app, "Block", 3)
    assert told(app) == [] and number(app, "Width").value == 16
    app = press(app, "Make it like its stage")
    assert network(app) == preset("tiny_resnet20")
    assert not any(button.label == "Make it like its stage" for button in app.button)
    app = pick(app, "block.activation", "gelu")
    app = set_number(app, "Blocks in stage 2", 2)
    assert network(app).stages[1].overrides == ()
    sentence = "Stage 2 has 2 blocks now: block 3, which differed, is gone. Undo brings it back."
    assert sentence in [caption.value.replace("\\", "") for caption in app.caption]
    app = press(app, "Undo")
    assert [o.index for o in network(app).stages[1].overrides] == [3]


def test_scope_block_without_an_opened_block_opens_the_first() -> None:
    app = opened()
    scope = next(w for w in app.button_group if w.key == "playground scope")
    app = checked(scope.set_value("block").run())
    assert app.session_state[FOCUS] == Focus(1, 1) and app.session_state["playground scope"] == "block"
    app.session_state[FOCUS] = Focus()
    app = checked(app.run())
    assert app.session_state["playground scope"] == "all"


def test_parallel_paths_are_lines_of_text() -> None:
    app = press(opened("p1.resnet18"), "2")
    app = pick(app, "block.branch", "paths")
    area = app.text_area[0]
    assert area.value.splitlines() == ["1×1 to 32", "1×1 to 32, 3×3 to 32", "1×1 to 32, 3×3 to 32, 3×3 to 32",
                                       "max pool, 1×1 to 32"]  # fmt: skip
    app = checked(area.set_value("1x1 to 64\naverage pool, 5x5 to 64").run())
    lanes = network(app).stages[1].block.paths
    assert [str(lane) for lane in lanes] == ["1 x 1 to 64", "average pool, 5 x 5 to 64"]
    assert number(app, "Width").disabled
    app = checked(app.text_area[0].set_value("1x1 to 64\n2x2 to 9").run())
    assert told(app) == ["the kernel in line 2 is 2: input should be 1, 3, 5 or 7."]
    assert network(app).stages[1].block.paths == lanes and app.text_area[0].value == "1x1 to 64\n2x2 to 9"
    app = checked(app.text_area[0].set_value("").run())
    assert network(app).stages[1].block.paths == () and told(app) == []


def test_what_a_choice_takes_along_is_said() -> None:
    app = pick(opened(None), "block.branch", "paths")
    sentence = "Cardinality is 1 now: parallel paths are listed one by one."
    assert sentence in [caption.value.replace("\\", "") for caption in app.caption]
    app = press(app, "2")
    app = pick(app, "block.norm", "group")
    next(w for w in app.button_group if w.key == "playground scope").set_value("all")
    app = checked(app.run())
    assert any(caption.value.startswith("Stages differ in norm") for caption in app.caption)


def test_every_field_of_the_block_edits_the_chosen_stage() -> None:
    projected = changed(preset("tiny_resnet20"), {("stages", i, "block", "shortcut"): "B" for i in range(3)})
    app = press(opened(encode(projected)), "2")
    edits = {"branch": "bottleneck", "merge": "none", "order": "preactivation", "norm": "none", "activation": "gelu",
             "stride_on": "1x1"}  # fmt: skip
    for name, value in edits.items():
        app = pick(app, f"block.{name}", value)
    numbers = (("Width", "width", 24), ("Cardinality", "cardinality", 3), ("Expansion", "expansion", 2))
    for label, name, count in numbers:
        app = set_number(app, label, count)
        assert getattr(network(app).stages[1].block, name) == count
    app = set_number(app, "Stride", 1)
    stages = network(app).stages
    assert {name: getattr(stages[1].block, name) for name in edits} == edits and stages[1].stride == 1
    assert (stages[0], stages[2]) == (projected.stages[0], projected.stages[2])
    app = set_number(set_number(app, "Base width", 64), "Base width", None)
    assert network(app).stages[1].block.base_width is None and told(app) == []


def test_all_stages_at_once_and_the_network_wide_fields() -> None:
    app = opened()
    next(w for w in app.button_group if w.key == "playground scope").set_value("all")
    app = pick(checked(app.run()), "block.shortcut", "C")
    app = pick(set_number(app, "Width", 16), "block.order", "preactivation")
    assert [stage.block.width for stage in network(app).stages] == [16, 32, 64]
    assert {stage.block.shortcut for stage in network(app).stages} == {"C"} and not network(app).stem.activated
    app = pick(pick(app, "init.scheme", "xavier"), "stem", (5, 1, "none"))
    app = set_number(set_number(app, "Classes", 7), "Stem width", 12)
    found = network(app)
    assert (found.init.scheme, found.stem.kernel, found.head.classes, found.stem.width) == ("xavier", 5, 7, 12)


def test_widths_that_do_not_scale_are_refused() -> None:
    text = encode(changed(preset("tiny_resnet20"), {("stages", 1, "block", "width"): 12}))
    app = opened(text)
    next(w for w in app.button_group if w.key == "playground scope").set_value("all")
    app = set_number(checked(app.run()), "Width", 9)
    assert told(app) == ["width 9 would give stage 2 13.5 channels: use a multiple of 2, or edit one stage at a time."]


@pytest.mark.parametrize(
    ("label", "value", "sentence"),
    [
        ("Width", 0, "Stage 1's width is 0: it must be at least 1."),
        ("Cardinality", 3, "cardinality 3 does not divide the width 8: the nearest that does is 2."),
        ("Blocks in stage 3", 100_000, "Stage 3's blocks is 100000: it must be at most 1000."),
        ("Classes", 1, "head.classes is 1: it must be at least 2."),
        ("Input channels", -5, "input.channels is -5: it must be at least 1."),
        ("Stride", 9, "Stage 1's stride is 9: it must be at most 4."),
    ],
)
def test_bad_input_is_one_sentence_and_the_draft_stays(label: str, value: int, sentence: str) -> None:
    app = set_number(press(opened(), "1"), "Blocks in stage 2", 4)
    before, counts, text = network(app), shown(app), address(app)
    app = set_number(app, label, value)
    assert told(app) == [sentence]
    assert (network(app), shown(app), address(app)) == (before, counts, text)
    assert number(app, label).value == value
    assert HELD in captions(app)
    good = {"Stride": 2}.get(label, 8)
    app = set_number(app, label, good)
    assert told(app) == [] and number(app, label).value == good
    assert HELD not in captions(app)


def test_what_was_typed_elsewhere_stays() -> None:
    app = set_number(set_number(opened(), "Width", 0), "Cardinality", 3)
    assert len(told(app)) == 2 and number(app, "Width").value == 0
    app = set_number(app, "Blocks in stage 1", 5)
    assert network(app).stages[0].blocks == 5
    assert len(told(app)) == 2 and (number(app, "Width").value, number(app, "Cardinality").value) == (0, 3)


def test_an_input_too_small_marks_the_block_and_keeps_the_counts() -> None:
    app = opened()
    counts = shown(app)
    app = set_number(app, "Input height", 2)
    sentence = (
        "Stage 3, block 1 has stride 2, but only 1 x 4 pixels reach it: "
        "use a larger input, or a smaller stride before it."
    )
    assert told(app) == [sentence] and shown(app) == counts and network(app) == preset("tiny_resnet20")
    assert "Counts are those of the last network that can be built." in [c.value for c in app.caption]
    assert next(b for b in app.button if b.label.startswith("Race")).disabled
    app = press(app, "Undo")
    assert told(app) == [] and number(app, "Input height").value == 8


def test_undo_and_redo() -> None:
    app = set_number(set_number(opened(), "Blocks in stage 1", 4), "Blocks in stage 1", 5)
    app = press(app, "Undo")
    assert number(app, "Blocks in stage 1").value == 4 and address(app) == encode(network(app))
    app = press(press(app, "Undo"), "Redo")
    assert number(app, "Blocks in stage 1").value == 4
    assert next(b for b in press(press(app, "Undo"), "Redo").button if b.label == "Redo").disabled is False


def test_stages_are_added_and_removed() -> None:
    app = press(opened(), "Add stage")
    assert [stage.block.width for stage in network(app).stages] == [8, 16, 32, 64]
    assert network(app).stages[3].stride == 2 and told(app) == []
    app = press(press(app, "Add stage"), "Remove stage 5")
    app = press(press(app, "1"), "Remove stage 1")
    assert [stage.block.width for stage in network(app).stages] == [16, 32, 64]


def test_a_preset_is_loaded_and_compared_with_its_plain_twin() -> None:
    app = pick(opened(), "start", "resnet18")
    assert network(app) == preset("resnet18") and address(app) == "p1.resnet18"
    next(w for w in app.selectbox if w.label == "Compared with").set_value("its plain twin")
    app = checked(app.run())
    assert app.metric[0].delta == "\\+173,824 against plain18"
    assert summarize(plain_twin(preset("resnet18"))).params + 173_824 == summarize(preset("resnet18")).params


@pytest.mark.parametrize("text", ["rubbish", "n1.AAAA", "p1.nothing", "x1.AAAA", "n1." + "A" * 20_000])
def test_a_broken_address_is_one_sentence_over_the_default(text: str) -> None:
    app = opened(text)
    (warning,) = app.warning
    assert warning.value.endswith(("\\.",)) and shown(app)[0] == "25,028,904"
    app = set_number(app, "Blocks in stage 1", 4)
    assert not app.warning and address(app) == encode(network(app))


def test_the_address_of_back_is_obeyed() -> None:
    app = set_number(opened(), "Blocks in stage 1", 4)
    app.session_state[SESSION].superseded = ("", 0.0)
    app.query_params["n"] = "p1.tiny_resnet20"
    app = checked(app.run())
    assert network(app) == preset("tiny_resnet20") and number(app, "Blocks in stage 1").value == 3


def test_an_address_that_an_edit_has_just_replaced_is_not_back() -> None:
    """Two quick clicks: the second rerun was sent before the browser heard of the first one's address."""
    app = set_number(opened(), "Blocks in stage 1", 4)
    app.query_params["n"] = "p1.tiny_resnet20"
    app = set_number(app, "Blocks in stage 1", 5)
    assert network(app).stages[0].blocks == 5


def test_a_rerun_asked_for_during_a_slow_run_is_not_back() -> None:
    """It carries the address before the edit, and nothing of it was touched."""
    app = set_number(opened(), "Blocks in stage 1", 4)
    for when, blocks in ((math.inf, 4), (time.monotonic(), 4), (time.monotonic() - STALE_SECONDS, 3)):
        app.session_state[SESSION].superseded = ("p1.tiny_resnet20", when)
        app.query_params["n"] = "p1.tiny_resnet20"
        app = checked(app.run())
        assert network(app).stages[0].blocks == blocks
    assert address(app) == "p1.tiny_resnet20"


def test_opening_in_the_graph_chooses_the_stage_and_marks_the_row() -> None:
    app = opened()
    app.session_state[FOCUS] = Focus(2, 2, "layer2.1.conv2")
    app = checked(app.run())
    rows = list(app.dataframe[0].value["layer"])
    inside = [f"layer2.1.{name}" for name in ("conv1", "bn1", "conv2", "bn2", "add")]
    assert rows == ["layer2.0", *inside, "layer2.2"]
    assert any(button.label == "Remove stage 2" for button in app.button) and number(app, "Width").value == 16
    app = press(app, "Remove stage 2")
    assert len(network(app).stages) == 2


@pytest.mark.parametrize(
    ("message", "focus"),
    [
        ({"stage": 2, "block": 3, "select": "layer2.2.conv1"}, Focus(2, 3, "layer2.2.conv1")),
        ({"stage": 0, "block": 3}, Focus()),
        ({"stage": 2, "block": 0, "select": 5}, Focus(2)),
        ({"stage": -1, "block": 0}, None),
        ({"stage": "2", "block": 0}, None),
        ({"stage": True, "block": 0}, None),
        (None, None),
        ("x", None),
    ],
)
def test_what_the_browser_asks_for_is_not_trusted(message: Any, focus: Focus | None) -> None:
    assert focus_from(message) == focus


def test_a_focus_that_an_edit_took_away_closes() -> None:
    net = preset("tiny_resnet20")
    assert Focus(2, 3).within(net) == Focus(2, 3) and Focus(2, 4).within(net) == Focus(2)
    assert Focus(4, 1, "layer4.0").within(net) == Focus()
    assert Focus(selected="stem").within(net) == Focus(selected="stem")


@pytest.mark.parametrize("name", ["resnet50", "cifar_resnet1202", "plain34", "preact_resnet110", "tiny_plain8"])
def test_presets_of_every_kind_are_shown(name: str) -> None:
    app = opened(f"p1.{name}")
    assert shown(app)[0] == f"{summarize(preset(name)).params:,}" and told(app) == []
    words = "Race against its residual twin" if preset(name).is_plain else "Race against its plain twin"
    assert any(button.label == words for button in app.button)


def test_a_file_is_opened_and_a_broken_one_refused() -> None:
    app = opened()
    mine = changed(preset("resnet18"), {("name",): "mine", ("stages", 0, "blocks"): 5})
    uploader = app.file_uploader[0]
    app = checked(uploader.upload("broken.json", b"{", "application/json").run())
    assert told(app) == ["This file is not JSON: open one that was saved here."]
    assert network(app) == preset("tiny_resnet20")
    data = mine.model_dump_json().encode()
    app = checked(app.file_uploader[0].upload("mine.json", data, "application/json").run())
    assert network(app) == mine and told(app) == []


DRAW = random.Random(1).uniform


def single() -> Block:
    """A block whose numbers compress little."""
    return Block(width=8, alpha=DRAW(-4, 4), beta=DRAW(-4, 4), gate_bias=DRAW(-4, 4), shortcut_dropout=DRAW(0, 0.9))


ROWS = [tuple(Override(index=i, block=single()) for i in range(1, 65)) for _ in range(6)]
MANY = Network(name="many", stages=tuple(Stage(blocks=64, block=Block(width=8), overrides=row) for row in ROWS))


def test_a_network_too_large_for_a_link_is_shown_and_the_link_says_so() -> None:
    with pytest.raises(ShareError):
        encode(MANY)
    app = opened()
    app.session_state[SESSION].load(MANY)
    app.session_state[SESSION].touched = False
    app = checked(app.run())
    assert network(app) == MANY
    assert told(app) == ["This is too much for a link (above 16000 characters): save it as a file instead."]
    assert len(app.code) == 0


def test_what_is_too_large_for_a_link_stays_after_a_visit_to_another_page() -> None:
    """The other page's address has no ?n=; that must not look like Back to the first visit."""
    app = AppTest.from_file(PAGE, default_timeout=60)
    app.session_state[SESSION] = Draft([MANY], written="p1.resnet18")
    app = checked(checked(app.run()).run())
    assert network(app) == MANY


def test_a_cold_first_visit_has_the_form_and_one_quiet_line(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "Loading PyTorch, once after the start: it builds and counts the real module."
    monkeypatch.setattr(warming, "_warm", [])
    with monkeypatch.context() as patch:
        patch.setattr(warming, "warm_up", lambda draft: st.stop())
        app = opened()
    assert [caption.value for caption in app.caption].count(said) == 1
    assert number(app, "Blocks in stage 2").value == 3
    assert len(app.metric) == 0
    checked(app.run())
    assert said not in [caption.value for caption in app.caption]
    assert len(app.metric) == 2
    assert not warming.is_cold()


def test_the_words_of_the_compared_networks_do_not_change_with_the_draft() -> None:
    """The browser sends a choice back by its words: words that change under it would name no network."""
    offered = [
        next(box.options for box in opened(text).selectbox if box.label == "Compared with")
        for text in ("p1.resnet50", "p1.tiny_resnet20", None)
    ]
    assert offered[0] == offered[1] == offered[2]
    assert offered[0][:2] == ["where it started", "its plain twin"]


def facts(app: AppTest) -> str:
    (found,) = (block.proto.body for block in app.get("html") if "<dt>Depth</dt>" in block.proto.body)
    return str(found)


def test_measures_stand_beside_the_counts() -> None:
    app = opened("p1.cifar_resnet110")
    summary = summarize(preset("cifar_resnet110"))
    for term, value in {
        "Memory to train": size(summary.memory), "Memory forward": size(summary.forward_memory),
        "Operations a byte": f"{summary.intensity():.1f}", "Field stride": "4 px", "Gradient paths": "2 to 110 layers",
    }.items():  # fmt: skip
        assert re.search(f"<dt>{term}</dt><dd>(≥ )?{re.escape(value)}</dd>", facts(app)), term
    told = [caption.value for caption in app.caption if "Veit" in caption.value]
    assert told == [
        "2⁵⁴ paths, through 27.0 ± 3.7 of 54 blocks. Counted as in Veit et al. 2016 (arXiv 1605.06431, Sect. 3); how "
        "much gradient each carries is not counted here."
    ]


def test_paths_of_a_plain_network_and_of_none() -> None:
    app = opened("p1.tiny_plain20")
    assert "<dt>Gradient paths</dt><dd>20 layers</dd>" in facts(app)
    assert any(caption.value.startswith("One path, through all 9 blocks.") for caption in app.caption)
    zero = Network(stages=(Stage(block=Block(alpha=0, beta=0)),))
    app = opened(encode(zero))
    assert "<dt>Gradient paths</dt><dd>none</dd>" in facts(app)
    assert "No path: a block multiplies both its ways by zero." in [caption.value for caption in app.caption]


def test_more_columns_are_shown_when_asked_for() -> None:
    app = opened()
    table = app.dataframe[0]
    assert list(table.value.columns[-2:]) == ["field stride", "ops a byte"]
    assert list(table.proto.column_order) == list(COLUMNS) == list(table.value.columns[:-2])
    toggle = next(toggle for toggle in app.toggle if toggle.label == "More columns")
    checked(toggle.set_value(True).run())
    assert list(app.dataframe[0].proto.column_order) == []


def test_the_code_takes_the_place_of_the_table() -> None:
    app = opened("p1.tiny_resnet8")
    assert len(app.dataframe) == 1
    next(w for w in app.button_group if w.key == "playground view").set_value("Code")
    app = checked(app.run())
    assert len(app.dataframe) == 0 and "Hover a line to find it in the graph" in [c.value for c in app.caption]
    next(w for w in app.button_group if w.key == "playground code style").set_value("lazy")
    app = set_number(checked(app.run()), "Blocks in stage 2", 3)
    assert network(app).stages[1].blocks == 3
    next(w for w in app.button_group if w.key == "playground view").set_value("Layers")
    assert len(checked(app.run()).dataframe) == 1
