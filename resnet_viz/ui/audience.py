"""Sharing a run with an audience: the address of its page for phones, and the same as a QR code."""

from __future__ import annotations

import io
import ipaddress
import socket
from functools import cache, lru_cache
from urllib.parse import quote, urlsplit, urlunsplit

import streamlit as st

LABEL, TITLE = "Audience", "Share with the audience"
HERE_ONLY = (
    "This app listens on this machine only, so no phone reaches it: start it with “make run HOST=0.0.0.0” to let its "
    "network in."
)
SAME_NETWORK = "A page for phones in this machine's network: they watch this run and cannot steer it."
ANYWHERE = "A page for phones: they watch this run and cannot steer it."


def audience_popover(run: str | None) -> None:
    """The button that opens address and QR code of the run on the screen; without a run there is nothing to share."""
    with st.popover(LABEL, disabled=run is None, help=TITLE), st.container(width=300):
        if run is None:
            return
        st.markdown(f"**{TITLE}**")
        address, said = audience_address(st.context.url or "", run, str(st.get_option("server.address") or ""))
        if said != HERE_ONLY:
            st.image(qr_code(address), width="stretch", alt="The address below as a QR code")
        st.code(address, language=None, wrap_lines=True)
        st.caption(said)


def audience_address(page: str, run: str, listens: str, network: str | None = None) -> tuple[str, str]:
    """(the address of the run's page for phones, a sentence on who reaches it).

    ``page`` is the race page's address as this browser sees it, ``listens`` the address that the server listens on
    ("" for all). Where the browser's is the machine's own, ``network`` stands in its place: the machine's address in
    its network (by default it is found out).
    """
    parts = urlsplit(page)
    path = f"{parts.path.rpartition('/')[0]}/watch/{quote(run, safe='')}"
    host, said = parts.netloc, ANYWHERE
    if _is_own(parts.hostname or ""):
        if _is_own(listens):
            said = HERE_ONLY
        else:
            network = network or network_address()
            said = SAME_NETWORK if network else HERE_ONLY
            if network:
                host = f"{network}:{parts.port}" if parts.port else network
    return urlunsplit((parts.scheme, host, path, "", "")), said


def _is_own(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@cache
def network_address() -> str | None:
    """This machine's address in its network, None where it has none; nothing is sent to find it out."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # an address that is kept for documentation (RFC 5737)
            found = str(probe.getsockname()[0])
    except OSError:
        return None
    return None if _is_own(found) else found


@lru_cache(maxsize=64)
def qr_code(text: str) -> bytes:
    """The text as a QR code, a PNG: dark on white with its quiet zone in either theme, as readers want it."""
    import segno

    picture = io.BytesIO()
    segno.make(text, error="m", micro=False).save(picture, kind="png", scale=8, border=4)
    return picture.getvalue()
