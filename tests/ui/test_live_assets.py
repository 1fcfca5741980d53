from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from resnet_viz.draw.colours import PALETTE
from resnet_viz.ui import live_assets, theme

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "resnet_viz" / "ui" / "live").glob("*.js"))


def test_the_joined_script_defines_before_it_uses_and_exports_once() -> None:
    text = live_assets.script("index.js")
    assert not re.search(r"^import ", text, re.MULTILINE)
    assert re.findall(r"^export .*", text, re.MULTILINE) == ["export default function mount(component) {"]
    for earlier, later in (("class Surface", "class Heat "), ("class RunModel", "class LiveView"), ("make(", "views")):
        assert text.index(earlier) < text.index(later)


def test_every_module_is_part_of_a_component_or_of_the_audiences_page() -> None:
    joined = "".join(live_assets.script(entry) for entry in ("index.js", "feed.js", "audience.js"))
    for module in MODULES:
        head = module.read_text(encoding="utf-8").split("\n", 1)[0]
        assert head.startswith("// ") and head in joined, module.name


@pytest.mark.parametrize("entry", ["index.js", "audience.js"])
def test_joined_modules_share_one_scope_without_a_clash(entry: str) -> None:
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", live_assets.script(entry), re.MULTILINE)
    assert len(names) == len(set(names)), sorted(name for name in names if names.count(name) > 1)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node to read JavaScript")
@pytest.mark.parametrize("entry", ["index.js", "feed.js", "audience.js"])
def test_the_joined_script_is_a_valid_module(entry: str) -> None:
    text = live_assets.script(entry)
    done = subprocess.run(
        ["node", "--check", "--input-type=module", "-"], input=text, text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_no_module_builds_markup_from_text_or_fetches_from_elsewhere() -> None:
    for module in MODULES:
        text = module.read_text(encoding="utf-8")
        found = re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|https?://", text)
        assert found == [], module.name


def test_an_import_in_a_circle_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"a.js": 'import { b } from "./b.js";\n', "b.js": 'import { a } from "./a.js";\n'}
    monkeypatch.setattr(live_assets, "_text", texts.__getitem__)
    with pytest.raises(ValueError, match=r"^resnet_viz/ui/live/a\.js imports itself by way of a\.js -> b\.js$"):
        live_assets.script("a.js")


@pytest.mark.parametrize("name", ["light", "dark"])
def test_the_theme_has_the_colours_of_the_pictures(name: str) -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    colours = PALETTE[name]  # type: ignore[index]
    found = config["theme"][name]
    expected = {
        "primaryColor": "residual", "backgroundColor": "background", "secondaryBackgroundColor": "panel",
        "textColor": "text", "linkColor": "residual", "borderColor": "grid", "redColor": "problem",
    }  # fmt: skip
    assert {key: found[key] for key in expected} == {key: colours[value] for key, value in expected.items()}
    roles = ("plain", "residual", "third", "fourth", "fifth", "sixth")
    categories = found.get("chartCategoricalColors", config["theme"]["chartCategoricalColors"])
    assert categories == [colours[role] for role in roles]
    assert f"light-dark({PALETTE['light']['residual']}, {PALETTE['dark']['residual']})" in theme.css()


def test_a_first_start_asks_nothing_and_reports_nothing() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["browser"]["gatherUsageStats"] is False
    assert config["server"]["showEmailPrompt"] is False


def test_an_error_that_nobody_foresaw_shows_a_stranger_nothing_of_the_machine() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["client"]["showErrorDetails"] == "none"
