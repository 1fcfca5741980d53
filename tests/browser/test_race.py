"""The race in a real browser against a real worker: start, steer, reload, rewind, and what a killed process leaves."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import psutil
import pytest
from playwright.sync_api import Page, expect

from resnet_viz.runs import Store, run_data
from resnet_viz.spec import Experiment, preset
from resnet_viz.ui.race_state import start_from, with_recipe, write_address
from tests.browser.conftest import Server

pytestmark = pytest.mark.browser

PATIENCE = 60_000
"""Milliseconds for what a quiet machine does in a second or two: tests run beside others."""


def small(**recipe: object) -> Experiment:
    """8 layers each, a few milliseconds a step."""
    return with_recipe(start_from(preset("tiny_resnet8"))[0], **recipe)


def visit(page: Page, url: str, race: Experiment) -> None:
    page.goto(f"{url}/race?{urlencode(write_address(race))}")
    expect(page.locator(".card-name").first).to_have_text(next(iter(race.contestants)), timeout=PATIENCE)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click(timeout=PATIENCE)


def start(page: Page) -> str:
    press(page, "▶ Start the race")
    page.wait_for_url(re.compile(r"run="), timeout=PATIENCE)
    return run_of(page)


def run_of(page: Page) -> str:
    return page.url.partition("run=")[2]


def status(page: Page, words: str) -> None:
    expect(page.locator(".status")).to_have_text(re.compile(words), timeout=PATIENCE)


def step_shown(page: Page) -> int:
    found = re.search(r"step (\d+)", page.locator(".status").inner_text())
    return int(found[1]) if found else -1


def until(what: Callable[[], bool], seconds: float = PATIENCE / 1000) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_from_the_landing_page_to_a_finished_race(page: Page, app_url: str, app_home: Path) -> None:
    page.goto(app_url)
    press(page, "Race them now")
    page.wait_for_url(re.compile(r"/race\?run="), timeout=PATIENCE)
    status(page, r"step \d+ / 96")
    status(page, "finished")
    errors = [float(text.rstrip(" %")) for text in page.locator(".card-error").all_inner_texts()]
    assert errors[0] >= errors[1] + 20
    expect(page.locator(".verdict-words b")).to_have_text(re.compile(r"^plain-56 is .*: train error \d\d\s% against"))
    data = run_data(Store(app_home), run_of(page))
    last = {name: 100 * data.evals(name)[-1].train_error for name in data.contestants}
    assert errors == pytest.approx(list(last.values()), abs=0.06)


def test_pause_step_resume_and_stop(page: Page, app_url: str) -> None:
    visit(page, app_url, small(epochs=40, pace=20.0))
    start(page)
    status(page, r"step \d+ / 480")
    press(page, "❚❚ Pause")
    status(page, "paused")
    page.wait_for_timeout(800)  # who lies behind comes up to the step of the one in front
    before = step_shown(page)
    page.wait_for_timeout(1000)
    assert step_shown(page) == before
    press(page, "Step")
    status(page, f"step {before + 1} / 480 · paused")
    press(page, "▶ Resume")
    until(lambda: step_shown(page) > before + 3)
    press(page, "Stop")
    status(page, "stopped")


def test_a_reload_in_mid_run_finds_it_again(page: Page, app_url: str, app_home: Path) -> None:
    visit(page, app_url, small(epochs=40, pace=20.0))
    run = start(page)
    until(lambda: step_shown(page) > 5)
    before = step_shown(page)
    page.reload()
    until(lambda: step_shown(page) > before)
    assert run_of(page) == run
    assert [row.id for row in Store(app_home).rows()].count(run) == 1
    page.get_by_role("link", name="Runs").click()
    page.get_by_role("link", name="Race").click()
    page.wait_for_url(re.compile(run), timeout=PATIENCE)
    press(page, "Stop")
    status(page, "stopped")


def test_back_leads_from_the_run_to_the_race_before_its_start(page: Page, app_url: str) -> None:
    race = small(seed=11)
    visit(page, app_url, race)
    start(page)
    status(page, "finished")
    page.wait_for_timeout(1600)  # longer than a rerun may still be under way (address.STALE_SECONDS)
    page.go_back()
    status(page, "^96 steps$")
    assert page.url.endswith(urlencode(write_address(race)))


def test_rewind_has_the_same_initial_weights(page: Page, app_url: str, app_home: Path) -> None:
    visit(page, app_url, small(epochs=40, pace=20.0, seed=3))
    first = start(page)
    until(lambda: step_shown(page) > 2)
    press(page, "⟲ Rewind, same weights")
    page.wait_for_url(lambda url: "run=" in url and first not in url, timeout=PATIENCE)
    status(page, "at initialisation · paused")
    store = Store(app_home)
    until(lambda: store.row(first).state == "stopped")
    old, new = run_data(store, first), run_data(store, run_of(page))
    for name in old.contestants:
        assert len(new.frames[name]) == 1
        assert np.array_equal(old.frames[name][0], new.frames[name][0])
    press(page, "Stop")
    status(page, "stopped")


def test_a_killed_worker_is_said_and_the_next_run_starts(page: Page, app_url: str, app_home: Path) -> None:
    visit(page, app_url, small(epochs=200, pace=20.0))
    run = start(page)
    until(lambda: step_shown(page) > 10)
    store = Store(app_home)
    pid = store.row(run).worker_pid
    assert pid is not None
    psutil.Process(pid).kill()
    killed = time.monotonic()
    expect(page.locator(".status")).to_have_text(re.compile("interrupted"), timeout=10_000)
    assert time.monotonic() - killed < 5
    expect(page.locator(".verdict-words")).to_contain_text("interrupted")
    assert run_data(store, run).steps > 10
    press(page, "▶ Resume")
    until(lambda: store.row(run).state == "running")
    assert run_of(page) == run
    press(page, "Stop")
    status(page, "stopped")
    press(page, "▶ Race again")
    page.wait_for_url(lambda url: "run=" in url and run not in url, timeout=PATIENCE)
    until(lambda: run_data(store, run_of(page)).steps > 1)
    press(page, "Stop")
    status(page, "stopped")


def test_a_killed_server_forgets_nothing(page: Page, tmp_path: Path) -> None:
    server = Server(tmp_path).start()
    try:
        visit(page, server.url, small(epochs=2))
        run = start(page)
        status(page, "finished")
        assert server.process is not None
        server.process.kill()
        server.process.wait(10)
        server.start()
        page.goto(f"{server.url}/runs")
        expect(page.get_by_role("button", name="plain-8 / residual-8")).to_have_count(1, timeout=PATIENCE)
        page.goto(f"{server.url}/race?run={run}")
        status(page, "24 / 24 steps · finished")
    finally:
        server.stop()
        server.end_workers()


def test_bad_input_is_refused_beside_its_field(page: Page, app_url: str) -> None:
    race = small(seed=2)
    visit(page, app_url, race)
    press(page, "Settings")
    for label, value, sentence in (
        ("Epochs", "0", "Epochs is 0: it must be at least 1."),
        ("Batch size", "100000", "Batch is 100000: it must be at most 8192."),
        ("Learning rate", "-1", "Learning rate is -1.0: it must be above 0."),
    ):
        field = page.locator(f'input[type=number][aria-label="{label}"]')
        field.fill(value)
        field.press("Enter")
        expect(page.get_by_text(sentence)).to_be_visible(timeout=PATIENCE)
        expect(field).to_have_value(value)
    expect(page.locator(".verdict-words")).to_have_text(
        "A setting was refused: the race starts with the last valid ones."
    )
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)
    assert page.url.endswith(urlencode(write_address(race)))


def test_the_control_bar_is_on_the_screen_in_every_state(page: Page, app_url: str) -> None:
    visit(page, app_url, small(seed=4))
    places = [page.locator(".bar").bounding_box(), page.locator(".card").first.bounding_box()]
    start(page)
    status(page, "finished")
    assert [page.locator(".bar").bounding_box(), page.locator(".card").first.bounding_box()] == places
    bar = places[0]
    assert bar is not None and bar["y"] + bar["height"] <= 768
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight") <= 768
