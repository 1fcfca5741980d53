"""A share link copied from the page opens the same network, or race, in another browser profile."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from resnet_viz.spec import Experiment, decode, encode, preset
from resnet_viz.ui.race_state import start_from, with_recipe

pytestmark = pytest.mark.browser
PATIENCE = 60_000


def copied(page: Page) -> str:
    """The address that the page offers."""
    page.get_by_role("button", name="Share link").click(timeout=PATIENCE)
    code = page.locator("[data-testid=stPopoverBody] code")
    expect(code).to_have_text(re.compile("^http"), timeout=PATIENCE)
    return code.inner_text().strip()


@pytest.fixture
def stranger(browser: Browser) -> Page:
    """Another profile: no cookies, no session, no history."""
    page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
    page.set_default_timeout(20_000)
    return page


def test_a_network_in_another_profile(page: Page, stranger: Page, app_url: str) -> None:
    page.goto(f"{app_url}/playground?n=p1.tiny_resnet20")
    blocks = page.get_by_label("Blocks in stage 2")
    blocks.fill("5", timeout=PATIENCE)
    blocks.press("Enter")
    expect(page.locator('.mark[data-node="layer2"]')).to_have_attribute(
        "aria-label", re.compile("5 blocks"), timeout=PATIENCE
    )
    link = copied(page)
    assert link.startswith(f"{app_url}/playground?n=n2.") and len(link.partition("?n=")[2]) < 60
    stranger.goto(link)
    expect(stranger.get_by_label("Blocks in stage 2")).to_have_value("5", timeout=PATIENCE)
    assert copied(stranger) == link
    stages = preset("tiny_resnet20").stages
    shared = decode(link.partition("?n=")[2])
    assert shared == preset("tiny_resnet20").model_copy(
        update={
            "name": "tiny_resnet20 edited",
            "stages": (stages[0], stages[1].model_copy(update={"blocks": 5}), stages[2]),
        }
    )
    stranger.context.close()


def test_a_race_in_another_profile(page: Page, stranger: Page, app_url: str) -> None:
    race: Experiment = with_recipe(start_from(preset("tiny_resnet8"))[0], epochs=3, seed=11)
    page.goto(f"{app_url}/race?x={encode(race)}")
    link = copied(page)
    assert link == f"{app_url}/race?x={encode(race)}"
    stranger.goto(link)
    expect(stranger.locator(".card-name").first).to_have_text("plain-8", timeout=PATIENCE)
    assert copied(stranger) == link
    stranger.keyboard.press("Escape")
    stranger.get_by_role("button", name="Settings").click()
    expect(stranger.get_by_label("Epochs", exact=True)).to_have_value("3")
    expect(stranger.get_by_label("Seed", exact=True)).to_have_value("11")
    stranger.context.close()
