"""Labs from start to end in a real browser: find the question, predict, run it in the worker, read what it shows."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from resnet_viz.labs import find

pytestmark = pytest.mark.browser

PATIENCE = 90_000


@dataclass(frozen=True)
class Visit:
    """What a reader of one lab searches for, predicts (the second is wrong where ``right`` is 1), and then reads."""

    slug: str
    search: str
    predictions: tuple[str, str]
    right: int
    run: str
    answer: str


VISITS = (
    Visit("lazy", "lazy", ("no weights at all", "outputs that differ"), 1, "Run it here",
          "A lazy layer waits for the first batch to learn its shape."),
    Visit("table-1", "VGG-19", ("fewer", "less than a quarter more"), 2, "Count them here",
          "bottlenecks make depth cheap"),
    Visit("two-names", "two figures", ("the same block, once as a whole", "larger"), 1, "Run it here",
          "Both figures show the same block"),
)  # fmt: skip


@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: visit.slug)
def test_from_the_question_to_the_explanation(visit: Visit, page: Page, app_url: str) -> None:
    lab = find(visit.slug)
    page.set_default_timeout(PATIENCE)
    page.goto(f"{app_url}/questions")
    expect(page.get_by_text(re.compile("^0 of [0-9]+ done$"))).to_be_visible(timeout=PATIENCE)
    page.get_by_placeholder("Search").fill(visit.search)
    page.get_by_placeholder("Search").press("Enter")
    page.get_by_role("button", name=f"{lab.number}. {lab.question}").click()
    page.wait_for_url(re.compile(f"lab={visit.slug}"), timeout=PATIENCE)
    run = page.get_by_role("button", name=visit.run)
    expect(run).to_be_disabled(timeout=PATIENCE)
    for prediction in visit.predictions:
        page.get_by_text(prediction).click()
    expect(run).to_be_enabled(timeout=PATIENCE)
    run.click()
    page.wait_for_url(re.compile("run="), timeout=PATIENCE)
    for again in (False, True):
        if again:
            page.reload()
        expect(page.get_by_text("This run shows a clear effect.")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text(visit.answer)).to_be_visible()
        expect(page.get_by_text(re.compile(r"your\sprediction"))).to_have_count(2)
        expect(page.get_by_text(re.compile(r"your\sprediction ✓\sobserved"))).to_have_count(visit.right)
        expect(page.get_by_text(re.compile("^This run: [0-9]+ CPU core"))).to_be_visible()


def test_what_a_lab_is_taken_away_as(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/lab?lab=lazy&run=recording&guess=none.equal")
    expect(page.get_by_text("The recording shows a clear effect.")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Words used here").click()
    expect(page.get_by_text("how many pixels a convolution moves on")).to_be_visible()
    page.keyboard.press("Escape")
    with page.expect_download(timeout=PATIENCE) as waiting:
        page.get_by_role("button", name="Handout").click()
    assert waiting.value.suggested_filename == "lazy.html"
    page.get_by_role("button", name="All", exact=True).click()
    expect(page.get_by_text(re.compile("^1 of [0-9]+ done$"))).to_be_visible(timeout=PATIENCE)
