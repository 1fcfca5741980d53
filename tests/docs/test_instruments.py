"""Every instrument has its line in docs/instruments.md."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from resnet_viz import instruments
from tests.docs.test_docs import ROOT

PAGE = (ROOT / "docs" / "instruments.md").read_text(encoding="utf-8")
CALLED = set(re.findall(r"`(\w+)\(", PAGE)) | {"Lesion", "GateMean", "Point", "GradientShare", "Start"}


@pytest.mark.parametrize("name", instruments.__all__)
def test_an_instrument_has_a_line(name: str) -> None:
    assert name in CALLED
    assert getattr(instruments, name).__doc__


def test_no_line_is_about_what_is_not_there() -> None:
    assert CALLED - {"fit_identity"} == set(instruments.__all__)


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, resnet_viz.instruments; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
