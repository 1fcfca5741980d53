"""Where the pages lie; what leads from one page to another goes through here."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import streamlit as st

DIRECTORY = Path(__file__).resolve().parents[2] / "pages"
HOME, PLAYGROUND, RACE, COMPARE, RUNS = (
    DIRECTORY / f"{name}.py" for name in ("home", "playground", "race", "compare", "runs")
)
PRETRAINED, MODEL = DIRECTORY / "pretrained.py", DIRECTORY / "model.py"
QUESTIONS, LAB = DIRECTORY / "questions.py", DIRECTORY / "lab.py"


def go(page: Path, **query: str) -> NoReturn:
    """Leave for another page with that query. Not from a callback: there Streamlit does not switch pages."""
    st.switch_page(page, query_params=query)
