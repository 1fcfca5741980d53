"""The compare page in a real browser: its address is the comparison, in this browser and in another one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from resnet_viz.spec import Comparison, decode, encode, preset

pytestmark = pytest.mark.browser


def heads(page: Page) -> list[str]:
    cells = page.locator(".st-key-card_compare_table th").all_inner_texts()
    return [re.sub(r"^.\s", "", cell) for cell in cells if cell.strip()]


def test_the_address_is_the_comparison(page: Page, browser: Browser, app_url: str) -> None:
    first = Comparison(networks=(preset("tiny_plain8"), preset("tiny_resnet8")))
    page.goto(f"{app_url}/compare?c={encode(first)}")
    table = page.locator(".st-key-card_compare_table table")
    expect(table).to_contain_text("tiny_resnet8", timeout=60_000)
    expect(page.locator(".js-plotly-plot")).to_have_count(5, timeout=30_000)
    page.get_by_role("button", name="Add a network").click()
    page.get_by_label("From a share link").fill("p1.tiny_resnet20")
    page.get_by_label("From a share link").press("Enter")
    expect(table).to_contain_text("tiny_resnet20")
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"\?c=c\d\."))
    held = decode(page.url.partition("?c=")[2])
    assert isinstance(held, Comparison)
    assert [network.name for network in held.networks] == ["tiny_plain8", "tiny_resnet8", "tiny_resnet20"]

    other = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    tab = other.new_page()
    tab.goto(page.url)
    expect(tab.locator(".st-key-card_compare_table table")).to_contain_text("tiny_resnet20", timeout=60_000)
    assert heads(tab) == heads(page) == ["tiny_plain8", "tiny_resnet8", "tiny_resnet20"]
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390, "the page itself scrolls sideways"
    other.close()

    page.wait_for_timeout(1600)  # longer than an edit may still be under way (address.STALE_SECONDS)
    page.go_back()
    expect(table).not_to_contain_text("tiny_resnet20")
    page.reload()
    expect(table).to_contain_text("tiny_resnet8", timeout=30_000)
    assert heads(page) == ["tiny_plain8", "tiny_resnet8"]
    page.get_by_role("button", name="More").nth(1).click()
    page.get_by_role("button", name="Open in the Playground").click()
    expect(page).to_have_url(re.compile(r"/playground\?n=p1\.tiny_resnet8"), timeout=20_000)
