"""Every data set has its line in docs/datasets.md, with its sizes."""

from __future__ import annotations

import pytest

from resnet_viz.spec import DATASETS
from tests.docs.test_docs import ROOT

PAGE = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DATASETS)
def test_a_data_set_has_a_line(name: str) -> None:
    data = DATASETS[name]
    (line,) = (line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
    cells = [cell.strip() for cell in line.split("|")]
    assert cells[2] == f"{data.channels} × {data.height} × {data.width}, {data.classes} classes"
    assert cells[3] == f"{data.train:,}, {data.test:,}"
