"""What a download fetches, and the sentences for each way in which that fails."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests


class DownloadError(ValueError):
    """Why a download failed, as one sentence that says what to do.

    ``short`` is what visitors of a hosted app are told: without the address, which may be a mirror's, and the path.
    """

    def __init__(self, sentence: str, short: str = "The download failed: try again later.") -> None:
        super().__init__(sentence)
        self.short = short


@dataclass(frozen=True)
class Source:
    """What to fetch: the address, where it goes, its SHA-256 if known, and the most bytes that are taken."""

    url: str
    target: Path
    most: int
    sha256: str | None = None

    @property
    def host(self) -> str:
        """The host's name."""
        return urlsplit(self.url).hostname or self.url

    @property
    def partial(self) -> Path:
        """Where the bytes lie until the file is whole."""
        return self.target.with_name(self.target.name + ".part")

    @property
    def tag(self) -> Path:
        """Where the ETag of the partial file lies."""
        return self.target.with_name(self.target.name + ".part.etag")

    @property
    def by_hand(self) -> str:
        """How to do without: the rest of a sentence."""
        return f"fetch {self.url} in another way and put the file at {self.target}"


def connection(source: Source, error: requests.RequestException) -> DownloadError:
    """The host cannot be reached or does not answer."""
    kind = "No answer from" if isinstance(error, requests.Timeout) else "No connection to"
    short = f"{kind} the host of the weights: try again later."
    return DownloadError(f"{kind} {source.host}: {source.by_hand}.", short)


def broken(source: Source, have: int, total: int | None, resumable: bool) -> DownloadError:
    """The connection ended before the file did."""
    of = f" of {megabytes(total)}" if total is not None else ""
    rest = f"broke after {megabytes(have)}{of}: start again{' and it goes on from there' if resumable else ''}."
    return DownloadError(f"The connection to {source.host} {rest}", f"The connection {rest}")


def damaged(source: Source) -> DownloadError:
    """The file that came has another SHA-256."""
    rest = "is not the expected one (its SHA-256 differs) and was deleted: try again"
    return DownloadError(f"The file from {source.host} {rest}, or {source.by_hand}.", f"The file that came {rest}.")


def disk(source: Source, error: OSError) -> DownloadError:
    """There is no room for it, or its place cannot be written."""
    name, place = source.target.name, source.target.parent
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        full = f"There is no room for {name}"
        whole = f"{full} in {place}: make some, or set RESNET_VIZ_HOME elsewhere."
        return DownloadError(whole, f"{full} on this server.")
    why = error.strerror or type(error).__name__
    whole = f"{place} cannot be written ({why}): set RESNET_VIZ_HOME to one that can."
    return DownloadError(whole, f"This server cannot keep {name}.")


def megabytes(count: int) -> str:
    """A number of bytes in megabytes."""
    return f"{count / 1e6:.1f} MB" if count < 9.95e6 else f"{count / 1e6:,.0f} MB"
