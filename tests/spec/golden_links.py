"""Links as they were written once, each with all that it held then: old links keep their meaning.

``golden/links_1.json`` was written by the code of 2026-11-24 (format 1), ``golden/links_2.json`` when format 2 began.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read(version: int) -> list[tuple[str, dict[str, Any]]]:
    """The texts of that format and what each holds."""
    rows = json.loads((Path(__file__).parent / "golden" / f"links_{version}.json").read_text(encoding="utf-8"))
    return [(row["text"], row["holds"]) for row in rows]


GOLDEN = read(1)
