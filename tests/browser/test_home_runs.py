"""The first page and the page of runs in a real browser."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Locator, Page, expect

from resnet_viz.runs import Store
from tests.serve import fake_runs

pytestmark = pytest.mark.browser

MADE = fake_runs.experiment(8, 2)
PATIENCE = 60_000


@pytest.fixture
def store(app_home: Path) -> Iterator[Store]:
    store = Store(app_home)
    yield store
    for row in store.rows():
        store.delete(row.id)
    store.purge()


def opened(page: Page, app_url: str) -> Page:
    page.goto(f"{app_url}/runs")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible(timeout=PATIENCE)
    return page


def row(page: Page, run: str) -> Locator:
    return page.locator(f'[class*="st-key-runs-row-{run}"]')


def choose(page: Page, run: str, what: str) -> None:
    row(page, run).get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name=what).click()


def test_the_first_page_moves_within_seconds(page: Page, app_url: str) -> None:
    page.goto(app_url)
    status = page.locator(".status")
    expect(status).to_have_text(re.compile(r"recording · step \d+ / 96"), timeout=PATIENCE)
    first = status.inner_text()
    expect(status).not_to_have_text(first, timeout=5_000)
    expect(page.get_by_text("A recording: ")).to_be_visible()
    expect(page.get_by_role("button", name="Race them now")).to_be_visible()
    page.get_by_role("button", name="Assemble your own network").click()
    page.wait_for_url(re.compile("/playground"), timeout=PATIENCE)


def test_it_keeps_still_where_motion_is_unwelcome(page: Page, app_url: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(app_url)
    expect(page.locator(".card-error").first).to_have_text(re.compile(r"\d"), timeout=PATIENCE)
    before = page.locator(".status").inner_text()
    page.wait_for_timeout(1500)
    assert page.locator(".status").inner_text() == before


def test_replay(page: Page, app_url: str, store: Store) -> None:
    run = fake_runs.finished(store, MADE, "a run to see again")
    opened(page, app_url).get_by_role("button", name="a run to see again").click()
    page.wait_for_url(re.compile(run), timeout=PATIENCE)
    expect(page.locator(".status")).to_have_text("24 / 24 steps · finished", timeout=PATIENCE)
    page.get_by_role("button", name="▶ Replay").click()
    expect(page.locator(".status")).to_have_text(re.compile("step [1-9] / 24"), timeout=PATIENCE)


def test_rename_delete_and_undo(page: Page, app_url: str, store: Store) -> None:
    run = fake_runs.finished(store, MADE, "old name")
    choose(opened(page, app_url), run, "Rename")
    page.get_by_label("Name", exact=True).fill("new <b>name</b>")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_role("button", name="new <b>name</b>")).to_be_visible(timeout=PATIENCE)
    assert store.row(run).name == "new <b>name</b>"
    choose(page, run, "Delete")
    expect(page.get_by_text("“new <b>name</b>” is in the bin.")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name="new <b>name</b>")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="new <b>name</b>")).to_be_visible(timeout=PATIENCE)
    assert store.row(run).deleted is None


def test_download(page: Page, app_url: str, store: Store) -> None:
    run = fake_runs.finished(store, MADE, "telemetry")
    choose(opened(page, app_url), run, "Download")
    with page.expect_download(timeout=PATIENCE) as waiting:
        page.get_by_role("button", name="Telemetry, Parquet").click()
    assert waiting.value.suggested_filename == "telemetry.parquet"
    table = pq.read_table(io.BytesIO(Path(waiting.value.path()).read_bytes()))
    assert table.num_rows == 48
    assert table.column("loss").to_numpy()[:24] == pytest.approx(
        store.frames(run, contestant="plain-8")[0].values[:, 0]
    )


def test_two_runs_are_compared(page: Page, app_url: str, store: Store) -> None:
    for name in ("first", "second"):
        fake_runs.finished(store, MADE, name)
    opened(page, app_url)
    boxes = page.locator('[data-testid="stCheckbox"]')
    expect(boxes).to_have_count(2, timeout=PATIENCE)
    for box in boxes.all():
        box.click()
    page.get_by_role("button", name="Compare two").click()
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Not at all: same networks, same recipe, same seed.")).to_be_visible()
    page.reload()
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".js-plotly-plot")).to_have_count(0, timeout=PATIENCE)


def test_a_narrow_page_lists_and_replays(page: Page, app_url: str, store: Store) -> None:
    fake_runs.finished(store, MADE, "narrow")
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, app_url)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="narrow").click()
    expect(page.locator(".status")).to_have_text("24 / 24 steps · finished", timeout=PATIENCE)
