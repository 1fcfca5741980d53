"""The playground in a real browser: graph by mouse and keyboard, the draft in the address, both themes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from resnet_viz.spec import Block, Network, Stage, decode, encode, preset

pytestmark = pytest.mark.browser


OVERLAPS = """(root) => {
    const texts = [...root.querySelectorAll('svg text')].map((t) => [t.textContent, t.getBoundingClientRect()]);
    const found = [];
    texts.forEach(([a, r], i) => texts.slice(i + 1).forEach(([b, s]) => {
        const apart = r.left >= s.right || s.left >= r.right || r.top + 2 >= s.bottom || s.top + 2 >= r.bottom;
        if (!apart) found.push([a, b]);
    }));
    return found;
}"""


def visit(page: Page, app_url: str, text: str = "p1.resnext50_32x4d") -> None:
    page.goto(f"{app_url}/playground?n={text}")
    expect(page.locator(".rv-graph svg")).to_be_visible(timeout=60_000)


def choose(page: Page, label: str, text: str, option: str) -> None:
    """The option of a field with a list, found by typing: after the page is at rest, since a field that is drawn anew
    while somebody types loses its open list."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    page.get_by_label(label).fill(text)
    page.get_by_role("option", name=option).click()


def in_address(page: Page) -> object:
    return decode(page.url.partition("?n=")[2])


def test_the_graph_opens_by_mouse_and_keyboard(page: Page, app_url: str) -> None:
    visit(page, app_url)
    page.locator('.mark[aria-label^="stage 2,"]').click()
    expect(page.locator(".rv-crumbs .rv-here")).to_have_text("stage 2")
    page.locator('.mark[aria-label^="stage 2, block 2"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator(".rv-crumbs .rv-here")).to_have_text("block 2")
    texts = page.locator(".rv-graph svg text").all_text_contents()
    assert {"x", "F(x)", "F(x) + x", "x, identity", "3×3 · 32 groups", "stage 2 · 4 blocks"} <= set(texts)
    conv = page.locator('.mark[data-node="layer2.1.conv2"]')
    conv.hover()
    read = "layer2.1.conv2 · 256 × 28 × 28 · 18,432 parameters · 14.5 M multiply-adds"
    expect(page.locator(".rv-info")).to_have_text(read)
    conv.click()
    expect(conv).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Next block").click()
    expect(page.locator(".rv-crumbs .rv-here")).to_have_text("block 3")
    page.locator(".mark").first.focus()
    for here in ("stage 2", "Network"):
        page.keyboard.press("Escape")
        expect(page.locator(".rv-crumbs .rv-here")).to_have_text(here)
    page.locator('.mark[data-node="stem"]').focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator('.mark[data-node="layer1"]')).to_be_focused()


def test_resnext_from_resnet_by_two_widgets(page: Page, app_url: str) -> None:
    visit(page, app_url, "p1.resnet50")
    parameters = page.locator('.st-key-card_parameters [data-testid="stMetricValue"]')
    expect(parameters).to_have_text("25,557,032")
    for label, value in (("Cardinality", "32"), ("Base width", "4")):
        page.get_by_label(label, exact=True).fill(value)
        page.get_by_label(label, exact=True).press("Enter")
    expect(parameters).to_have_text("25,028,904")
    assert in_address(page).stages == preset("resnext50_32x4d").stages  # type: ignore[attr-defined]


def test_graph_and_code_light_each_other_up(page: Page, app_url: str) -> None:
    """The graph says over what the pointer is and lights what others say, all in the browser."""
    visit(page, app_url)
    page.evaluate("window.heard = []; window.addEventListener('rv:hover', (e) => window.heard.push(e.detail))")
    page.locator('.mark[data-node="layer2"]').hover()
    page.mouse.move(2, 2)
    page.locator('.mark[data-node="stem"]').focus()
    said = page.evaluate("window.heard")
    assert [(one["path"], one["from"]) for one in said] == [("layer2", "graph"), ("", "graph"), ("conv1", "graph")]
    page.locator('.mark[data-node="layer2"]').click()
    page.locator('.mark[data-node="layer2.0"]').click()
    expect(page.locator('.mark[data-node="layer2.0.conv1"]')).to_be_visible()
    say = "(path) => window.dispatchEvent(new CustomEvent('rv:hover', { detail: { path, from: 'code' } }))"
    lit = page.locator(".mark.lit")
    for path, node in (
        ("layer2.0.conv1", "layer2.0.conv1"), ("layer2.2.bn1", "layer2.1+"), ("layer3.5.conv2", "layer3"),
        ("bn1", "stem"), ("fc", "head"),
    ):  # fmt: skip
        page.evaluate(say, path)
        expect(lit).to_have_count(1)
        expect(lit).to_have_attribute("data-node", node)
    page.evaluate(say, "")
    expect(lit).to_have_count(0)


def test_the_draft_survives_reload_back_and_a_second_tab(page: Page, app_url: str) -> None:
    visit(page, app_url, "p1.tiny_resnet20")
    blocks = page.get_by_label("Blocks in stage 2")
    for count in ("4", "5"):
        blocks.fill(count)
        blocks.press("Enter")
        expect(page.locator('.mark[data-node="layer2"]')).to_have_attribute("aria-label", re.compile(f"{count} blocks"))
    page.wait_for_timeout(1600)  # longer than an edit may still be under way (address.STALE_SECONDS)
    edited = in_address(page)
    page.reload()
    expect(blocks).to_have_value("5", timeout=30_000)
    tab = page.context.new_page()
    tab.goto(page.url)
    expect(tab.get_by_label("Blocks in stage 2")).to_have_value("5", timeout=30_000)
    tab.close()
    page.go_back()
    expect(blocks).to_have_value("4")
    page.go_back()
    expect(blocks).to_have_value("3")
    assert in_address(page) == preset("tiny_resnet20")
    page.go_forward()
    page.go_forward()
    expect(blocks).to_have_value("5")
    assert in_address(page) == edited


def test_another_page_and_back_keeps_the_draft(page: Page, app_url: str) -> None:
    visit(page, app_url, "p1.tiny_resnet20")
    blocks = page.get_by_label("Blocks in stage 1")
    blocks.fill("7")
    blocks.press("Enter")
    expect(page.locator('.mark[data-node="layer1"]')).to_have_attribute("aria-label", re.compile("7 blocks"))
    page.get_by_label("Blocks in stage 2").fill("100000")
    page.get_by_label("Blocks in stage 2").press("Enter")
    expect(page.get_by_text("it must be at most 1000.")).to_be_visible()
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page).to_have_url(re.compile("/runs"))
    page.get_by_role("link", name="Playground", exact=True).click()
    expect(blocks).to_have_value("7", timeout=30_000)
    expect(page.get_by_label("Blocks in stage 2")).to_have_value("3")
    expect(page.get_by_text("it must be at most 1000.")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"\?n=n2\."))
    page.keyboard.press("Control+z")
    expect(blocks).to_have_value("3")
    page.keyboard.press("Control+Shift+z")
    expect(blocks).to_have_value("7")


def test_the_browser_draws_a_gate_attention_and_paths(page: Page, app_url: str) -> None:
    block = Block(branch="bottleneck", width=16, cardinality=16, form="split_sum", merge="highway", alpha=0.5,
                  attention="squeeze_excitation")  # fmt: skip
    visit(page, app_url, encode(Network(stages=(Stage(blocks=3, stride=2, block=block),))))
    page.locator('.mark[data-node="layer1"]').click()
    page.locator('.mark[data-node="layer1.0"]').click()
    expect(page.locator(".rv-crumbs .rv-here")).to_have_text("block 1")
    for kind, count in (("lane", 9), ("gate", 2), ("attention", 1)):
        expect(page.locator(f".wire.{kind}")).to_have_count(count)
    for shape, count in (("times", 3), ("plus", 2)):
        expect(page.locator(f".mark.{shape}")).to_have_count(count)
    assert page.locator(".rv-graph").evaluate(OVERLAPS) == []
    page.locator('.mark[data-node="layer1.0.se"]').focus()
    expect(page.locator(".rv-info")).to_contain_text("layer1.0.se · ")


@pytest.mark.parametrize("name", ["resnet50", "cifar_resnet1202"])
def test_no_text_of_the_graph_touches_another(page: Page, app_url: str, name: str) -> None:
    """The browser's own font metrics, not our estimate of them."""
    visit(page, app_url, f"p1.{name}")
    for label in ("stage 2,", "stage 2, block 1", None):
        assert page.locator(".rv-graph").evaluate(OVERLAPS) == []
        room = page.locator(".rv-scroll").evaluate("e => e.scrollWidth - e.clientWidth")
        assert room <= 1, "the picture needs no scrolling at 1366 pixels"
        if label:
            page.locator(f'.mark[aria-label^="{label}"]').click()
            expect(page.locator(".rv-crumbs .rv-here")).to_have_text(label.partition(", ")[2] or "stage 2")


def test_among_two_hundred_folded_shortcuts_the_projections_can_be_told(page: Page, app_url: str) -> None:
    deep = preset("cifar_resnet1202").model_dump()
    for stage in deep["stages"]:
        stage["block"]["shortcut"] = "B"
    visit(page, app_url, encode(Network.model_validate(deep)))
    expect(page.locator(".rv-graph .arc")).to_have_count(600)
    spots = page.locator(".rv-graph rect.arc-mark").all()
    assert len(spots) == 2
    assert min(spot.bounding_box()["width"] for spot in spots) >= 5  # type: ignore[index]


@pytest.mark.parametrize("name", ["resnext50_32x4d", "cifar_resnet1202", "preact_resnet110"])
def test_no_word_of_a_field_is_cut(page: Page, app_url: str, name: str) -> None:
    visit(page, app_url, f"p1.{name}")
    expect(page.get_by_label("Start from")).to_have_value(re.compile(f"^{name} · "))
    cut = """es => es.filter((e) => e.clientWidth && e.scrollWidth > e.clientWidth + 1)
        .map((e) => e.getAttribute("aria-label"))"""
    fields = page.locator(".st-key-play_form input").evaluate_all(cut)
    assert [label for label in fields if label != "Start from"] == []
    fits = """(e, name) => {
        const style = getComputedStyle(e), pen = document.createElement("canvas").getContext("2d");
        pen.font = style.font;
        return pen.measureText(name).width + parseFloat(style.paddingLeft) <= e.clientWidth;
    }"""
    assert page.get_by_label("Start from").evaluate(fits, name)  # its family, behind it, may end in "…"


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
def test_graph_and_counts_stay_in_sight_at_every_field(page: Page, app_url: str, size: tuple[int, int]) -> None:
    """Also a picture wider than its card (attention in an opened block) leaves the totals beside it; and an edit
    that says what it took along closes nothing."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    visit(page, app_url)
    last, first = page.get_by_role("link", name="Pretrained").bounding_box(), page.get_by_role("button", name="Undo")
    button = first.bounding_box()
    assert last is not None and button is not None and last["x"] + last["width"] + 20 < button["x"], "the top line"
    page.locator('.mark[aria-label^="stage 2,"]').click()
    page.locator('.mark[aria-label^="stage 2, block 2"]').click()
    expect(page.locator(".rv-crumbs .rv-here")).to_have_text("block 2")
    details = page.locator("details").filter(has_text="Branch details")
    page.locator("summary", has_text="Branch details").click()
    page.locator("summary", has_text="Start at zero").click()
    choose(page, "Attention", "squeeze", "squeeze excitation")
    expect(page.locator('.mark[aria-label^="SE"], .mark[data-node^="layer2.1.se"]').first).to_be_attached()
    choose(page, "Branch", "paths", "paths")
    expect(page.locator(".st-key-play_form")).to_contain_text("Cardinality is 1 now")
    expect(details).to_have_attribute("open", "")
    page.get_by_role("spinbutton", name="Survival").last.scroll_into_view_if_needed()
    for key in ("card_graph", "card_parameters"):
        expect(page.locator(f".st-key-{key}")).to_be_in_viewport(ratio=0.8)


def test_bad_input_is_a_sentence_beside_its_field(page: Page, app_url: str) -> None:
    visit(page, app_url, "p1.tiny_resnet20")
    field = page.get_by_label("Blocks in stage 2")
    field.fill("100000")
    field.press("Enter")
    alert = page.get_by_text("Stage 2's blocks is 100000: it must be at most 1000.")
    expect(alert).to_be_visible()
    expect(field).to_have_value("100000")
    below = alert.bounding_box()["y"] - field.bounding_box()["y"]  # type: ignore[index]
    assert 0 < below < 80
    assert in_address(page) == preset("tiny_resnet20")
    page.get_by_label("Input height").fill("1")
    page.get_by_label("Input height").press("Enter")
    expect(page.locator(".mark.broken")).to_have_count(2)
    expect(page.locator(".rv-graph svg text.problem").first).to_be_visible()
    assert page.get_by_text("Traceback").count() == 0


def test_the_graph_follows_the_theme(page: Page, app_url: str) -> None:
    colours = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        visit(page, app_url)
        colours.append(page.locator(".rv-graph .arc").first.evaluate("e => getComputedStyle(e).stroke"))
    assert colours == ["rgb(11, 99, 181)", "rgb(90, 176, 255)"]
