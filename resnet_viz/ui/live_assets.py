"""The live view's own JavaScript modules joined to the one text that a page takes; no build step.

Each file of ``resnet_viz/ui/live`` is a module with one-line ``import { ... } from "./other.js";``. Joined, they share
one scope: imports are dropped, what is imported stands before what imports it, and only the entry keeps its export.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import Any

from resnet_viz.draw.colours import DASH, LABEL, MARKER, PALETTE, Theme, viridis
from resnet_viz.draw.thresholds import EXPLANATION
from resnet_viz.serve.audience import ICON, LOOK, SCRIPT, STYLESHEET, Assets
from resnet_viz.spec import QUANTITIES

_IMPORT = re.compile(r'^import \{[^}\n]*\} from "\./(?P<name>[a-z]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default )", re.MULTILINE)


def _text(name: str) -> str:
    return files("resnet_viz.ui").joinpath("live", name).read_text(encoding="utf-8")


def _order(name: str, seen: list[str], above: tuple[str, ...] = ()) -> list[str]:
    if name in above:
        raise ValueError(f"resnet_viz/ui/live/{name} imports itself by way of {' -> '.join(above)}")
    if name not in seen:
        for found in _IMPORT.finditer(_text(name)):
            _order(found["name"], seen, (*above, name))
        seen.append(name)
    return seen


@cache
def script(entry: str = "index.js") -> str:
    """The text of one module that holds ``entry`` and everything that it imports."""
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", _text(name))) for name in _order(entry, []))


@cache
def stylesheet() -> str:
    """The live view's CSS."""
    return _text("live.css")


@cache
def look() -> dict[str, Any]:
    """Colours, dashes and words that the view draws with; the same tables as for the figures that stand still."""
    return {
        "palette": PALETTE, "labels": LABEL, "dash": DASH, "marker": MARKER, "viridis": [list(c) for c in viridis],
        "how": list(EXPLANATION), "quantities": {key: asdict(row) for key, row in QUANTITIES.items()},
    }  # fmt: skip


@cache
def audience_assets(icon: str) -> Assets:
    """The files of the audience's page: the same modules, with an entry and a page's rules of their own."""
    colours = [_page_colours("light"), f"@media (prefers-color-scheme: dark) {{\n{_page_colours('dark')}}}\n"]
    css = "".join(colours) + _text("audience.css") + stylesheet()
    return Assets({SCRIPT: script("audience.js"), STYLESHEET: css, LOOK: json.dumps(look()), ICON: icon})


def _page_colours(theme: Theme) -> str:
    names = ("background", "text", "quiet")
    colours = PALETTE[theme]
    rules = "".join(f"  --rv-{name}: {colours[name]};\n" for name in names)
    return f":root {{\n{rules}  --st-background-color: {colours['background']};\n}}\n"
