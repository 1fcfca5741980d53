"""The arrows of docs/architecture.md hold, and importing the package is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

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
    "from resnet_viz.ui.live_server import server; server().routes()",
    "import resnet_viz.inspect",
    "import resnet_viz.cli",
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


NAMES = {"PIL": "pillow", "pydantic_core": "pydantic"}
OPTIONAL = {"lightning"}
"""Only for who uses the callback: an extra of the package."""


def imported() -> set[str]:
    """The packages of others that the app imports anywhere, as they are named when they are installed."""
    found: set[str] = set()
    for path in [ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "resnet_viz").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add((node.module or "").partition(".")[0])
    found -= {*sys.stdlib_module_names, "resnet_viz"} | OPTIONAL
    return {NAMES.get(name, name).replace("_", "-") for name in found}


def lines(name: str) -> list[str]:
    rows = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [row for row in rows if row and not row.startswith(("#", "-"))]


def test_everything_imported_is_declared_bounded_and_pinned() -> None:
    declared = {Requirement(row).name: Requirement(row) for row in lines("requirements.txt")}
    pinned = {Requirement(row).name: str(Requirement(row).specifier)[2:] for row in lines("constraints.txt")}
    assert imported() - set(declared) == set()
    for name, row in declared.items():
        assert {part.operator for part in row.specifier} == {">=", "<"}, row
        assert pinned[name] in row.specifier
