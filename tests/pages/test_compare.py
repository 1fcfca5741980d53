"""The compare page through Streamlit's own tester: what it shows, what it refuses, what stays."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from resnet_viz.draw.wording import NBSP
from resnet_viz.spec import (
    Block,
    Comparison,
    Experiment,
    Input,
    Network,
    Override,
    ShareError,
    Stage,
    encode,
    fit_to_dataset,
    preset,
)
from resnet_viz.ui import address as address_bar
from resnet_viz.ui.compare_actions import CHOICE, TEXT, racing_pair
from resnet_viz.ui.compare_state import DEFAULT, EMPTY, SESSION, Selection, networks_in, networks_of_file
from resnet_viz.ui.draft import SESSION as DRAFT
from resnet_viz.ui.draft import Draft, hand_over
from resnet_viz.ui.race_session import SESSION as RACE

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "compare.py")
PAIR = (preset("tiny_plain8"), preset("tiny_resnet8"))
BROKEN = preset("resnet18").model_copy(update={"name": "too small", "input": Input(channels=3, height=2, width=2)})


def opened(text: str | None = None, *networks: Network) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=60)
    if networks:
        text = encode(Comparison(networks=networks))
    if text is not None:
        app.query_params["c"] = text
    return checked(app.run())


def checked(app: AppTest) -> AppTest:
    assert [error.value for error in app.exception] == []
    return app


def names(app: AppTest) -> list[str]:
    found: Selection = app.session_state[SESSION]
    return [network.name for network in found.networks]


def press(app: AppTest, key: str) -> AppTest:
    return checked(next(button for button in app.button if button.key == key).click().run())


def told(app: AppTest) -> list[str]:
    return [box.value.replace("\\", "") for box in (*app.warning, *app.error)]


def words(app: AppTest) -> str:
    return " ".join(text.value.replace("\\", "") for text in (*app.markdown, *app.caption))


def address(app: AppTest) -> str:
    value = app.query_params["c"]
    return value if isinstance(value, str) else value[0]


def table(app: AppTest) -> Any:
    return app.table[0].value


def test_the_first_visit_compares_four_networks_and_needs_no_address() -> None:
    app = opened()
    assert names(app) == list(DEFAULT) and told(app) == [] and "c" not in app.query_params
    assert f"21.6{NBSP}M (plain34) to 25.6{NBSP}M (resnet50) parameters" in words(app)
    assert next(box for box in app.selectbox if box.key == "compare protocol").value == "ImageNet top-1, 10-crop"
    assert "Published by another protocol: resnext50_32x4d (ImageNet top-1, 1-crop)." in words(app)
    assert (
        "A point with a dot has the error of another network than the counted one: resnet18 with shortcut A; "
        "resnet101, resnet152 and resnet50 with the stride on the first 1x1."
    ) in words(app)


def test_a_link_shows_its_networks_and_only_what_differs() -> None:
    app = opened(None, *PAIR)
    assert names(app) == ["tiny_plain8", "tiny_resnet8"]
    first = [cell.replace("\\", "") for cell in table(app).iloc[:, 0]]
    assert first == ["merge", "shortcut"]
    assert table(app).iloc[0, 2] == "**add** :primary[≠]"
    toggle = next(t for t in app.toggle if t.label == "Only what differs")
    app = checked(toggle.set_value(False).run())
    assert len(table(app)) > 30 and address(app) == encode(Comparison(networks=PAIR))


def test_memory_follows_the_batch() -> None:
    app = opened(None, preset("tiny_plain8"), preset("tiny_resnet20"))
    field = next(f for f in app.number_input if f.label == "Batch")
    app = checked(field.set_value(7).run())
    assert "memory, training step at batch 7" in [cell.replace("\\", "") for cell in table(app).iloc[:, 0]]


def test_six_are_shown_and_a_seventh_is_refused() -> None:
    app = opened(None, *PAIR, *PAIR, *PAIR)
    choice = next(box for box in app.selectbox if box.key == CHOICE)
    app = checked(choice.set_value("tiny_resnet20").run())
    assert told(app) == ["A comparison has at most 6 networks: remove one first."]
    assert len(names(app)) == 6
    app = press(app, "compare remove 0")
    choice = next(box for box in app.selectbox if box.key == CHOICE)
    app = checked(choice.set_value("tiny_resnet20").run())
    assert told(app) == [] and names(app)[-1] == "tiny_resnet20" and len(names(app)) == 6


def test_equal_names_are_told_apart_in_the_table() -> None:
    app = opened(None, *PAIR, PAIR[0])
    heads = [head.replace("\\", "").partition(NBSP)[2] for head in table(app).columns[1:]]
    assert heads == ["tiny_plain8 (1)", "tiny_resnet8", "tiny_plain8 (2)"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("c1.broken", "This share link is damaged: ask for it once more."),
        ("hello", "This is not a share link of ResNet Viz: it was cut or changed. Ask for it once more."),
        ("p1.resnet51", "This link names a preset that this version does not have."),
    ],
)
def test_a_bad_link_is_one_sentence_and_nothing_is_lost(text: str, sentence: str) -> None:
    app = opened(text)
    assert told(app) == [sentence] and names(app) == list(DEFAULT)
    app = press(opened(None, *PAIR), "compare first 1")
    kept = names(app)
    app.session_state[SESSION].superseded = ("", 0.0)
    app.query_params["c"] = text
    app = checked(app.run())
    assert told(app) == [sentence] and names(app) == kept == ["tiny_resnet8", "tiny_plain8"]


def test_a_network_that_cannot_be_built_says_why_and_the_others_are_shown() -> None:
    app = opened(None, PAIR[0], BROKEN)
    assert told(app) == [
        "The stem divides the size by 4, but the input is only 2 x 2: use a larger input or a smaller stem stride."
    ]
    app = opened(None, BROKEN, BROKEN)
    assert "None of these networks can be built, so there is nothing to count." in words(app)


def test_nothing_left_has_one_button() -> None:
    app = press(press(opened(None, *PAIR), "compare remove 1"), "compare remove 0")
    assert names(app) == [] and address(app) == EMPTY
    assert [b.key for b in app.button if b.key and b.key.startswith("compare ") and b.key != "compare mine"] == [
        "compare default"
    ]
    assert names(press(app, "compare default")) == list(DEFAULT)
    assert names(opened(EMPTY)) == []


def test_one_alone_asks_for_another() -> None:
    app = opened("p1.tiny_resnet8")
    assert names(app) == ["tiny_resnet8"]
    assert "One more network is needed for a comparison: add it above." in words(app)


def test_networks_are_added_from_the_playground_and_from_a_pasted_address() -> None:
    app = AppTest.from_file(PAGE, default_timeout=60)
    app.query_params["c"] = encode(Comparison(networks=PAIR))
    app.session_state[DRAFT] = Draft([preset("tiny_resnet20")])
    app = press(checked(app.run()), "compare mine")
    assert names(app)[-1] == "tiny_resnet20"
    field = next(f for f in app.text_input if f.key == TEXT)
    app = checked(field.set_value("http://localhost/playground?n=p1.tiny_resnet32").run())
    assert names(app)[-1] == "tiny_resnet32" and next(f for f in app.text_input if f.key == TEXT).value == ""
    field = next(f for f in app.text_input if f.key == TEXT)
    app = checked(field.set_value("nonsense").run())
    assert told(app) == ["This is not a share link of ResNet Viz: it was cut or changed. Ask for it once more."]
    assert next(f for f in app.text_input if f.key == TEXT).value == "nonsense" and len(names(app)) == 4


def test_the_solver_finds_the_width_and_adds_it() -> None:
    app = press(opened(None, preset("resnet50"), preset("resnet34")), "compare budget find")
    assert "**Base width 4** :gray[of resnet50: resnext50_32x4d]" in words(app)
    assert "4,230,479,872 multiply-adds, +3.46 % against resnet50's 4,089,184,256." in words(app)
    app = press(app, "compare budget add")
    assert names(app)[-1] == "resnext50_32x4d"


def test_the_solver_refuses_in_one_sentence() -> None:
    app = opened(None, *PAIR)
    next(box for box in app.selectbox if box.key == "compare budget field").set_value("cardinality")
    app = press(app, "compare budget find")
    assert told(app) == ["Cardinality cannot be both free and fixed: take it out of the fixed values."]


def test_an_address_of_a_moment_ago_is_not_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(None, *PAIR)
    before = address(app)
    app = press(app, "compare first 1")
    app.query_params["c"] = before
    app = checked(app.run())
    assert names(app) == ["tiny_resnet8", "tiny_plain8"]
    later = time.monotonic() + address_bar.STALE_SECONDS + 1
    monkeypatch.setattr(address_bar.time, "monotonic", lambda: later)
    app.query_params["c"] = before
    assert names(checked(app.run())) == ["tiny_plain8", "tiny_resnet8"]


def test_what_a_text_or_a_file_may_hold() -> None:
    race = Experiment(contestants={n.name: fit_to_dataset(n, "digits")[0] for n in PAIR}, dataset="digits")
    assert networks_in(f"https://a.b/race?run=3&x={encode(race)}") == PAIR
    assert networks_of_file(PAIR[0].model_dump_json().encode()) == PAIR[:1]
    assert networks_of_file(Comparison(networks=PAIR).model_dump_json().encode()) == PAIR
    for data, sentence in (
        (b"{", "This file is not JSON: open one that was saved here."),
        (b" " * 1_000_001, "This file has 1,000,001 bytes, and a spec file has at most 1,000,000."),
        (b"[]", "This file holds no network that can be: "),
    ):
        with pytest.raises(ValueError) as refusal:
            networks_of_file(data)
        assert str(refusal.value).startswith(sentence)


def test_only_networks_made_for_the_digits_are_offered_a_race() -> None:
    assert racing_pair(PAIR) == Experiment(contestants={"plain-8": PAIR[0], "residual-8": PAIR[1]}, dataset="digits")
    assert racing_pair((preset("resnet50"), PAIR[0])) is None and racing_pair(PAIR[:1]) is None


@pytest.mark.parametrize(
    ("names", "contestants"),
    [
        (("a/b", "b"), ["a-b", "b"]),
        (("x" * 80, "x" * 80), ["x" * 80, "x" * 76 + " (2)"]),
        (("a", "a (2)"), ["a", "a (2)"]),
        ((" a ", "a"), ["a", "a (2)"]),
    ],
)
def test_any_two_names_can_race(names: tuple[str, str], contestants: list[str]) -> None:
    pair = tuple(net.model_copy(update={"name": name}) for net, name in zip(PAIR, names, strict=True))
    race = racing_pair(pair)
    assert race is not None and list(race.contestants) == contestants and tuple(race.contestants.values()) == pair
    app = opened(None, *pair)
    assert any(button.key == "compare race" for button in app.button)


def too_large(name: str) -> Network:
    """A network for the digits whose numbers compress too little for a link."""
    draw = random.Random(name).uniform

    def block() -> Block:
        numbers = {key: draw(-4, 4) for key in ("alpha", "beta", "gate_bias")}
        return Block(width=4, shortcut_dropout=draw(0, 0.9), **numbers)

    rows = [tuple(Override(index=i, block=block()) for i in range(1, 65)) for _ in range(5)]
    stages = tuple(Stage(blocks=64, block=Block(width=4), overrides=row) for row in rows)
    return Network(name=name, input=Input(channels=1, height=8, width=8), stages=stages)


def test_networks_too_large_for_a_link_go_elsewhere_through_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    gone: list[tuple[str, dict[str, str]]] = []

    def go(page: Path, **query: str) -> None:
        gone.append((page.stem, query))
        st.stop()

    monkeypatch.setattr("resnet_viz.ui.pages.go", go)
    pair = (too_large("a"), too_large("b"))
    with pytest.raises(ShareError):
        encode(pair[0])
    app = AppTest.from_file(PAGE, default_timeout=60)
    app.session_state[SESSION] = Selection(networks=pair)
    app = checked(app.run())
    app = press(app, "compare race")
    assert tuple(app.session_state[RACE].experiment.contestants.values()) == pair
    app = press(checked(app.run()), "compare open 1")
    assert app.session_state[DRAFT].network == pair[1]
    assert gone == [("race", {}), ("playground", {})]


def test_a_link_is_handed_over_where_there_can_be_one() -> None:
    assert hand_over(PAIR[0]) == {"n": "p1.tiny_plain8"}
