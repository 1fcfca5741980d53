"""The audience's page on a phone: live, read-only, under its own policy; a run that is over is replayed."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, ConsoleMessage, expect

from resnet_viz.runs import Store
from resnet_viz.serve import Follower
from resnet_viz.serve.messages import START, as_lines
from tests.browser.conftest import Server
from tests.serve import fake_runs

pytestmark = pytest.mark.browser
MADE = fake_runs.experiment(20)


def test_a_phone_watches_a_run_and_then_its_replay(app: Server, browser: Browser) -> None:
    store = Store(app.home)
    run = fake_runs.begin(store, MADE, name="<i>plain</i> & residual")
    fake_runs.append(store, run, MADE, 0, 5)
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    context.set_default_timeout(20_000)
    page = context.new_page()
    refused: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        refused.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: refused.append(str(error)))
    page.goto(f"{app.url}/watch/{run}")
    status = page.locator(".status")
    expect(status).to_have_text(re.compile(r"^step 4 / 96"))
    expect(page.locator("h1")).to_have_text("<i>plain</i> & residual")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 20, 25)"
    expect(page.locator(".bar button:visible")).to_have_text(["▶ Replay", "Live", "Table"])
    expect(page.locator(".rate, .pace").first).to_be_hidden()
    fake_runs.append(store, run, MADE, 5, MADE.steps - 5)
    expect(status).to_have_text(re.compile(r"^step 95 / 96"))
    store.set_state(run, "finished")
    expect(status).to_have_text("96 / 96 steps · finished")

    page.wait_for_timeout(1100)  # for a second the past is told as it was built for the visitors before
    page.reload()
    expect(status).to_have_text(re.compile(r"^step \d / 96|at initialisation"))  # from the start, by itself
    page.emulate_media(reduced_motion="reduce", color_scheme="light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    expect(page.locator(".live")).to_have_attribute("data-theme", "light")
    page.reload()
    expect(status).to_have_text("96 / 96 steps · finished")  # no motion: it stands at the end
    assert refused == []
    context.close()


def test_a_run_whose_process_cannot_write_says_so_on_the_page(app: Server, browser: Browser) -> None:
    store = Store(app.home)
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 5)
    follower = Follower(store, run)
    follower.poll()
    follower.trouble = "Its process is alive but writes nothing."
    told = as_lines([follower.header(), follower.since(START) or {}]).decode()
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.route("**/stream/*", lambda route: route.fulfill(body=told, content_type="text/event-stream"))
    page.goto(f"{app.url}/watch/{run}")
    expect(page.locator(".verdict")).to_have_attribute("data-kind", "problem")
    expect(page.locator(".verdict b")).to_have_text("Its process is alive but writes nothing.")
    context.close()
