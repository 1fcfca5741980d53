"""A lab from start to end in a real browser: predict, run it in the worker, read what it shows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

PATIENCE = 90_000


def test_from_the_question_to_the_explanation(page: Page, app_url: str) -> None:
    page.set_default_timeout(PATIENCE)
    page.goto(f"{app_url}/questions")
    expect(page.get_by_text(re.compile("^0 of [0-9]+ done$"))).to_be_visible(timeout=PATIENCE)
    page.get_by_placeholder("Search").fill("lazy")
    page.get_by_placeholder("Search").press("Enter")
    page.get_by_role("button", name="What is bn1").click()
    page.wait_for_url(re.compile("lab=lazy"), timeout=PATIENCE)
    run = page.get_by_role("button", name="Run it here")
    expect(run).to_be_disabled(timeout=PATIENCE)
    page.get_by_text("no weights at all").click()
    page.get_by_text("outputs that differ").click()
    expect(run).to_be_enabled(timeout=PATIENCE)
    run.click()
    page.wait_for_url(re.compile("run="), timeout=PATIENCE)
    expect(page.get_by_text("This run shows it.")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("your prediction ✓ observed")).to_have_count(1)
    expect(page.get_by_text(re.compile("^This run: .* seed 0$"))).to_be_visible()
    page.reload()
    expect(page.get_by_text("This run shows it.")).to_be_visible(timeout=PATIENCE)
    with page.expect_download(timeout=PATIENCE) as waiting:
        page.get_by_role("button", name="Handout").click()
    assert waiting.value.suggested_filename == "lazy.html"
    page.get_by_role("button", name="All", exact=True).click()
    expect(page.get_by_text(re.compile("^1 of [0-9]+ done$"))).to_be_visible(timeout=PATIENCE)
