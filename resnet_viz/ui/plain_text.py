"""A person's words inside Streamlit's Markdown: shown as they are, never as markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_SIGNS = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")
_SPACE = re.compile(r"[^\S\u00a0]+")
"""Every white space but the no-break one, which keeps a number with its unit."""


def plain(text: str) -> str:
    """The text with every sign of Markdown, HTML and Streamlit's own directives escaped, on one line."""
    return _SIGNS.sub(r"\\\1", _SPACE.sub(" ", text).strip(" "))


def plain_rows(rows: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Rows for ``st.table``, which reads Markdown in headings and cells: all of it plain."""
    return [{plain(key): plain(value) for key, value in row.items()} for row in rows]
