"""The live view in a real browser, fed by runs that nobody trained."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from resnet_viz.draw.verdict import verdict
from resnet_viz.draw.wording import times
from resnet_viz.runs import Store, load_recording, run_data, save_recording
from resnet_viz.ui.live_assets import script
from tests.browser.chromium import find
from tests.serve import fake_runs
from tests.serve.servers import ROOT, AppServer, app_server
from tests.ui.proxies import swallowing_proxy

pytestmark = pytest.mark.browser
APP = ROOT / "tests" / "ui" / "live_app" / "app.py"
MADE = fake_runs.experiment(20)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def server(store: Store) -> Iterator[AppServer]:
    with app_server(store.directory, script=APP) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as tool:
        chromium = tool.chromium.launch(executable_path=find(), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(server: AppServer, browser: Browser) -> Iterator[Callable[..., Page]]:
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    errors: list[str] = []

    def open_page(query: str, url: str | None = None) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{url or server.url}/?{query}")
        return page

    yield open_page
    context.close()
    assert errors == []


def at(step: int) -> re.Pattern[str]:
    return re.compile(rf"^step {step} / 96( · \d+ (s|min) left)?$")


def status(page: Page) -> str:
    return page.locator(".status").inner_text()


def commands(page: Page) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(page.locator("code").inner_text())
    return found


def test_a_finished_run_is_shown_whole(opened: Callable[..., Page], store: Store) -> None:
    page = opened(f"run={fake_runs.finished(store, MADE)}")
    expect(page.locator(".status")).to_have_text("96 / 96 steps · finished")
    expect(page.locator(".card-name")).to_have_text(["plain-20", "residual-20"])
    expect(page.locator(".card-error")).to_have_text(["89.0 %", "2.9 %"])
    expect(page.locator(".verdict-words b")).to_have_text("plain-20 is not learning: train error 89 % against 2.9 %.")
    assert "plain-20 is not learning" in (page.locator(".profile canvas").get_attribute("aria-label") or "")
    box = page.locator(".live").bounding_box()
    assert box is not None and box["y"] + box["height"] <= 768, "it fits the window"
    assert page.evaluate("document.scrollingElement.scrollHeight") <= 768


def test_it_follows_a_run_and_goes_back_in_time_meanwhile(opened: Callable[..., Page], store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    page = opened(f"run={run}")
    expect(page.locator(".panel-empty").first).to_be_visible()
    race = fake_runs.Race(store, run, MADE, a_second=20)
    race.start()
    expect(page.locator(".status")).to_have_text(re.compile(r"^step [3-9]\d / 96 · \d+ s left$"), timeout=10_000)
    slider = page.locator(".scrubber")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator(".status")).to_have_text("at initialisation")
    expect(page.locator(".profile .panel-about")).to_have_text(" · at initialisation · log scale · input → output")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".status")).to_have_text("step 1 / 96")
    before = page.locator(".scrubber").evaluate("e => parseFloat(e.style.getPropertyValue('--done'))")
    page.wait_for_timeout(600)
    assert page.locator(".scrubber").evaluate("e => parseFloat(e.style.getPropertyValue('--done'))") > before
    expect(page.locator(".status")).to_have_text("step 1 / 96")
    page.get_by_role("button", name="Live").click()
    expect(page.locator(".status")).to_have_text("96 / 96 steps · finished", timeout=10_000)
    race.end()


def test_bar_and_pictures_name_the_same_step(opened: Callable[..., Page], store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 22)
    store.set_state(run, "paused")
    page = opened(f"run={run}")
    expect(page.locator(".status")).to_have_text("step 21 / 96 · paused")
    expect(page.locator(".profile .panel-head")).to_contain_text("now · step 21 ·")
    page.get_by_role("button", name="Table").click()
    expect(page.locator(".table caption").first).to_have_text("Gradient norm of each layer, at step 21")
    page.locator(".scrubber").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".status")).to_have_text("step 20 / 96")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".status")).to_have_text("step 21 / 96 · paused")
    store.set_state(run, "stopped")
    expect(page.locator(".status")).to_have_text("22 / 96 steps · stopped")
    expect(page.locator(".profile .panel-head")).to_have_text(
        "Gradient norm by depth, at the end · log scale · input → output"
    )


def test_what_the_pointer_rests_on_is_read_anew_while_the_run_goes_on(
    opened: Callable[..., Page], store: Store
) -> None:
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 10)
    page = opened(f"run={run}")
    expect(page.locator(".status")).to_have_text("step 9 / 96")  # before that there is nothing to point at
    box = page.locator(".profile .panel-body").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    expect(page.locator(".reading-title")).to_have_text(re.compile("· step 9$"))
    fake_runs.append(store, run, MADE, 10, 5)
    expect(page.locator(".reading-title")).to_have_text(re.compile("· step 14$"))
    page.mouse.move(2, 2)
    expect(page.locator(".reading")).to_be_hidden()


def test_what_is_no_learning_rate_is_refused_in_one_sentence(opened: Callable[..., Page], store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 30)
    page = opened(f"run={run}")
    rate, refusal = page.locator(".rate"), page.get_by_role("alert")
    expect(rate).to_have_value("0.1")
    rate.fill("much")
    rate.press("Tab")
    expect(refusal).to_have_text("Type a number above 0, at most 100; the rate stays as it was.")
    fake_runs.append(store, run, MADE, 30, 1)
    expect(page.locator(".status")).to_have_text(at(30))
    expect(rate).to_have_value("much")
    rate.press("Escape")
    expect(refusal).to_be_hidden()
    expect(rate).to_have_value("0.1")
    assert page.locator("code").count() == 0, "nothing was sent"


def test_the_warm_up_is_named_until_it_is_over_or_a_rate_is_set(opened: Callable[..., Page], store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 5)
    page = opened(f"run={run}")
    expect(page.locator(".rate-name")).to_have_text("warm-up lr")
    store.add_event(run, "lr", {"value": 0.02}, step=5)
    expect(page.locator(".rate-name")).to_have_text("lr")
    expect(page.locator(".rate")).to_have_value("0.02")
    whole = fake_runs.finished(store, MADE)
    other = opened(f"run={whole}")
    expect(other.locator(".status")).to_have_text("96 / 96 steps · finished")
    expect(other.locator(".rate-name")).to_have_text("lr")
    other.locator(".scrubber").focus()
    other.keyboard.press("Home")
    expect(other.locator(".rate-name")).to_have_text("warm-up lr")


def test_every_value_of_the_table_is_that_of_the_store(opened: Callable[..., Page], store: Store) -> None:
    run = fake_runs.finished(store, MADE)
    page = opened(f"run={run}")
    expect(page.locator(".status")).to_have_text("96 / 96 steps · finished")
    page.get_by_role("button", name="Table").click()
    rows = page.locator(".table table").first.locator("tbody tr")
    expect(rows).to_have_count(20)
    cells = rows.all()
    stored = run_data(store, run).signals("plain-20")
    for row in (cells[0], cells[7], cells[19]):
        name, _, plain, _ = row.locator("td").all_inner_texts()
        assert float(plain) == pytest.approx(float(stored[f"grad_norm/{name}"][-1]), rel=6e-3)
    evaluations = page.locator(".table table").nth(1).locator("tbody tr").last
    assert evaluations.locator("th, td").all_inner_texts() == ["96", "8", "89.0 %, 90.0 %", "2.9 %, 3.9 %"]
    minibatch = page.locator(".table table").nth(2)
    expect(minibatch.locator("caption")).to_have_text("Minibatch at step 95")
    loss, error, rate = (line.locator("td").first.inner_text() for line in minibatch.locator("tbody tr").all())
    assert float(loss) == pytest.approx(float(stored["loss"][-1]), rel=6e-3)
    assert float(error.rstrip(" %")) == pytest.approx(100 * float(stored["train_error"][-1]), abs=0.06)
    assert float(rate) == pytest.approx(float(stored["lr"][-1]), rel=6e-3)


def test_pointing_reads_the_value_and_choosing_a_layer_shows_its_curve(
    opened: Callable[..., Page], store: Store
) -> None:
    run = fake_runs.finished(store, MADE)
    page = opened(f"run={run}")
    expect(page.locator(".status")).to_have_text("96 / 96 steps · finished")
    strip = page.locator(".strip").first
    strip.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".loss .panel-head b")).to_have_text("Gradient norm of layer 5")
    expect(strip).to_have_attribute("aria-valuetext", "layer 5, layer1.1.conv2")
    page.get_by_role("button", name="× loss").click()
    expect(page.locator(".loss .panel-head b")).to_have_text("Loss")
    box = page.locator(".heat .panel-body").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    title = page.locator(".reading-title").inner_text()
    number, path, step = re.fullmatch(r"layer (\d+) · (\S+) · step (\d+)", title).groups()  # type: ignore[union-attr]
    stored = run_data(store, run).signals("plain-20")[f"grad_norm/{path}"][int(step)]
    assert float(page.locator(".reading-value").first.inner_text()) == pytest.approx(float(stored), rel=6e-3)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 40)
    expect(page.locator(".loss .panel-head b")).to_have_text(f"Gradient norm of layer {number}")


def test_before_the_start_the_places_are_there_and_nothing_moves_when_it_starts(
    opened: Callable[..., Page], store: Store
) -> None:
    page = opened("preview=1")
    expect(page.locator(".card-name")).to_have_text(["plain-20", "residual-20"])
    expect(page.locator(".panel-empty:visible")).to_have_count(4)
    expect(page.locator(".rate")).to_have_value("0.1")
    parts = ".card, .verdict, .panel, .bar, .primary, .scrubber"
    boxes = "es => es.map(e => { const b = e.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })"
    before = page.locator(parts).evaluate_all(boxes)
    page.get_by_role("button", name="Start the race").click()
    expect(page.locator("code")).to_be_visible()
    assert commands(page) == [{"kind": "start", "paused": False, "pace": 0.0}]
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 30)
    other = opened(f"run={run}")
    expect(other.locator(".status")).to_have_text("step 29 / 96")
    after = other.locator(parts).evaluate_all(boxes)
    np.testing.assert_allclose(np.array(after), np.array(before), atol=1.0)


def test_the_controls_send_what_they_say(opened: Callable[..., Page], store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 10)
    page = opened(f"run={run}")
    expect(page.locator(".status")).to_have_text("step 9 / 96")
    expected: list[dict[str, object]] = []

    def sent(command: dict[str, object]) -> None:
        expected.append(command)
        expect(page.locator("code")).to_have_text(json.dumps(expected))

    page.get_by_role("button", name="Pause").click()
    sent({"kind": "pause"})
    store.set_state(run, "paused")
    expect(page.locator(".status")).to_have_text("step 9 / 96 · paused")
    page.get_by_role("button", name="Step", exact=True).click()
    sent({"kind": "step"})
    page.locator(".rate").fill("0,05")
    page.keyboard.press("Enter")
    sent({"kind": "lr", "value": 0.05})
    page.locator(".rate").fill("much")
    page.keyboard.press("Enter")
    expect(page.locator(".rate")).to_have_attribute("aria-invalid", "true")
    page.locator(".pace").select_option("5")
    sent({"kind": "pace", "value": 5.0})
    page.get_by_role("button", name="Resume").click()
    sent({"kind": "resume"})
    store.set_state(run, "running")
    page.get_by_role("button", name="Rewind, same weights").click()
    sent({"kind": "rewind", "paused": True, "changes": False})


def test_the_knobs_of_the_net_and_what_was_changed_with_them(opened: Callable[..., Page], store: Store) -> None:
    """Each knob sends its command; marks say what was changed; a rewind asks whether to change it again."""
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 30)
    store.set_state(run, "paused")
    store.add_event(run, "alpha", {"value": 0.5}, step=12)
    cut = {"contestant": "residual-20", "block": "layer2.0"}
    store.add_event(run, "shortcut", {"value": 0.0, "block": "layer2.0"}, contestant="residual-20", step=20)
    store.add_event(run, "sharpness", {"value": 61.13, "residual": 2.8}, contestant="residual-20", step=29)
    page = opened(f"run={run}")
    expect(page.locator(".status")).to_have_text("step 29 / 96 · paused")
    page.get_by_role("button", name="Net", exact=True).click()
    expect(page.locator(".knob-shortcuts")).to_have_text(
        "Choose a layer in a strip or picture: its shortcut can be cut."
    )
    expect(page.locator(".knob-found")).to_have_text("residual-20: 61.1 ± 2.8 at step 29")
    alpha = page.get_by_role("slider", name="Shortcut strength α")
    expect(alpha).to_have_value("0.5")
    expected: list[dict[str, object]] = []

    def sent(command: dict[str, object]) -> None:
        expected.append(command)
        expect(page.locator("code")).to_have_text(json.dumps(expected))

    alpha.fill("0.25")
    sent({"kind": "alpha", "value": 0.25})
    page.get_by_role("slider", name="Drop-path survival").fill("0.8")
    sent({"kind": "drop_path", "value": 0.8})
    page.get_by_role("textbox", name="Weight decay").fill("0,01")
    page.keyboard.press("Enter")
    sent({"kind": "weight_decay", "value": 0.01})
    page.get_by_role("button", name="Measure sharpness").click()
    sent({"kind": "sharpness"})
    strip = page.locator(".strip").nth(1)
    strip.focus()
    for _ in range(8):  # layer 8 is layer2.0.conv1
        page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Restore layer2.0 · residual-20").click()
    sent({"kind": "shortcut", "value": 1.0, **cut})
    page.locator(".scrubber").focus()
    page.keyboard.press("Home")  # it was whole then
    page.get_by_role("button", name="Cut layer2.0 · residual-20").click()
    sent({"kind": "shortcut", "value": 0.0, **cut})
    expect(alpha).to_have_value("1")
    page.get_by_role("button", name="Rewind, same weights").click()
    page.get_by_role("button", name="With the 2 changes made by hand").click()
    sent({"kind": "rewind", "paused": True, "changes": True})


def test_the_pictures_show_the_quantity_that_is_chosen(opened: Callable[..., Page], store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    head = store.row(run).header
    for card in head["contestants"]:
        card["signals"] += [f"weight_norm/{layer['path']}" for layer in card["layers"]]
    store.set_header(run, head)
    for i, (name, network) in enumerate(MADE.contestants.items()):
        rows = fake_runs.rows(network.is_plain, network.depth, 0, 30)
        norms = np.full((30, network.depth), np.nan, np.float32)
        norms[::10] = 2 + i + np.arange(network.depth) / 10
        store.append(run, name, 0, np.column_stack([rows, norms]))
    page = opened(f"run={run}")
    expect(page.locator(".status")).to_have_text("step 29 / 96")
    page.get_by_label("What the pictures of layers show").select_option("Weight norm")
    expect(page.locator(".profile .panel-head b")).to_have_text("Weight norm by depth, now")
    expect(page.locator(".heat .panel-about")).to_have_text(" · log₁₀ ‖W‖ · last measured · one scale for both")
    page.get_by_role("button", name="Table").click()
    expect(page.locator(".table caption").first).to_have_text("Weight norm of each layer, at step 29")
    last = page.locator(".table table").first.locator("tbody tr").last.locator("td")
    expect(last).to_have_text(["fc", "10 × 1 × 1", "3.9", "4.9"])
    page.get_by_role("button", name="Table").click()
    page.get_by_label("What the pictures of layers show").select_option("Gradient norm")
    page.get_by_role("button", name="Table").click()
    expect(page.locator(".table caption").first).to_have_text("Gradient norm of each layer, at step 29")


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ("failed", "The loss is no finite number at step 12 in layer1.0.conv1.",
         "The run failed. The loss is no finite number at step 12 in layer1.0.conv1."),
        ("stopped", "Stopped by hand after 12 of 96 steps.",
         "plain-20 is not learning: train error 89 % against 59 %."),
    ],
)  # fmt: skip
def test_how_a_run_ended_is_said(
    opened: Callable[..., Page], store: Store, state: str, reason: str, words: str
) -> None:
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 12)
    store.set_state(run, state, reason)
    page = opened(f"run={run}")
    expect(page.locator(".verdict-words b")).to_have_text(words)
    expect(page.locator(".status")).to_have_text(f"12 / 96 steps · {state}")
    expect(page.get_by_role("button", name="Race again")).to_be_enabled()


def test_an_interrupted_run_offers_to_resume(opened: Callable[..., Page], store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 24)
    store.set_state(run, "interrupted", "The computer was switched off.")
    page = opened(f"run={run}")
    expect(page.locator(".status")).to_have_text("24 / 96 · interrupted")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("code")).to_have_text(json.dumps([{"kind": "resume"}]))
    assert store.again(run)
    expect(page.locator(".status")).to_have_text("waiting for its turn")
    store.set_state(run, "running", "Resumed after 12 of 96 steps.")
    fake_runs.append(store, run, MADE, 12, 4)  # told again from its checkpoint on
    expect(page.locator(".status")).to_have_text(at(15))
    fake_runs.append(store, run, MADE, 16, 80)
    store.set_state(run, "finished")
    expect(page.locator(".status")).to_have_text("96 / 96 steps · finished")


def test_a_recorded_loop_of_unknown_length_is_shown_and_not_steered(opened: Callable[..., Page], store: Store) -> None:
    made = fake_runs.header(MADE)["contestants"][0]
    rows = fake_runs.rows(True, len(made["layers"]), 0, 100)
    card = made | {"name": "model", "role": "third", "gaps": True, "signals": ["loss", *made["signals"][3:]]}
    run = store.create(None, name="a loop")
    store.set_header(run, {"steps": 0, "recorded": True, "contestants": [card]})
    store.set_state(run, "running")
    values = np.delete(rows, [1, 2], axis=1)
    values[3, 4] = np.nan  # a layer that took no part
    store.append(run, "model", 0, values[:10])
    page = opened(f"run={run}&bare=1")
    expect(page.locator(".status")).to_have_text("step 9")
    expect(page.locator(".scrubber")).to_have_attribute("max", "63")
    expect(page.locator(".verdict-words b")).to_contain_text("At this step the gradients of model")
    store.append(run, "model", 10, values[10:])
    expect(page.locator(".status")).to_have_text("step 99")
    expect(page.locator(".scrubber")).to_have_attribute("max", "127")
    assert page.locator(".broken").is_hidden()
    store.set_state(run, "finished")
    expect(page.locator(".status")).to_have_text("100 steps · finished")
    expect(page.locator(".scrubber")).to_have_attribute("max", "99")
    assert page.locator(".rate:visible, .pace:visible, .card-error:visible").count() == 0
    expect(page.locator(".error .panel-empty")).to_have_text(
        "A training loop of somebody's own: it is not evaluated here."
    )


def test_a_queued_run_waits_for_the_worker(opened: Callable[..., Page], store: Store) -> None:
    page = opened(f"run={store.create(MADE)}")
    expect(page.locator(".status")).to_have_text("waiting for its turn")
    expect(page.locator(".verdict-words b")).to_have_text("Waiting for its turn.")


def test_a_run_that_is_not_there_is_said(opened: Callable[..., Page]) -> None:
    page = opened("run=none-1")
    expect(page.locator(".verdict-words b")).to_have_text(
        "There is no such run: it was removed, or the address is mistyped."
    )


def test_a_name_is_text_and_never_markup(opened: Callable[..., Page], store: Store) -> None:
    bad = '<img src=x onerror="document.title=1">'
    contestants = dict(zip((bad, "b" * 90), MADE.contestants.values(), strict=True))
    made = MADE.model_copy(update={"contestants": contestants})
    run = fake_runs.begin(store, made)
    fake_runs.append(store, run, made, 0, 4)
    page = opened(f"run={run}")
    expect(page.locator(".card-name")).to_have_text([bad, "b" * 90])
    page.get_by_role("button", name="Table").click()
    assert page.locator(".live img").count() == 0
    assert page.title() != "1"


def test_what_is_not_finite_is_shown_as_such(opened: Callable[..., Page], store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    values = fake_runs.rows(True, 20, 0, 8)
    values[7, 3:] = np.nan
    values[6:, 0] = np.inf
    store.append(run, "plain-20", 0, values)
    store.append(run, "residual-20", 0, fake_runs.rows(False, 20, 0, 8))
    page = opened(f"run={run}")
    expect(page.locator(".status")).to_have_text("step 7 / 96")
    page.get_by_role("button", name="Table").click()
    expect(page.locator(".table tbody tr").first.locator("td").nth(2)).to_have_text("not finite")
    assert "no finite number at step 6" in page.locator(".verdict-words b").inner_text()


def test_a_recording_replays_by_itself_and_says_what_it_is(
    opened: Callable[..., Page], store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "race.safetensors"
    save_recording(run_data(store, fake_runs.finished(store, MADE)), path)
    page = opened(f"recording={path}&bare=1")
    expect(page.locator(".verdict-about")).to_have_text(re.compile(r"^recording · 2 CPU cores · \d+ \w+ \d{4}$"))
    expect(page.locator(".status")).to_have_text(re.compile(r"^recording · step [1-9]\d* / 96$"))
    first = status(page)
    page.wait_for_timeout(900)
    assert status(page) != first
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".status")).to_have_text(re.compile(r"^step \d+ / 96$"))
    still = status(page)
    page.wait_for_timeout(500)
    assert status(page) == still
    assert page.locator(".rewind, .pace:visible, .rate:visible").count() == 0


SHIPPED = ROOT / "resnet_viz" / "ui" / "recordings" / "plain56_residual56.safetensors"


@pytest.mark.parametrize("row", [0, 1, 12, 13, 95])
def test_at_every_step_of_a_recording_sentence_cards_and_pictures_tell_of_that_step(
    opened: Callable[..., Page], row: int
) -> None:
    data = load_recording(SHIPPED)
    page = opened(f"recording={SHIPPED}&bare=1")
    expect(page.locator(".card-name")).to_have_text(list(data.contestants))
    page.locator(".scrubber").evaluate(
        "(e, row) => { e.value = row; e.dispatchEvent(new Event('input', { bubbles: true })); }", row
    )
    expect(page.locator(".status")).to_have_text(f"step {row} / 96" if row else "at initialisation")
    shown = verdict(data, row if row < data.steps - 1 else None)
    expect(page.locator(".verdict-words")).to_have_text(f"{shown.bold} {shown.rest}")
    errors = [
        [e.train_error for e in data.evals(name) if e.step <= row or row == data.steps - 1][-1]
        for name in data.contestants
    ]
    expect(page.locator(".card-error")).to_have_text([f"{100 * error:.1f} %" for error in errors])
    page.get_by_role("button", name="Table").click()
    rows = page.locator(".table table").first.locator("tbody tr")
    for place, facts in enumerate(shown.facts["contestants"], 2):
        first, last = (
            float(rows.filter(has=page.get_by_text(facts[end], exact=True)).locator("td").nth(place).inner_text())
            for end in ("first_layer", "last_layer")
        )
        assert first / last == pytest.approx(facts["now"], rel=0.011), "the table's ratio is the sentence's"
        assert times(facts["now"]) in shown.rest


def test_in_a_long_run_the_sentence_says_of_which_step_it_is(opened: Callable[..., Page], store: Store) -> None:
    made = fake_runs.experiment(8, epochs=60)
    page = opened(f"run={fake_runs.finished(store, made)}")
    expect(page.locator(".status")).to_have_text("720 / 720 steps · finished")
    about = page.locator(".verdict-about")
    expect(about).to_have_text("digits · 2 CPU cores · seed 0")
    page.locator(".scrubber").focus()
    page.keyboard.press("Home")
    expect(about).to_have_text("digits · 2 CPU cores · seed 0")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".status")).to_have_text("step 1 / 720")
    expect(about).to_have_text("line of step 0 · digits · 2 CPU cores · seed 0")


def test_where_motion_is_unwelcome_a_recording_stands_still(
    server: AppServer, browser: Browser, store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "race.safetensors"
    save_recording(run_data(store, fake_runs.finished(store, MADE)), path)
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{server.url}/?recording={path}&bare=1")
    expect(page.locator(".status")).to_have_text("step 95 / 96")
    page.wait_for_timeout(600)
    assert status(page) == "step 95 / 96"
    expect(page.get_by_role("button", name="Replay")).to_be_enabled()
    context.close()


def test_a_narrow_page_stacks_and_nothing_is_wider_than_it(server: AppServer, browser: Browser, store: Store) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{server.url}/?run={fake_runs.finished(store, MADE)}")
    expect(page.locator(".status")).to_have_text("96 / 96 steps · finished")
    wide = "es => es.filter(e => { const b = e.getBoundingClientRect(); return b.width > 0 && b.right > 391; }).length"
    assert page.locator(".live *").evaluate_all(wide) == 0
    tops = [page.locator(f".panel.{name}").bounding_box() for name in ("profile", "heat", "loss", "error")]
    assert all(above and below and above["y"] < below["y"] for above, below in pairwise(tops))
    context.close()


def test_eight_tabs_load_and_all_follow(opened: Callable[..., Page], server: AppServer, store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 3)
    pages = [opened(f"run={run}") for _ in range(8)]
    for page in pages:
        expect(page.locator(".status")).to_have_text("step 2 / 96", timeout=20_000)
    assert int(str(server.health()["viewers"])) <= 5, "streams are shared out: four, and a short look now and then"
    fake_runs.append(store, run, MADE, 3, 5)
    for page in pages:
        expect(page.locator(".status")).to_have_text(at(7), timeout=10_000)
    pages[0].close()
    store.set_state(run, "finished")
    for page in pages[1:]:
        expect(page.locator(".status")).to_have_text("8 / 96 steps · finished", timeout=10_000)


def test_a_hidden_tab_holds_no_stream_and_catches_up_when_it_is_seen(
    opened: Callable[..., Page], server: AppServer, store: Store
) -> None:
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 3)
    page = opened(f"run={run}")
    expect(page.locator(".status")).to_have_text("step 2 / 96")
    server.wait_for_viewers(1)
    hide = """hidden => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    server.wait_for_viewers(0)
    fake_runs.append(store, run, MADE, 3, 4)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.evaluate(hide, False)
    expect(page.locator(".status")).to_have_text(at(6))
    resumed = [url for url in requests if "/stream/" in url]
    assert len(resumed) == 1 and re.search(r"after=\d+\.\d+$", resumed[0]), resumed


def test_a_server_that_comes_back_is_followed_again(browser: Browser, tmp_path: Path) -> None:
    home = Store(tmp_path)
    run = fake_runs.begin(home, MADE)
    fake_runs.append(home, run, MADE, 0, 3)
    page = browser.new_page()
    with app_server(tmp_path, script=APP) as first:
        port = first.port
        page.goto(f"{first.url}/?run={run}")
        expect(page.locator(".status")).to_have_text("step 2 / 96")
    expect(page.locator(".note")).to_have_text("Connection lost, trying again.", timeout=15_000)
    fake_runs.append(home, run, MADE, 3, 4)
    with app_server(tmp_path, script=APP, port=port):
        expect(page.locator(".status")).to_have_text(at(6), timeout=30_000)
        expect(page.locator(".note")).to_have_text("")
        page.close()


def test_under_a_base_path_it_finds_the_stream(browser: Browser, tmp_path: Path) -> None:
    home = Store(tmp_path)
    run = fake_runs.finished(home, MADE)
    with app_server(tmp_path, base="/deep/down", script=APP) as server:
        page = browser.new_page()
        page.goto(f"{server.url}/?run={run}")
        expect(page.locator(".status")).to_have_text("96 / 96 steps · finished", timeout=15_000)
        expect(page.locator(".note")).to_have_text("")
        page.close()


def test_where_a_proxy_swallows_the_route_the_page_polls_and_looks_the_same(
    opened: Callable[..., Page], server: AppServer, store: Store
) -> None:
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 3)
    with swallowing_proxy(server.port) as port:
        page = opened(f"run={run}", f"http://127.0.0.1:{port}")
        expect(page.locator(".status")).to_have_text("step 2 / 96", timeout=15_000)
        expect(page.locator(".note")).to_have_text("live stream not passed through, polling")
        race = fake_runs.Race(store, run, MADE, a_second=25)
        race.start()
        expect(page.locator(".status")).to_have_text("96 / 96 steps · finished", timeout=20_000)
        page.get_by_role("button", name="Table").click()
        assert page.locator(".table table").nth(1).locator("tbody tr").count() == 9
        race.end()
        page.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_with_ten_views_open_the_server_ends_at_once(browser: Browser, tmp_path: Path, number: signal.Signals) -> None:
    home = Store(tmp_path)
    run = fake_runs.begin(home, MADE)
    fake_runs.append(home, run, MADE, 0, 3)
    took = [_seconds_to_end(browser, tmp_path, run, number)]
    while took[-1] >= 2 and len(took) < 3:  # 0.3 s on a quiet machine; a busy one gets two more attempts
        took.append(_seconds_to_end(browser, tmp_path, run, number))
    assert took[-1] < 2, took


def _seconds_to_end(browser: Browser, home: Path, run: str, number: signal.Signals) -> float:
    context = browser.new_context()
    with app_server(home, script=APP) as server:
        pages = [context.new_page() for _ in range(10)]
        for page in pages:
            page.goto(f"{server.url}/?run={run}")
        for page in pages:
            expect(page.locator(".status")).to_have_text(at(2), timeout=20_000)
        took = server.end(number)
    context.close()
    return took


def test_the_axis_of_the_layers_holds_the_band_of_all_seeds(browser: Browser) -> None:
    """From the median alone it would end at 1, and the band of 0.001 to 1,000 would run past it."""
    page = browser.new_page()
    frame = {
        "c": "a", "first": 0, "loss": [1.0], "loss_min": [0.5], "loss_max": [2.0], "train_error": [0.5], "lr": [0.1],
        "grad": [[0.2, 1.0]], "grad_min": [[0.001, None]], "grad_max": [[1000.0, None]],
    }  # fmt: skip
    low, high, broken = page.evaluate(
        """([source, frame]) => new Function("frame", source + `
            const model = new RunModel();
            const contestant = { name: "a", role: "plain", layers: [{ path: "x" }, { path: "y" }] };
            model.applyHeader({ id: "r", state: "running", header: { contestants: [contestant] } });
            const rest = { evals: [], marks: [], verdicts: [] };
            model.applyDelta({ state: "running", frames: [frame], ...rest });
            const { low, high } = model.scale();
            return [low, high, model.broken];
        `)(frame)""",
        [script("model.js"), frame],
    )
    assert (low, high, broken) == (-3, 3, False)
