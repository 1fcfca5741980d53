"""The race page through Streamlit's tester: settings, refusals, the address, what Start and Rewind do to the store."""

from __future__ import annotations

import json
import math
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from resnet_viz.draw.wording import seconds
from resnet_viz.labs import find, queue
from resnet_viz.runs import Store, experiment_key
from resnet_viz.runs.line import Standing
from resnet_viz.runs.rest import BEFORE_IT
from resnet_viz.runs.versions import versions
from resnet_viz.spec import Comparison, ProbePlan, encode, preset, write_spec
from resnet_viz.ui import race_view, run_actions
from resnet_viz.ui.race_session import SESSION, RaceSession, open_race
from resnet_viz.ui.race_state import default_experiment, read_address, with_recipe, write_address
from resnet_viz.ui.race_view import ahead_words, line_words, obey

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "race.py")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("RESNET_VIZ_HOME", str(tmp_path))
    for module in (race_view, run_actions):
        monkeypatch.setattr(module, "ensure_worker", lambda store: None)
    return Store(tmp_path)


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=30)
    for key, value in query.items():
        app.query_params[key] = value
    return checked(app.run())


def checked(app: AppTest) -> AppTest:
    assert [error.value for error in app.exception] == []
    return app


def session(app: AppTest) -> RaceSession:
    found: RaceSession = app.session_state[SESSION]
    return found


def query(app: AppTest) -> dict[str, str]:
    return {k: v if isinstance(v, str) else v[0] for k, v in dict(app.query_params).items()}


def texts(app: AppTest) -> list[str]:
    return [str(element.value).replace("\\", "") for element in (*app.markdown, *app.caption, *app.warning)]


def set_number(app: AppTest, label: str, value: float | None) -> AppTest:
    return checked(next(n for n in app.number_input if n.label == label).set_value(value).run())


def button(app: AppTest, label: str, at: int = 0) -> Any:
    return [b for b in app.button if b.label == label][at]


def answer(store: Store, **more: Any) -> None:
    race = default_experiment()
    cards = [{"name": n, "role": "plain", "parameters": 1, "description": "", "layers": []} for n in race.contestants]
    known = {"seconds": 4.2, "step_ms": 41.0, "memory_bytes": 61_000_000, "device": "cpu: CPU", "contestants": cards}
    store.ask_estimate(experiment_key(race), race)
    store.answer_estimate(experiment_key(race), known | more)


def test_it_asks_a_worker_what_the_race_takes(store: Store) -> None:
    app = opened()
    assert "Digits, 8 × 8 · 96 steps · seed 0 · measuring what it takes here…" in texts(app)
    ((key, asked),) = store.open_estimates()
    assert (key, asked) == (experiment_key(default_experiment()), default_experiment().model_dump_json())
    assert query(app) == {}


def test_it_shows_the_answer(store: Store) -> None:
    answer(store)
    assert "Digits, 8 × 8 · 96 steps · seed 0 · about 4.2 s here · 61 MB · CPU" in texts(opened())


def test_with_a_refused_setting_the_line_says_which_race_it_is(store: Store) -> None:
    answer(store)
    app = set_number(opened(), "Epochs", 0)
    line = "Digits, 8 × 8 · 96 steps · seed 0 · about 4.2 s here · 61 MB · CPU · of the last valid settings"
    assert line in texts(app)
    assert line not in texts(set_number(app, "Epochs", 8))


def test_an_old_answer_is_measured_anew_when_the_page_is_opened(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(store)
    app = opened()
    now = time.time()
    monkeypatch.setattr("resnet_viz.runs.workers.time.time", lambda: now + 400)
    checked(app.run())
    assert store.open_estimates() == []
    assert "Digits, 8 × 8 · 96 steps · seed 0 · measuring what it takes here…" in texts(opened())
    assert len(store.open_estimates()) == 1


def test_why_it_cannot_be_measured_stands_in_the_line(store: Store) -> None:
    race = default_experiment()
    store.ask_estimate(experiment_key(race), race)
    store.answer_estimate(experiment_key(race), {"error": "This takes 9.0 GB and the device has 2.0 GB."})
    app = opened()
    assert "Digits, 8 × 8 · 96 steps · seed 0 · This takes 9.0 GB and the device has 2.0 GB." in texts(app)
    assert len(app.warning) == 0


def test_no_worker_comes_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race_view, "worker_trouble", lambda store: "The worker ended as it started.")
    assert "Digits, 8 × 8 · 96 steps · seed 0 · The worker ended as it started." in texts(opened())
    run = store.create(default_experiment(), name="waiting")
    assert [t for t in texts(opened(run=run)) if t.startswith("waiting · ") and t.endswith("ended as it started.")]


def test_a_run_that_waits_says_for_whom_and_gets_a_worker(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Store] = []
    monkeypatch.setattr(race_view, "ensure_worker", asked.append)
    first, second, third = (store.create(default_experiment(), name=name) for name in ("one", "two", "three"))
    app = opened(run=first)
    assert len(asked) > 0
    assert not [b for b in app.button if b.key == "race-queue"]
    store.set_state(first, "running")
    app = opened(run=third)
    assert app.button(key="race-queue").label == "Waiting: one is running"
    store.set_state(first, "finished")
    app = checked(app.run())
    assert app.button(key="race-queue").label == "Waiting: two comes first"
    assert any(text.endswith("Number 2 in line") for text in texts(app))
    checked(app.button(key="race-queue").click().run())
    assert session(app).run == second


def test_a_lab_ahead_is_said_with_its_time_and_leads_to_its_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = queue(store, find("degradation"), [0])
    run = store.create(default_experiment())
    expected = (store.row(lab).task or {})["seconds"]
    app = opened(run=run)
    assert app.button(key="race-queue").label == f"A lab is ahead, about {seconds(5 * round(expected / 5))}"
    assert app.button(key="race-queue").help.startswith("Lab\\: Degradation. Number 2, starts in about ")
    gone: list[object] = []
    monkeypatch.setattr(race_view.pages, "go", lambda page, **query: gone.append((page.stem, query)))
    checked(app.button(key="race-queue").click().run())
    assert gone == [("lab", {"lab": "degradation", "run": lab})]


@pytest.mark.parametrize(("other", "lab", "left", "words"), [
    (True, False, 12.0, "Another visitor’s race is ahead, about 10 s"),
    (True, False, None, "Another visitor’s race is ahead"),
    (True, True, 61.0, "Another visitor’s lab is ahead, about 60 s"), (False, True, 1.0, "A lab is ahead"),
])  # fmt: skip
def test_who_is_ahead_in_words(store: Store, other: bool, lab: bool, left: float | None, words: str) -> None:
    run = queue(store, find("degradation"), [0]) if lab else store.create(default_experiment())
    assert ahead_words(Standing(1, left, store.row(run), other)) == words


def test_a_run_that_waits_for_another_precision_says_so(store: Store) -> None:
    run = store.create(default_experiment(), name="mine")
    store.set_state(run, "paused", BEFORE_IT)
    assert any(text.endswith(" · waits for a run in another precision") for text in texts(opened(run=run)))
    store.set_state(run, "paused")
    assert not any("precision" in text for text in texts(opened(run=run)) if text.startswith("mine"))


def test_what_was_run_before_is_offered_and_start_runs_it_anew(store: Store) -> None:
    assert not [b for b in opened().button if b.key == "race-same"]
    run = store.create(default_experiment())
    store.set_header(run, {"versions": versions()})
    store.set_state(run, "finished")
    app = opened()
    assert app.button(key="race-same").label == "Already run: show it"
    assert app.button(key="race-same").help.startswith("Run today ")
    obey(session(app), {"kind": "start", "paused": False})
    assert session(app).run != run and len(store.rows()) == 2
    app = opened()
    app.button(key="race-same").click()
    app = checked(app.run())
    assert query(app)["run"] == run and not [b for b in app.button if b.key == "race-same"]


@pytest.mark.parametrize(("found", "words"), [
    (Standing(1, None, None), "Next in line"), (Standing(1, 1.2, None), "Next, starts at any moment"),
    (Standing(3, 8.4, None), "Number 3, starts in about 10 s"), (Standing(2, None, None), "Number 2 in line"),
    (Standing(2, 178.0, None), "Number 2, starts in about 3 min"),
])  # fmt: skip
def test_the_line_in_words(found: Standing, words: str) -> None:
    assert line_words(found) == words


def test_a_finished_run_needs_no_worker(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Store] = []
    run = store.create(default_experiment(), state="finished")
    monkeypatch.setattr(race_view, "ensure_worker", asked.append)
    opened(run=run)
    assert asked == []


def test_the_fair_test_is_written_out(store: Store) -> None:
    app = opened()
    (said,) = [text for text in texts(app) if text.startswith("**Equal for all**")]
    assert "- Same initial weights: all 56 layers of plain-56 and residual-56." in said
    assert app.table[0].value.to_dict("records") == [
        {"Field": r"every stage\: merge", r"plain\-56": "none", r"residual\-56": "add"},
        {"Field": r"every stage\: shortcut", r"plain\-56": r"\-", r"residual\-56": "A"},
    ]


@pytest.mark.parametrize(
    ("label", "value", "sentence"),
    [
        ("Epochs", 0, "Epochs is 0: it must be at least 1."),
        ("Batch size", 1, "Batch is 1: it must be at least 2."),
        ("Learning rate", -0.5, "Learning rate is -0.5: it must be above 0."),
        ("Seed", -3, "Seed is -3: it must be at least 0."),
    ],
)
def test_bad_values_are_refused_beside_the_field_and_the_race_stays(
    store: Store, label: str, value: float, sentence: str
) -> None:
    app = set_number(opened(), label, value)
    assert f":red[{sentence}]" in texts(app)
    assert session(app).experiment == default_experiment()
    assert next(n for n in app.number_input if n.label == label).value == value
    good = set_number(app, label, 3)
    assert not [text for text in texts(good) if text.startswith(":red[")]


def test_edits_are_in_the_address_and_the_address_is_read(store: Store) -> None:
    app = set_number(opened(), "Seed", 7)
    assert query(app) == write_address(with_recipe(default_experiment(), seed=7))
    again = opened(**query(app))
    assert session(again).experiment.recipe.seed == 7
    assert next(n for n in again.number_input if n.label == "Seed").value == 7


def test_telemetry_is_chosen_before_the_start(store: Store) -> None:
    app = opened()
    box = next(box for box in app.selectbox if box.label == "Telemetry")
    assert box.value == "gradient norms, every step"
    checked(box.select("everything, every step").run())
    race = session(app).experiment
    assert race == with_recipe(default_experiment(), probes=ProbePlan.full(1))
    assert read_address(query(app)).experiment == race
    own = with_recipe(race, probes=ProbePlan(periods={"gamma": 7}))
    box = next(box for box in opened(**write_address(own)).selectbox if box.label == "Telemetry")
    assert box.value == "a plan of its own"


def test_rewind_brings_the_changes_when_it_is_asked_to(store: Store) -> None:
    state = RaceSession()
    obey(state, {"kind": "start", "paused": False})
    store.add_event(state.run or "", "alpha", {"value": 0.5}, step=3)
    obey(state, {"kind": "rewind", "paused": True, "changes": True})
    second = state.run or ""
    assert [(e.step, e.data) for e in store.events(second, kind="alpha")] == [(3, {"value": 0.5, "planned": 1})]


def test_the_twin_in_one_click(store: Store) -> None:
    app = opened()
    next(s for s in app.selectbox if s.label == "Contestant 2").set_value("resnet18").run()
    assert list(session(app).experiment.contestants) == ["plain-56", "resnet18"]
    assert "Fitted to the images: 1000 classes become 10." in texts(app)
    checked(button(app, "Against its plain twin").click().run())
    assert list(session(app).experiment.contestants) == ["plain18", "resnet18"]
    assert [s.value for s in app.selectbox if s.label.startswith("Contestant")] == ["plain18", "resnet18"]


def test_ones_own_images_are_chosen_and_the_networks_fitted_there_and_back(store: Store) -> None:
    from resnet_viz.data import own_images
    from tests.data.test_own_images import arrays, packed

    own = own_images.add(packed(arrays()), "mine")
    app = opened()
    checked(next(s for s in app.selectbox if s.label == "Data set").set_value("own:mine").run())
    race = session(app).experiment
    assert race.dataset == own and read_address(query(app)).experiment == race
    assert all((net.input.channels, net.head.classes) == (3, 3) for net in race.contestants.values())
    assert any(text.startswith("mine (your own images), 8 × 8 · ") for text in texts(app))
    again = opened(**query(app))
    own_images.remove("mine")  # the race still says what it is about
    assert session(checked(again.run())).experiment == race
    checked(next(s for s in again.selectbox if s.label == "Data set").set_value("digits").run())
    assert session(again).experiment == default_experiment()


def test_another_data_set_fits_the_contestants_and_shows_its_classes(store: Store) -> None:
    app = opened()
    next(s for s in app.selectbox if s.label == "Data set").set_value("cluttered_digits").run()
    race = session(checked(app)).experiment
    assert (race.dataset, list(race.contestants)) == ("cluttered_digits", ["plain-56", "residual-56"])
    assert {str(network.input) for network in race.contestants.values()} == {"1 x 16 x 16"}
    assert "Fitted to the images: tiny_plain56: input 1 x 8 x 8 becomes 1 x 16 x 16." in texts(app)
    assert [s.value for s in app.selectbox[:3]] == ["cluttered_digits", "tiny_plain56", "tiny_resnet56"]
    assert any("4. A line across the image parts it in two" in text for text in texts(app))
    again = opened(**query(app))
    assert session(again).experiment == race


def test_contestants_come_and_go(store: Store) -> None:
    app = opened()
    for _ in range(4):
        checked(button(app, "Add a contestant").click().run())
    assert len(session(app).experiment.contestants) == 6
    assert button(app, "Add a contestant").disabled
    for _ in range(5):
        checked(button(app, "Remove").click().run())
    assert len(session(app).experiment.contestants) == 1
    assert button(app, "Remove").disabled
    assert "There is one contestant only." in texts(app)


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"x": "x1.AAAA"}, "This share link is damaged: ask for it once more."),
        ({"x": "<script>"}, "This is not a share link of ResNet Viz: it was cut or changed. Ask for it once more."),
        ({"run": "250101-000000-abcdef"},
         "There is no run 250101-000000-abcdef here: it was deleted for good, or lies in another store."),
        ({"run": "'; DROP TABLE runs"}, "The address names a run in a form that no run has."),
    ],
)  # fmt: skip
def test_a_broken_address_is_one_sentence(store: Store, params: dict[str, str], sentence: str) -> None:
    app = opened(**params)
    assert [w.value.replace("\\", "") for w in app.warning] == [sentence]
    assert session(app).experiment == default_experiment()


def test_start_runs_what_the_page_shows(store: Store) -> None:
    state = RaceSession(with_recipe(default_experiment(), seed=4))
    obey(state, {"kind": "start", "paused": False, "pace": 5.0, "lr": 0.2})
    row = store.row(state.run or "")
    made = run_actions.experiment_of(row)
    assert made is not None
    assert (made.recipe.seed, made.recipe.pace, made.recipe.learning_rate) == (4, 5.0, 0.2)
    assert row.state == "queued"
    app = opened(run=row.id)
    assert query(app) == {"run": row.id}
    assert session(app).experiment == made
    assert [n.value for n in app.number_input if n.label == "Seed"] == [4]


def test_rewind_stops_the_run_and_shows_a_paused_one_of_the_same_experiment(store: Store) -> None:
    state = RaceSession()
    obey(state, {"kind": "start", "paused": False})
    first = state.run or ""
    store.set_state(first, "running")
    obey(state, {"kind": "rewind", "paused": True})
    second = state.run or ""
    assert second != first
    assert store.row(second).experiment_json == store.row(first).experiment_json
    with sqlite3.connect(store.path) as db:
        asked = db.execute("SELECT run, kind FROM commands ORDER BY seq").fetchall()
    assert asked == [(first, "stop"), (second, "pause")]


@pytest.mark.parametrize("command", [{"kind": "pause"}, {"kind": "lr", "value": 0.2}])
def test_steering_goes_to_the_run_on_the_screen(store: Store, command: dict[str, Any]) -> None:
    state = RaceSession()
    obey(state, command)
    obey(state, {"kind": "start"})
    run = state.run or ""
    obey(state, command)
    (taken,) = store.take_commands(run)
    assert {"kind": taken.kind, **taken.data} == command
    assert state.run == run


def test_an_edit_while_a_run_is_shown_opens_a_new_race(store: Store) -> None:
    state = RaceSession()
    obey(state, {"kind": "start"})
    app = opened(run=state.run or "")
    set_number(app, "Seed", 9)
    assert session(app).run is None
    assert query(app) == write_address(with_recipe(default_experiment(), seed=9))
    assert store.row(state.run or "").state == "queued"


def test_new_race_goes_back_to_the_start(store: Store) -> None:
    state = RaceSession()
    obey(state, {"kind": "start"})
    app = opened(run=state.run or "")
    assert not button(app, "New race").disabled
    checked(button(app, "New race").click().run())
    assert (session(app).run, query(app)) == (None, {})
    assert button(app, "New race").disabled


def test_a_deleted_run_is_still_shown_and_says_so(store: Store) -> None:
    run = store.create(default_experiment(), name="*old* one")
    store.delete(run)
    app = opened(run=run)
    assert any(text.startswith("*old* one · today ") and text.endswith(" · in the bin") for text in texts(app))


def test_a_network_from_the_playground(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, RaceSession] = {}
    monkeypatch.setattr("resnet_viz.ui.race_session.st.session_state", state)
    open_race(preset("tiny_resnet20"))
    made = state[SESSION]
    assert (list(made.experiment.contestants), made.run, made.problem) == (["plain-20", "residual-20"], None, None)
    assert made.written == {"x": encode(made.experiment)}
    assert read_address(made.written).experiment == made.experiment


def test_the_share_link_holds_the_race_on_the_screen(store: Store) -> None:
    app = set_number(opened(), "Epochs", 3)
    race = with_recipe(default_experiment(), epochs=3)
    assert [code.value.partition("?")[2] for code in app.code] == [f"x={encode(race)}"]
    assert [code.value.partition("?")[2] for code in opened().code] == [f"x={encode(default_experiment())}"]


def test_a_file_of_a_race_or_of_a_network_is_opened(store: Store) -> None:
    race = with_recipe(default_experiment(), epochs=3, seed=5)
    app = upload(opened(), write_spec(race))
    assert session(app).experiment == race and query(app) == write_address(race)
    app = upload(app, write_spec(preset("tiny_resnet8")))
    assert list(session(app).experiment.contestants) == ["plain-8", "residual-8"]


def test_a_file_that_is_no_race_is_refused_beside_the_control(store: Store) -> None:
    app = upload(opened(), b"{")
    assert ":red[This file is not JSON: open one that was saved here.]" in texts(app)
    assert session(app).experiment == default_experiment()
    app = upload(app, write_spec(Comparison(networks=(preset("resnet18"), preset("plain18")))))
    assert ":red[This file holds a comparison, not a race: open it on the Compare page.]" in texts(app)
    race = json.loads(write_spec(default_experiment()))
    race["contestants"]["residual-56"]["stem"] |= {"stride": 4, "pool": "max"}
    said = texts(upload(app, json.dumps(race).encode()))
    assert any(text.startswith(":red[Stage 2, block 1 has stride 2, but only 1 x 1 pixels reach it") for text in said)


def upload(app: AppTest, data: bytes) -> AppTest:
    return checked(app.file_uploader[0].upload("race.json", data, "application/json").run())


def test_a_stale_rerun_does_not_undo_what_was_done(store: Store) -> None:
    app = opened()
    set_number(app, "Seed", 1)
    written = query(app)
    app.query_params.clear()
    checked(app.run())
    assert session(app).experiment.recipe.seed == 1
    assert query(app) == written
    assert math.isfinite(session(app).superseded[1])


def test_resume_queues_an_interrupted_run_and_steers_a_paused_one(store: Store) -> None:
    made = RaceSession(run=store.create(default_experiment(), state="interrupted"))
    obey(made, {"kind": "resume"})
    assert store.row(str(made.run)).state == "queued"
    store.set_state(str(made.run), "paused")
    obey(made, {"kind": "resume"})
    assert [command.kind for command in store.take_commands(str(made.run))] == ["resume"]


def test_a_recorded_loop_is_shown_without_controls_and_without_a_contract(store: Store) -> None:
    run = store.create(None, name="a loop", state="finished")
    app = opened(run=run)
    assert "A training loop of somebody's own: it races nobody." in texts(app)
    assert session(app).experiment == default_experiment()


def test_a_run_is_shared_with_an_audience_by_its_address(store: Store) -> None:
    experiment = default_experiment()
    run = store.create(experiment, state="finished")
    app = opened(run=run)
    assert any(str(code.value).endswith(f"/watch/{run}") for code in app.code)
    assert not any("/watch/" in str(code.value) for code in opened().code), "nothing to share before the start"


def test_the_rest_of_the_recipe_is_set_and_refused_beside_its_field(store: Store) -> None:
    app = opened()
    assert not next(e for e in app.expander if e.label == "More of the recipe").proto.expanded
    checked(next(s for s in app.selectbox if s.label == "Loss").set_value("double_softmax").run())
    checked(next(s for s in app.selectbox if s.label == "Seeds").set_value(3).run())
    set_number(app, "Training images", 200)
    set_number(app, "Wrong labels", 0.2)
    recipe = session(app).experiment.recipe
    assert (recipe.loss, recipe.seeds, recipe.train_images, recipe.label_noise) == ("double_softmax", 3, 200, 0.2)
    assert read_address(query(app)).experiment == session(app).experiment
    set_number(app, "Training images", 2000)
    assert any("Train images is 2000, but digits have 1500: use at most 1500." in text for text in texts(app))
    assert session(app).experiment.recipe.train_images == 200
    set_number(app, "Training images", None)
    assert session(app).experiment.recipe.train_images is None
    assert next(e for e in app.expander if e.label == "More of the recipe").proto.expanded
