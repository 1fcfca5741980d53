"""The code view in a real browser: beside the graph, hovered both ways, copied, in both styles."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from resnet_viz.codegen import source
from resnet_viz.spec import encode, preset

pytestmark = pytest.mark.browser
NET = "resnext50_32x4d"


def shown(page: Page, app_url: str, link: str = f"p1.{NET}") -> None:
    page.goto(f"{app_url}/playground?n={link}")
    expect(page.locator(".rv-graph svg")).to_be_visible(timeout=60_000)
    page.locator(".st-key-card_layers").get_by_text("Code", exact=True).click()
    expect(page.locator(".rv-code .rv-line").first).to_be_visible(timeout=30_000)


def text(page: Page) -> str:
    return "\n".join(page.locator(".rv-code .rv-text").all_text_contents()) + "\n"


def lit(page: Page) -> list[int]:
    lines = page.locator(".rv-code .rv-lit")
    return [int(lines.nth(i).get_attribute("data-n") or 0) for i in range(lines.count())]


def say(page: Page, path: str) -> None:
    page.evaluate(
        "path => window.dispatchEvent(new CustomEvent('rv:hover', { detail: { path, from: 'graph' } }))", path
    )


def test_the_code_follows_the_graph_and_the_graph_the_code(page: Page, app_url: str) -> None:
    shown(page, app_url)
    found = source(preset(NET))
    assert text(page) == found.text
    heard: Any = "window.heard = []; window.addEventListener('rv:hover', e => window.heard.push(e.detail))"
    page.evaluate(heard)
    scrolled = page.evaluate("document.scrollingElement.scrollTop")
    for path in (
        "layer3.2.conv2",
        "layer2",
        "stem",
        "layer1.1 … layer1.2",
        "layer4.0.downsample.1",
        "fc",
        "layer2.0.conv3:out",
    ):
        say(page, path)
        first, last = found.find(path.split(" ")[0].split(":")[0]) or (0, 0)
        assert lit(page) == list(range(first, last + 1)), path
        box, line = page.locator(".rv-code .rv-box").bounding_box(), page.locator(".rv-lit").first.bounding_box()
        assert box is not None and line is not None and box["y"] - 1 <= line["y"] <= box["y"] + box["height"]
    for path in ("", "nowhere.at.all"):
        say(page, path)
        assert lit(page) == []
    assert page.evaluate("document.scrollingElement.scrollTop") == scrolled
    first, _ = found.lines["layer2"]
    page.locator(f'.rv-code .rv-line[data-n="{first}"]').hover()
    assert lit(page) == [first]
    assert page.evaluate("window.heard.filter(d => d.from === 'code').at(-1).path") == "layer2"
    expect(page.locator(".mark.lit")).to_have_count(1)
    first, _ = found.find("layer1.1.conv2") or (0, 0)
    page.locator(f'.rv-code .rv-line[data-n="{first}"]').hover()  # a class that makes blocks of every stage
    expect(page.locator(".mark.lit")).to_have_count(4)
    page.locator(".rv-crumbs").hover()
    assert page.evaluate("window.heard.filter(d => d.from === 'code').at(-1).path") == "" and lit(page) == []


def test_lazy_style_copy_and_download(page: Page, app_url: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown(page, app_url)
    page.get_by_text("Lazy", exact=True).click()
    expect(page.locator(".rv-code .rv-box")).to_contain_text("nn.LazyConv2d")
    wanted = source(preset(NET), "lazy").text
    assert text(page) == wanted
    page.locator(".rv-copy").click()
    expect(page.locator(".rv-copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == wanted
    with page.expect_download() as got:
        page.get_by_role("button", name="Download").click()
    assert got.value.suggested_filename == f"{NET}.py"
    assert got.value.path().read_text(encoding="utf-8") == wanted


def test_a_hostile_name_is_only_text(page: Page, app_url: str) -> None:
    net = preset("tiny_resnet8").model_copy(update={"name": "<img src=x onerror=window.bad=1>"})
    shown(page, app_url, encode(net))
    assert text(page) == source(net).text and "<img src=x" in text(page)
    assert page.evaluate("window.bad") is None and page.locator(".rv-code img").count() == 0
