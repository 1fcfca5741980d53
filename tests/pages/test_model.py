"""The page of the person's own model through Streamlit's own tester."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.navigation.page import StreamlitPage
from streamlit.testing.v1 import AppTest

from resnet_viz.settings import settings
from resnet_viz.ui import model_view
from resnet_viz.ui.graph_view import Focus

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "model.py")
HERE = "tests.inspect.own_models"


@pytest.fixture(autouse=True)
def fresh() -> None:
    model_view._outcome.cache_clear()
    model_view._layout.cache_clear()


def opened(monkeypatch: pytest.MonkeyPatch, model: str | None, size: str = "3x8x8") -> AppTest:
    if model is not None:
        monkeypatch.setenv("RESNET_VIZ_MODEL", model)
    monkeypatch.setenv("RESNET_VIZ_MODEL_INPUT", size)
    app = AppTest.from_file(PAGE, default_timeout=60).run()
    assert [error.value for error in app.exception] == []
    return app


def test_graph_table_and_totals(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, f"{HERE}:Beside")
    assert {metric.label: metric.value for metric in app.metric}["Parameters"] == "1,480"
    table = app.dataframe[0].value
    assert table["parameters"].sum() == 1480
    assert "addition of the projection shortcut" in list(table["operation"])
    app.session_state[model_view.SESSION] = Focus(stage=1)
    app.run()
    assert [error.value for error in app.exception] == []
    assert list(app.dataframe[0].value["layer"]) == ["body.0", "body.2"]
    app.session_state[model_view.SESSION] = Focus(stage=9, block=9)
    assert not app.run().exception


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, f"{HERE}:Decides")
    assert [w.value.startswith("Drawn from module calls") for w in app.warning] == [True]


def test_refusals_are_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(monkeypatch, f"{HERE}:Raises")
    (error,) = app.error
    assert "raised ValueError" in error.value
    assert "for one input of 3x8x8" in error.value


def test_without_a_model_the_page_says_how_to_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESNET_VIZ_MODEL", raising=False)
    app = opened(monkeypatch, None)
    assert "No model was named" in app.markdown[-1].value


def test_no_address_names_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESNET_VIZ_MODEL", raising=False)
    app = AppTest.from_file(PAGE, default_timeout=60)
    app.query_params["model"] = f"{HERE}:breaks"
    assert "No model was named" in app.run().markdown[-1].value


def test_a_hosted_app_has_no_model_whatever_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESNET_VIZ_HOSTED", "1")
    app = opened(monkeypatch, f"{HERE}:breaks")
    assert settings().own_model is None
    assert "No model was named" in app.markdown[-1].value


@pytest.mark.parametrize(
    ("model", "hosted", "shown"), [("", "", False), (f"{HERE}:mlp", "", True), (f"{HERE}:mlp", "1", False)]
)
def test_the_navigation_has_the_page_only_when_there_is_a_model(
    monkeypatch: pytest.MonkeyPatch, model: str, hosted: str, shown: bool
) -> None:
    monkeypatch.setenv("RESNET_VIZ_MODEL", model)
    monkeypatch.setenv("RESNET_VIZ_HOSTED", hosted)
    titles: list[str] = []

    class Chosen:
        def run(self) -> None:
            pass

    def navigation(pages: list[StreamlitPage], **_: object) -> Chosen:
        titles.extend(page.title for page in pages)
        return Chosen()

    monkeypatch.setattr("streamlit.navigation", navigation)
    app = AppTest.from_file(str(Path(PAGE).parents[1] / "resnet_viz" / "ui" / "main.py"), default_timeout=60).run()
    assert [error.value for error in app.exception] == []
    assert titles == [
        "ResNet Viz",
        "Playground",
        "Race",
        "Questions",
        "Lab",
        "Compare",
        "Runs",
        "Pretrained",
        *(["Your model"] if shown else []),
    ]
