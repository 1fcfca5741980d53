"""The playground's proof of the count and the gradient's ways, through Streamlit's own tester."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from resnet_viz.data import load
from resnet_viz.draw.route_figure import route_rows
from resnet_viz.inspect import Proof, proofs
from resnet_viz.instruments import gradient_shares
from resnet_viz.nn import build
from resnet_viz.spec import Network, preset
from resnet_viz.ui import count_view, gradient_view
from resnet_viz.ui.graph_view import SESSION as FOCUS
from resnet_viz.ui.graph_view import Focus
from tests.pages.test_playground import captions, checked, opened, press, told


def viewed(app: AppTest, name: str) -> AppTest:
    next(w for w in app.button_group if w.key == "playground view").set_value(name)
    return checked(app.run())


def words(app: AppTest) -> list[str]:
    return [markdown.value.replace("\\", "") for markdown in app.markdown]


def cells(app: AppTest, header: str) -> list[list[Any]]:
    """The lines of the table that has this column, without Markdown."""
    table = next(t.value for t in app.table if header in [str(c).replace("\\", "") for c in t.value.columns])
    return [[str(cell).replace("\\", "").replace("*", "") for cell in line] for line in table.to_numpy().tolist()]


def test_the_card_says_that_three_counts_agree_and_leads_to_the_proof() -> None:
    model = build(preset("tiny_resnet8"), "meta")
    whole, blocks = (sum(p.numel() for name, p in model.named_parameters() if name.startswith(here))
                     for here in ("", "layer"))  # fmt: skip
    app = press(opened("p1.tiny_resnet8"), f"{blocks:,} · counts agree")
    assert f"**:green[:material/check_circle: {whole:,} parameters: formula, PyTorch and torchinfo agree.]**" in words(
        app
    )
    assert cells(app, "written out")[1] == ["layer1.0", "2 × 3·3·8·8 + 2 × 2·8", "1,184", "1,184", "1,184", ":green[✓]"]
    app.session_state[FOCUS] = Focus(2, 1)
    app = checked(app.run())
    parts = cells(app, "of the block")
    assert parts[0] == ["convolutions", "3·3·8·16 + 3·3·16·16", "3,456"]
    assert [line[2] for line in parts[-3:]] == ["3,520"] * 3 and "Block 1 of stage 2" in captions(app)


def test_a_planted_disagreement_is_not_green_and_every_count_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def planted(network: Network) -> tuple[Proof, ...]:
        stem, first, *rest = proofs(network)
        return (stem, replace(first, torchinfo=first.torchinfo + 7), *rest)

    monkeypatch.setattr(count_view, "proofs_of", planted)
    app = viewed(opened("p1.tiny_resnet8"), "Count")
    assert not any("agree" in button.label for button in app.button)
    assert [button.label for button in app.button if "differ" in button.label] == ["counts differ"]
    assert told(app) == [
        "The three counts differ in layer1.0: there the formula gives 1,184, PyTorch counts 1,184, torchinfo 1,191."
    ]
    (verdict,) = [text for text in words(app) if "three counts" in text]
    assert verdict.startswith("**:red[:material/error:") and ":green[✓]" not in cells(app, "written out")[1]


def test_the_gradients_ways_are_measured_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    gradient_view._measured.clear()
    app = viewed(opened("p1.tiny_resnet8"), "Gradient")
    assert not app.get("plotly_chart")[0].proto.id.endswith("routes")
    app = press(app, "Measure it")
    data = load("digits")
    by_hand = gradient_shares(build(preset("tiny_resnet8")), data.train_x[:64], data.train_y[:64])
    assert cells(app, "through branch") == [[*row.values()] for row in route_rows(by_hand)]
    assert any(text.startswith("**Through the identity edge comes ") for text in words(app))
    assert any(
        text.replace("\\", "").startswith("64 digits drawn at 8 × 8, starting weights of seed 0")
        for text in captions(app)
    )
    monkeypatch.setattr(gradient_view, "shares_at_start", None)  # what was measured is not measured again
    assert "through branch" in str(viewed(viewed(app, "Layers"), "Gradient").table[0].value.columns)


def test_a_network_that_is_too_large_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resnet_viz.instruments.start.BUDGET", 1)
    gradient_view._measured.clear()
    app = press(viewed(opened("p1.tiny_plain8"), "Gradient"), "Measure it")
    assert told(app) == [
        "The network is too large to be measured while a person waits, at 1 x 8 x 8 too: use fewer blocks or a smaller "
        "width."
    ]
    gradient_view._measured.clear()
