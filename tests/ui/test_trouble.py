"""A store that cannot be read or written is one sentence on every page."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from resnet_viz.runs import Store, StoreError
from resnet_viz.ui.trouble import trouble_sentence

MAIN = str(Path(__file__).resolve().parents[2] / "resnet_viz" / "ui" / "main.py")
FULL = (
    "The runs cannot be read or written just now (database or disk is full). What was written before is kept: "
    "see that the disk has room and the directory of the runs can be written, then try again."
)


def test_the_sentence_names_what_the_system_said() -> None:
    assert trouble_sentence(sqlite3.OperationalError("database or disk is full")) == FULL
    assert trouble_sentence(StoreError("/x cannot hold the runs: choose another directory.")).startswith("/x cannot")


def test_a_page_that_cannot_write_says_so_instead_of_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESNET_VIZ_HOME", str(tmp_path))
    monkeypatch.setattr("resnet_viz.runs.launch.worker_alive", lambda store: True)

    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Store, "rows", full)
        broken.setattr(Store, "create", full)
        app = AppTest.from_file(MAIN, default_timeout=30).run()
        assert [error.value for error in app.exception] == []
        next(button for button in app.button if button.key == "race-now").click().run()
        assert [error.value for error in app.exception] == []
        assert [error.value.replace("\\", "") for error in app.error] == [FULL]
