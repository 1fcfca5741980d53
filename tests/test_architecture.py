"""The arrows of docs/architecture.md hold, and importing the package is cheap."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_imports_point_one_way() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("code", [
    "import resnet_viz as rv; rv.presets(); rv.preset('resnet50'); rv.encode(rv.preset('resnet50'))",
    "import resnet_viz.runs; import resnet_viz.draw; import resnet_viz.serve",
    "import resnet_viz.inspect",
    "import resnet_viz as rv; rv.to_source(rv.preset('resnet50'))",
])  # fmt: skip
def test_what_the_first_page_needs_loads_no_torch(code: str) -> None:
    check = (
        f"import sys; {code}; print([m for m in ('torch', 'torchinfo', 'sklearn', 'streamlit') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_every_public_name_loads() -> None:
    import resnet_viz as rv

    missing = [name for name in rv.__all__ if not hasattr(rv, name)]
    assert missing == []
