"""The pages of questions and labs through Streamlit's tester: every lab in its three states, from its recording."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import resnet_viz.runs
from resnet_viz.draw.points import point_rows
from resnet_viz.labs import Lab, find, labs, observe, queue, recording
from resnet_viz.labs.claims import ELSEWHERE
from resnet_viz.labs.stored import FINDING, lab_of
from resnet_viz.runs import Store
from resnet_viz.runs.liveness import process_identity
from resnet_viz.ui import lab_predict, lab_view, pages
from resnet_viz.ui.lab_list import answer, found
from resnet_viz.ui.lab_state import read_address
from resnet_viz.ui.plain_text import plain
from tests.labs.made_up import landscape

PAGES = Path(__file__).resolve().parents[2] / "pages"
ALL = [pytest.param(lab, id=lab.slug) for lab in labs()]
Left = list[tuple[Path, dict[str, str]]]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("RESNET_VIZ_HOME", str(tmp_path))
    for module in (resnet_viz.runs, lab_predict, lab_view):
        monkeypatch.setattr(module, "ensure_worker", lambda store, only_for_work=False: None)
    return Store(tmp_path)


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> Left:
    gone: Left = []

    def switch(page: Path, *, query_params: dict[str, str]) -> None:
        gone.append((page, query_params))
        st.stop()

    monkeypatch.setattr(pages.st, "switch_page", switch)
    return gone


def opened(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    return checked(app.run())


def checked(app: AppTest) -> AppTest:
    assert [error.value for error in app.exception] == []
    return app


def words(app: AppTest) -> str:
    return "\n".join(str(one.value) for one in [*app.markdown, *app.caption])


@pytest.mark.parametrize("lab", ALL)
def test_a_lab_before_and_after(lab: Lab, store: Store) -> None:
    app = opened("lab", lab=lab.slug)
    assert lab.question.replace("?", "") in words(app).replace("\\", "").replace("?", "")
    assert app.button(key="lab run").disabled
    assert "shows a clear effect" not in words(app)
    for radio in app.radio:
        radio.set_value(next(iter(lab.guesses[radio.key.rpartition(" ")[2]].choices)))
    app = checked(app.run())
    assert not app.button(key="lab run").disabled
    app = checked(app.button(key="lab recording").click().run())
    known = recording(lab.slug)
    assert known is not None
    assert known.verdict == lab.expected
    assert str(known.explanation) in words(app)
    assert app.query_params["run"] == "recording"
    points = point_rows(lab.figure(known.findings, "light"))
    if points:
        assert len(app.dataframe[0].value) == len(points)
    else:
        assert lab.slug in ("gradients", "landscape", "lazy"), "its picture draws some values elsewhere than they are"
        assert not app.dataframe
    assert all(radio.disabled for radio in app.radio)
    chosen = " ".join(option for radio in app.radio for option in radio.options)
    assert chosen.count("✓\u00a0observed") == sum(lab.outcome(name, known.numbers) is not None for name in lab.guesses)
    app = checked(app.button(key="lab anew").click().run())
    assert "run" not in app.query_params
    assert app.button(key="lab run").disabled


def test_a_run_is_queued_watched_and_stopped(store: Store) -> None:
    app = opened("lab", lab="table-1")
    app = checked(app.button(key="lab skip").click().run())
    app = checked(app.button(key="lab run").click().run())
    (row,) = store.rows()
    assert lab_of(row) == (find("table-1"), (0,))
    assert app.query_params["run"] == row.id
    assert "It waits for the worker." in words(app).replace("\\", "")
    app = checked(app.button(key="lab stop").click().run())
    assert store.row(row.id).state == "stopped" and not store.take_commands(row.id)
    assert "Cancelled while it waited for its turn" in words(app)


def test_a_run_that_goes_on_is_asked_to_stop(store: Store) -> None:
    run = queue(store, find("table-1"), (0,))
    store.claim(run, *process_identity())
    app = opened("lab", lab="table-1", run=run)
    app.button(key="lab stop").click().run()
    assert [command.kind for command in store.take_commands(run)] == ["stop"]
    store.set_state(run, "stopped", "Stopped by hand after 0 findings.")
    assert "Stopped by hand after 0 findings" in words(checked(app.run()))


def test_a_running_lab_shows_another_picture_until_its_result_begins(store: Store) -> None:
    known = recording("landscape")
    assert known is not None
    run = queue(store, known.lab, (0,))
    store.claim(run, *process_identity())
    store.add_event(run, FINDING, next(one for one in known.findings if one["part"] == "line"))
    assert "meanwhile: shattered gradients" in words(opened("lab", lab="landscape", run=run)).replace("\\", "")
    store.add_event(run, FINDING, next(one for one in known.findings if one["part"] == "surface"))
    assert "meanwhile" not in words(opened("lab", lab="landscape", run=run))


def test_a_stored_run_shows_its_own_numbers_and_three_repeats_their_spread(store: Store) -> None:
    lab, known = find("degradation"), recording("degradation")
    assert known is not None
    run = queue(store, lab, known.seeds)
    for finding in known.findings:
        store.add_event(run, FINDING, finding)
    store.set_state(run, "finished")
    app = opened("lab", lab="degradation", run=run, guess="rises")
    assert observe(store, run).numbers == known.numbers
    assert str(known.explanation) in words(app)
    assert "repeats shows this by itself" in words(app)
    cells = {cell for table in app.table for cell in table.value.to_numpy().ravel()}
    assert plain(f"{known.numbers['plain_56_train']:percent}") in cells


def test_a_larger_run_is_told_as_what_it_was(store: Store) -> None:
    lab = find("landscape")
    app = opened("lab", lab=lab.slug)
    assert "On a GPU of a machine that has CIFAR-10, it runs larger" in words(app)
    run = queue(store, lab, (0,))
    store.claim(run, *process_identity())
    store.set_header(run, {"large": True, "device": {"kind": "cuda", "name": "NVIDIA H100"}})
    for finding in landscape.LARGE["present"]:
        store.add_event(run, FINDING, finding | {"t": 1.0})
    store.set_state(run, "finished")
    app = opened("lab", lab=lab.slug, run=run)
    larger = lab.at(large=True)
    assert larger.setting in words(app) and lab.setting not in words(app)
    assert larger.comparable in words(app)
    assert plain("This run: CIFAR-10, NVIDIA H100") in words(app)
    assert any(plain(ELSEWHERE) in table.value.columns for table in app.table)


@pytest.mark.parametrize("query", [
    {"lab": "<b>nothing</b>"}, {"lab": "degradation", "run": "../../etc"},
    {"lab": "degradation", "guess": "<script>.x.y" * 60}, {"lab": "degradation", "run": "260101-000000-abcdef"},
])  # fmt: skip
def test_what_an_address_cannot_mean_is_left_out(query: dict[str, str], store: Store) -> None:
    app = opened("lab", **query)
    assert labs()[0].question in words(app).replace("\\", "")
    if "run" in query:
        assert "There is no such run of this lab here" in app.warning[0].value


def test_a_curve_drawn_beforehand_stays_over_the_result(store: Store) -> None:
    app = opened("lab", lab="degradation", guess="stays")
    app = checked(app.toggle(key="sketch degradation").set_value(True).run())
    app.slider(key="sketch degradation 56 layers").set_value(90)
    app = checked(app.run())
    assert app.query_params["sketch"] == "50.50.50.90"
    app = checked(app.button(key="lab recording").click().run())
    assert app.query_params["sketch"] == "50.50.50.90"
    (chart,) = [one for one in app.get("plotly_chart") if "your sketch" in one.proto.spec]
    assert "your sketch" in chart.proto.spec


@pytest.mark.parametrize("text", ["1.2.3", "1.2.3.101", "a.b.c.d", "-1.2.3.4", "1.2.3.4.5", "1.2.3.999999", "²."])
def test_a_sketch_that_cannot_be_is_none(text: str) -> None:
    assert read_address({"lab": "degradation", "sketch": text}).sketch == ()
    assert read_address({"lab": "lazy", "sketch": "1.2.3.4"}).sketch == ()
    assert read_address({"lab": "degradation", "sketch": "0.10.40.100"}).sketch == (0, 10, 40, 100)


def test_another_labs_run_is_no_run_of_this_one(store: Store) -> None:
    run = queue(store, find("table-1"), (0,))
    assert "There is no such run of this lab here" in opened("lab", lab="degradation", run=run).warning[0].value


def test_an_address_is_read_and_written() -> None:
    first = read_address({"lab": "gradients", "run": "recording", "guess": "exploding..vanishing.nonsense"})
    assert first.guesses == {"plain_batch_relu": "exploding", "plain_none_sigmoid": "vanishing"}
    assert not first.predicted
    assert read_address(first.query()) == first


def test_take_it_apart_and_the_way_through_the_course(store: Store, left: Left) -> None:
    app = opened("lab", lab="degradation")
    assert app.button(key="lab previous").disabled
    app.button(key="lab apart").click().run()
    assert left[-1][0] == pages.RACE
    opened("lab", lab="table-1").button(key="lab apart").click().run()
    assert left[-1][0] == pages.COMPARE
    opened("lab", lab="degradation").button(key="lab next").click().run()
    assert left[-1] == (pages.LAB, {"lab": labs()[1].slug})


def test_all_questions_with_their_answers(store: Store, left: Left) -> None:
    app = opened("questions")
    for lab in labs():
        assert answer(lab) in words(app)
    app.button(key="open degradation").click().run()
    assert left == [(pages.LAB, {"lab": "degradation"})]


def test_the_search(store: Store) -> None:
    assert [lab.slug for lab in found("LAZY bn1")] == ["lazy"]
    assert found("quantum chromodynamics") == []
    assert len(found("  ")) == len(labs())
    app = opened("questions")
    app.text_input(key="questions search").set_value("quantum").run()
    assert "No question has these words" in words(app)
