"""Taking a network or a race elsewhere: its link, its file, and a file opened."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import streamlit as st

from resnet_viz.spec import ShareError, encode, write_spec
from resnet_viz.spec.compact import Shared
from resnet_viz.ui.plain_text import plain
from resnet_viz.ui.run_dialogs import file_stem

LONG = 2000
"""Characters of an address that some programs cut (mail, chat)."""


def share_popover(thing: Shared, parameter: str, what: str, *, saved_as: str = "") -> None:
    """The page's absolute address with that network, race or comparison in it, to copy; with a name, its file too."""
    with st.popover("Share link"):
        st.caption(f"Whoever opens this address sees this {what}.")
        try:
            link = share_address(thing, parameter)
        except ShareError as error:
            st.error(plain(str(error)))
        else:
            st.code(link, language=None, wrap_lines=True)
            if len(link) > LONG:
                st.caption(f"{len(link):,} characters: some programs cut an address that long. A file is safe.")
        if saved_as:
            save_button(thing, saved_as)


def share_address(thing: Shared, parameter: str) -> str:
    """The address as this browser sees it. Raises :class:`ShareError` for what is too large for a link."""
    return f"{st.context.url or ''}?{parameter}={quote(encode(thing), safe='')}"


def save_button(thing: Shared, name: str) -> None:
    """The spec file, as a download."""
    st.download_button(
        "Save as file", write_spec(thing), file_name=f"{file_stem(name)}.json", mime="application/json",
        on_click="ignore", width="stretch",
    )  # fmt: skip


def open_button(key: str, opened: Callable[[], None]) -> None:
    """The widget that takes a file; ``opened`` is called when :func:`uploaded` has one."""
    st.file_uploader("Open a file", type=["json"], key=key, on_change=opened, max_upload_size=1)


def uploaded(key: str) -> bytes | None:
    """What the widget of that key holds."""
    upload = st.session_state.get(key)
    return upload.getvalue() if upload is not None else None
