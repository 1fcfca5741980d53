"""The card beside the totals: published against counted, each error with its protocol, the source."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from resnet_viz.inspect import summarize
from resnet_viz.spec import preset, preset_info, presets
from resnet_viz.ui.preset_card import counts, errors, markup


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def test_published_stands_above_counted() -> None:
    info = preset_info("resnet50")
    summary = summarize(preset("resnet50"))
    assert counts(info, summary) == (
        ("Parameters", "25.6 M"), ("counted", "25,557,032"), ("Multiply-adds", "4.09 G"), ("counted", "4.09 G"),
    )  # fmt: skip
    assert errors(info) == (
        ("22.85 %", "ImageNet top-1, 10-crop, Table 3, with the stride on the first 1x1"),
        ("23.87 %", "ImageNet top-1, 1-crop, torchvision's weights IMAGENET1K_V1"),
    )


def test_the_whole_card_of_a_long_preset() -> None:
    info = preset_info("preact_resnet1001")
    assert words(markup(info, summarize(preset("preact_resnet1001")), edited=True)) == (
        "Published · preact_resnet1001, before the edits Parameters 10.2 M counted 10,327,706 "
        "4.92 % error : CIFAR-10 test, Table 4, median of 5 (mean 4.89 ± 0.14), batch 128 "
        "4.62 % error : CIFAR-10 test, Table 4, batch 64 (mean 4.69 ± 0.20) "
        "22.71 % error : CIFAR-100 test, Table 4, median of 5 Counts: Table 4. "
        "He et al. 2016b (arXiv 1603.05027), Sect. 4 and 5 "
        "The printed 10.2 M leave batch norm out: without it we count 10,178,490."
    )


@pytest.mark.parametrize("name", presets())
def test_every_preset_has_a_card_with_all_that_is_known(name: str) -> None:
    info = preset_info(name)
    text = words(markup(info, summarize(preset(name)), edited=False))
    assert info.source in text
    assert info.note.replace("&", "&amp;") in text.replace("&quot;", '"').replace("&#x27;", "'")
    if info.published_error is not None:
        assert f"{info.published_error:.2f} %" in text


def card(text: str) -> str:
    app = AppTest.from_string(
        "from resnet_viz.ui.draft import Draft\n"
        "from resnet_viz.ui.preset_card import preset_card\n"
        "from resnet_viz.spec import decode\n"
        f"preset_card(Draft([decode({text!r})]))"
    )
    app.run(timeout=30)
    assert not app.exception
    return " ".join(words(element.proto.body.partition("</style>")[2]) for element in app.get("html"))


def test_it_is_there_for_a_preset_and_for_nothing_else() -> None:
    from resnet_viz.spec import encode

    own = preset("tiny_resnet8").model_copy(update={"name": "mine"})
    assert card("p1.resnet18").startswith("Published · resnet18 Parameters 11.7 M")
    assert card(encode(own)) == ""
