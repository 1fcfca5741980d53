"""The first page through Streamlit's tester: it says what the recording shows and starts the race in one click."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import resnet_viz.runs
from resnet_viz.runs import Store
from resnet_viz.ui import pages, run_actions
from resnet_viz.ui.landing import story
from resnet_viz.ui.plain_text import plain
from resnet_viz.ui.race_state import default_experiment
from resnet_viz.ui.recordings import FIRST_RACE

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, dict[str, str]]]:
    left: list[tuple[Path, dict[str, str]]] = []

    def switch(page: Path, *, query_params: dict[str, str]) -> None:
        left.append((page, query_params))
        st.stop()

    monkeypatch.setenv("RESNET_VIZ_HOME", str(tmp_path))
    monkeypatch.setattr(resnet_viz.runs, "ensure_worker", lambda store: None)
    monkeypatch.setattr(run_actions, "ensure_worker", lambda store: None)
    monkeypatch.setattr(pages.st, "switch_page", switch)
    return left


def opened() -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages" / "home.py"), default_timeout=30).run()
    assert not app.exception
    return app


def test_it_says_what_the_recording_shows(gone: list[tuple[Path, dict[str, str]]]) -> None:
    seen, label = story(FIRST_RACE)
    app = opened()
    assert [m.value for m in app.markdown] == ["### What does a shortcut do to a deep network?", plain(seen)]
    assert [c.value for c in app.caption] == [plain(label)]
    assert gone == []


def test_one_click_starts_the_default_race(gone: list[tuple[Path, dict[str, str]]], tmp_path: Path) -> None:
    app = opened()
    app.button(key="race-now").click().run()
    (row,) = Store(tmp_path).rows()
    assert gone == [(pages.RACE, {"run": row.id})]
    assert (row.state, row.experiment_json) == ("queued", default_experiment().model_dump_json())


def test_the_playground_is_one_click_away(gone: list[tuple[Path, dict[str, str]]], tmp_path: Path) -> None:
    opened().button(key="to-playground").click().run()
    assert gone == [(pages.PLAYGROUND, {})]
    assert Store(tmp_path).rows() == []


@pytest.mark.parametrize("page", ["home", "race", "runs", "questions", "lab"])
def test_no_page_of_runs_loads_torch(page: str, tmp_path: Path) -> None:
    code = (
        "import sys, os; os.environ['RESNET_VIZ_HOME'] = sys.argv[2]\n"
        "import resnet_viz.runs as r, resnet_viz.runs.launch as l; l.ensure_worker = r.ensure_worker = lambda s: None\n"
        "from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file(sys.argv[1], default_timeout=60).run()\n"
        "print([e.value for e in app.exception], [m for m in ('torch', 'torchinfo', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT / "pages" / f"{page}.py"), str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[] []", done.stdout + done.stderr
