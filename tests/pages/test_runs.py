"""The page of runs through Streamlit's tester: what is listed, compared, renamed, deleted and restored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from resnet_viz.draw.wording import NBSP
from resnet_viz.runs import Place, Store
from resnet_viz.ui import pages, run_actions, run_dialogs, runs_view
from resnet_viz.ui.run_dialogs import file_stem
from resnet_viz.ui.runs_view import DELETED, TICK, bin_runs, read_line
from tests.serve import fake_runs

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "runs.py")
MADE = fake_runs.experiment(8, 2)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("RESNET_VIZ_HOME", str(tmp_path))
    for module in (run_actions, runs_view):
        monkeypatch.setattr(module, "ensure_worker", lambda store: None)
    return Store(tmp_path)


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, dict[str, str]]]:
    left: list[tuple[Path, dict[str, str]]] = []

    def switch(page: Path, *, query_params: dict[str, str]) -> None:
        left.append((page, query_params))
        st.stop()

    monkeypatch.setattr(pages.st, "switch_page", switch)
    return left


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=30)
    for key, value in query.items():
        app.query_params[key] = value
    return checked(app.run())


def checked(app: AppTest) -> AppTest:
    assert [error.value for error in app.exception] == []
    return app


def texts(app: AppTest) -> list[str]:
    return [str(m.value).replace("\\", "") for m in (*app.markdown, *app.caption)]


def names(app: AppTest) -> list[str]:
    return [b.label.replace("\\", "") for b in app.button if str(b.key).startswith("open ")]


def press(app: AppTest, key: str) -> AppTest:
    return checked(app.button(key=key).click().run())


def tick(app: AppTest, run: str) -> AppTest:
    return checked(app.checkbox(key=TICK + run).check().run())


def test_an_empty_page_has_the_one_button_that_fills_it(store: Store, gone: list[Any]) -> None:
    app = opened()
    assert [b.label for b in app.button] == ["Race plain-56 against residual-56"]
    assert "Nothing has been trained yet. A race of plain-56 against residual-56 takes some seconds." in texts(app)
    app.button(key="first-race").click().run()
    (row,) = store.rows()
    assert gone == [(pages.RACE, {"run": row.id})]


def test_newest_first_with_the_last_errors(store: Store) -> None:
    fake_runs.finished(store, MADE, "older")
    fake_runs.finished(store, MADE, "newer")
    store.create(MADE, name="waiting")
    app = opened()
    assert names(app) == ["waiting", "newer", "older"]
    said = texts(app)
    assert said.count(":orange[plain-8]  \n:blue[residual-8]") == 3
    error = store.events(store.rows()[1].id, kind="eval")[-1].data["train_error"]
    assert f"89{NBSP}%  \n{100 * error:.0f}{NBSP}%" in said
    assert "–  \n–" in said
    assert {"queued", "finished"} <= set(said)


def test_a_line_of_a_run_that_somebody_recorded_without_names(store: Store) -> None:
    run = store.create(MADE, name="mine")
    line = read_line(store, store.row(run), "today 12:00")
    assert (line.contestants, line.roles) == (("plain-8", "residual-8"), ("plain", "residual"))
    assert line.train == (None, None)


def test_two_runs_of_one_minute_are_told_apart(store: Store) -> None:
    runs = [fake_runs.finished(store, MADE) for _ in range(2)]
    with store._write() as db:
        db.executemany("UPDATE runs SET created = ? WHERE id = ?", [(1e9 + i, run) for i, run in enumerate(runs)])
    assert {"9 Sep 2001, 01:46:40", "9 Sep 2001, 01:46:41"} <= set(texts(opened()))


def test_why_a_run_ended_is_said(store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    store.set_state(run, "failed", "The loss is no finite number at step 12 in layer1.0.conv1.")
    assert "The loss is no finite number at step 12 in layer1.0.conv1." in texts(opened())


def test_replay_opens_the_race_page(store: Store, gone: list[Any]) -> None:
    run = fake_runs.finished(store, MADE)
    app = opened()
    app.button(key=f"open {run}").click().run()
    assert gone == [(pages.RACE, {"run": run})]


def test_names_are_never_markup_and_cut_in_the_middle(store: Store) -> None:
    fake_runs.finished(store, MADE, "<b>" + "x" * 100 + ":red[end]")
    app = opened()
    (label,) = names(app)
    assert label == "<b>xxxxxxxxxxxxxx…xxxxxxx:red[end]"
    assert next(b.label for b in app.button if str(b.key).startswith("open ")).startswith(r"\<b\>")


def test_delete_with_undo(store: Store) -> None:
    runs = [fake_runs.finished(store, MADE, name) for name in ("one", "two", "three")]
    app = opened()
    assert app.button(key="delete-ticked").disabled
    tick(app, runs[0])
    tick(app, runs[1])
    assert app.button(key="delete-ticked").label == "Delete 2"
    press(app, "delete-ticked")
    assert names(app) == ["three"]
    assert "2 runs are in the bin." in texts(app)
    press(app, "undo-delete")
    assert names(app) == ["three", "two", "one"]
    assert not [b for b in app.button if b.key == "undo-delete"]


def test_the_bin_gives_back_and_is_emptied_for_good(store: Store) -> None:
    runs = [fake_runs.finished(store, MADE, name) for name in ("one", "two")]
    for run in runs:
        store.delete(run)
    app = opened()
    assert names(app) == []
    assert "All runs are in the bin. A race of plain-56 against residual-56 takes some seconds." in texts(app)
    press(app, f"restore {runs[0]}")
    assert names(app) == ["one"]
    press(app, "purge")
    assert [row.name for row in store.rows()] == ["one"]
    assert store.rows(deleted=True) == []


def test_deleting_a_run_that_lives_stops_it_and_says_so_before(store: Store) -> None:
    run = fake_runs.begin(store, MADE, "going")
    app = tick(opened(), run)
    assert app.button(key="delete-ticked").label == "Stop and delete 1"
    press(app, "delete-ticked")
    assert [c.kind for c in store.take_commands(run)] == ["stop"]
    assert store.row(run).deleted is not None
    assert "“going” is stopped and in the bin." in texts(app)


def test_a_waiting_run_comes_back_from_the_bin_as_it_was(store: Store) -> None:
    run = store.create(MADE)
    app = tick(opened(), run)
    assert app.button(key="delete-ticked").label == "Delete 1"
    press(app, "delete-ticked")
    assert (store.take_commands(run), store.queued()) == ([], [])
    press(app, "undo-delete")
    assert (store.take_commands(run), store.queued()) == ([], [run])


def test_a_bin_emptied_in_another_tab_leaves_no_trace(store: Store) -> None:
    runs = [fake_runs.finished(store, MADE, name) for name in ("one", "two")]
    app = tick(tick(opened(), runs[0]), runs[1])
    press(app, "delete-ticked")
    store.purge()
    checked(app.run())
    assert not [b for b in app.button if b.key == "undo-delete"]
    assert app.session_state[DELETED] == []


def test_what_was_purged_while_it_was_ticked_is_left_out(store: Store) -> None:
    state: dict[str, Any] = {}
    runs = [fake_runs.finished(store, MADE, name) for name in ("one", "two")]
    store.delete(runs[0])
    store.purge()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("resnet_viz.ui.runs_view.st.session_state", state)
        bin_runs(store, runs)
    assert state[DELETED] == [runs[1]]


def test_a_waiting_run_gets_a_worker(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Store] = []
    monkeypatch.setattr(runs_view, "ensure_worker", asked.append)
    opened()
    fake_runs.finished(store, MADE)
    opened()
    assert asked == []
    store.create(MADE, name="waiting")
    opened()
    assert len(asked) > 0


def test_another_place_than_the_usual_one_is_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "/home/me lies on a network file system (nfs), so the runs are kept in /tmp/x_y."
    assert not [text for text in texts(opened()) if "so the runs are kept in" in text]
    monkeypatch.setattr(runs_view, "locate", lambda: Place(store.directory, said))
    assert said in texts(opened())


def test_compare_two(store: Store) -> None:
    first = fake_runs.finished(store, MADE, "first")
    second = fake_runs.finished(store, fake_runs.experiment(8, 1), "second")
    app = opened()
    assert app.button(key="compare").disabled
    tick(app, first)
    tick(app, second)
    press(app, "compare")
    assert dict(app.query_params)["compare"] in (f"{second},{first}", [f"{second},{first}"])
    numbers, differences = (table.value.to_dict("records") for table in app.table)
    assert [(row["Run"], row["Steps"]) for row in numbers] == [("A", "12"), ("A", "12"), ("B", "24"), ("B", "24")]
    assert differences == [{"Where": "recipe", "Field": "epochs", "A": "1", "B": "2"}]
    press(app, "compare-close")
    assert len(app.table) == 0
    assert "compare" not in app.query_params


def test_equal_experiments_differ_in_nothing(store: Store) -> None:
    pair = [fake_runs.finished(store, MADE, name) for name in ("one", "two")]
    app = opened(compare=",".join(pair))
    assert "Not at all: same networks, same recipe, same seed." in texts(app)


@pytest.mark.parametrize("compare", ["nobody,nothing", ",", "x", "a,b,c", "<script>,</script>"])
def test_a_broken_comparison_is_one_sentence_or_none(store: Store, compare: str) -> None:
    fake_runs.finished(store, MADE)
    app = opened(compare=compare)
    assert len(app.table) == 0
    assert ("One of these two runs is no longer here." in texts(app)) == (compare not in (",", "x"))


def test_twenty_a_page(store: Store) -> None:
    for number in range(23):
        store.set_state(store.create(MADE, name=f"run {number}"), "stopped")
    app = opened()
    assert len(names(app)) == 20
    press(app, "runs-more")
    assert len(names(app)) == 23


def dialog(store: Store, run: str, kind: str) -> AppTest:
    def script(home: str, run: str, kind: str) -> None:
        from resnet_viz.runs import Store
        from resnet_viz.ui import run_dialogs

        store = Store(home)
        getattr(run_dialogs, kind)(store, run, store.row(run).name)

    return checked(AppTest.from_function(script, args=(str(store.directory), run, kind), default_timeout=30).run())


def test_rename(store: Store) -> None:
    run = fake_runs.finished(store, MADE, "old")
    app = dialog(store, run, "rename")
    app.text_input[0].set_value("   ")
    checked(app.button[0].click().run())
    assert r":red[A run's name has 1 to 200 printable characters\.]" in [m.value for m in app.markdown]
    assert store.row(run).name == "old"
    app.text_input[0].set_value("new")
    checked(app.button[0].click().run())
    assert store.row(run).name == "new"


def test_download_offers_both_formats(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = fake_runs.finished(store, MADE, "a/b c")
    made: dict[str, bytes] = {}
    monkeypatch.setattr(
        run_dialogs.st, "download_button", lambda label, data, name, *rest, **more: made.update({name: data()})
    )
    dialog(store, run, "download")
    assert list(made) == ["a-b-c.csv", "a-b-c.parquet", "a-b-c-evaluations.csv"]
    assert made["a-b-c.csv"].startswith(b'"contestant","step","loss"')
    assert made["a-b-c.parquet"][:4] == b"PAR1"
    assert made["a-b-c-evaluations.csv"].startswith(b'"contestant","step","epoch","train_error","test_error"')


@pytest.mark.parametrize(("name", "stem"), [("../../x", "x"), ("äö", "run"), ("a" * 99, "a" * 60), ("p / q", "p-q")])
def test_file_names(name: str, stem: str) -> None:
    assert file_stem(name) == stem
