"""One file over HTTPS: in a thread of its own, resumed where it stopped, checked, and put in place only when whole."""

from __future__ import annotations

import errno
import hashlib
import logging
import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

import requests

from ..settings import settings
from .source import DownloadError, Source, broken, connection, damaged, disk, megabytes

State = Literal["running", "done", "failed", "stopped"]
Note = Callable[[int, int | None], None]
CHUNK = 1 << 18
CONNECT, READ = 10.0, 30.0
"""Seconds to wait for a connection, and for the next bytes."""
BUSY = CONNECT + READ + 5
"""Seconds since the last byte within which a partial file is taken to be another process's, which may wait as long."""
STRONG = re.compile(r'"[\x21\x23-\x7e]{1,200}"')
"""An ETag that stands for the same bytes (RFC 9110, section 8.8.3); a weak one does not."""
log = logging.getLogger(__name__)
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Progress:
    """How far it is; ``total`` is None until the host has said it, ``sentence`` says why it failed."""

    state: State
    received: int = 0
    total: int | None = None
    sentence: str = ""


class Download:
    """A download in a thread; :meth:`progress` may be asked from any other."""

    def __init__(self, source: Source, *, first: bool = True) -> None:
        self.source = source
        self._first = first
        self._stop = threading.Event()
        self._progress = Progress("running")
        self._thread = threading.Thread(target=self._run, name=f"download {source.target.name}", daemon=True)
        self._thread.start()

    def progress(self) -> Progress:
        """The state now."""
        return self._progress

    def stop(self) -> None:
        """Stop soon; what has come is kept for the next try."""
        self._stop.set()

    def join(self, timeout: float | None = None) -> Progress:
        """Wait for the end."""
        self._thread.join(timeout)
        return self._progress

    def _run(self) -> None:
        try:
            whole = fetch(self.source, self._note, self._stop, first=self._first)
            self._end("done" if whole else "stopped")
        except DownloadError as error:
            self._fail(error)
        except Exception as error:  # a thread must not end without a word
            self._fail(DownloadError(f"The download failed ({type(error).__name__}): {self.source.by_hand}."))

    def _fail(self, error: DownloadError) -> None:
        """Visitors of a hosted app get the short sentence, its log the whole one."""
        hosted = settings().hosted
        if hosted:
            log.warning("%s", error)
        self._end("failed", error.short if hosted else str(error))

    def _note(self, received: int, total: int | None) -> None:
        self._progress = Progress("running", received, total)

    def _end(self, state: State, sentence: str = "") -> None:
        now = self._progress
        self._progress = Progress(state, now.received, now.total, sentence)


_downloads: dict[Path, Download] = {}
_lock = threading.Lock()


def download(source: Source) -> Download:
    """Start, or join the download to the same place that another session has started."""
    with _lock:
        running = _downloads.get(source.target)
        if running is None or running.progress().state != "running":
            running = _downloads[source.target] = Download(source, first=running is None)
        return running


def current(target: Path) -> Download | None:
    """The last download to that place in this process, running or ended."""
    return _downloads.get(target)


def fetch(source: Source, note: Note, stop: threading.Event, *, first: bool = True) -> bool:
    """Fetch the file; False when it was stopped. ``note(received, total)`` is called as bytes come.

    ``first`` says that this process has not tried before: a partial file that grows is then another process's.
    Raises :class:`DownloadError`.
    """
    try:
        _prepare(source, first)
        if not _receive(source, note, stop):
            return False
        _check(source)
        source.partial.replace(source.target)
        source.tag.unlink(missing_ok=True)
    except requests.RequestException as error:
        raise connection(source, error) from error
    except OSError as error:
        raise disk(source, error) from error
    return True


def _prepare(source: Source, first: bool) -> None:
    parts = urlsplit(source.url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise DownloadError(f"{source.url} is not an https address: nothing is fetched from there.")
    source.target.parent.mkdir(parents=True, exist_ok=True)
    if source.partial.exists():
        if first and time.time() - source.partial.stat().st_mtime < BUSY:
            busy = f"Another process seems to be fetching {source.target.name}: try again in a moment."
            raise DownloadError(busy, busy)
        source.partial.touch()


def _receive(source: Source, note: Note, stop: threading.Event, *, resume: bool = True) -> bool:
    have, tag = _kept(source) if resume else (0, "")
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", **({"If-Range": tag} if tag else {})}

    def step(reply: requests.Response, *_: Any, **__: Any) -> None:
        if reply.is_redirect:
            _check_redirect(source, urljoin(reply.url, reply.headers["Location"]))

    asked = requests.get(source.url, stream=True, headers=headers, timeout=(CONNECT, READ), hooks={"response": step})
    with asked as reply:
        begins = reply.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        same = not tag or _strong(reply) in ("", tag)
        if have and (reply.status_code == 416 or (reply.status_code == 206 and not (begins and same))):
            return _receive(source, note, stop, resume=False)
        if reply.status_code not in (200, 206):
            raise DownloadError(f"{source.host} answered with status {reply.status_code}: {source.by_hand}.")
        have = have if reply.status_code == 206 else 0
        length = reply.headers.get("Content-Length", "")
        total = have + int(length) if length.isdecimal() else None
        _room(source, total, have)
        if not have:
            _begin(source, _strong(reply))
        return _write(source, reply, note, stop, have, total)


def _check_redirect(source: Source, address: str) -> None:
    """Refuse an address that a redirect leads to, before it is asked."""
    parts = urlsplit(address)
    if parts.hostname in LOOPBACK:
        if urlsplit(source.url).hostname not in LOOPBACK:
            raise DownloadError(f"{source.host} leads to this machine itself: nothing is fetched from there.")
    elif parts.scheme != "https":
        raise DownloadError(f"{source.host} leads to an address without https: nothing is fetched from there.")


def _kept(source: Source) -> tuple[int, str]:
    """(bytes of the partial file that can be gone on from, its ETag or ""): none where nothing would show a change."""
    tag = ""
    if source.tag.is_file():
        tag = source.tag.read_text("ascii", errors="replace")[:300]
        tag = tag if STRONG.fullmatch(tag) else ""
    sure = tag or source.sha256 is not None
    return (source.partial.stat().st_size, tag) if sure and source.partial.exists() else (0, "")


def _strong(reply: requests.Response) -> str:
    tag = reply.headers.get("ETag", "")
    return tag if STRONG.fullmatch(tag) else ""


def _begin(source: Source, tag: str) -> None:
    """An empty partial file; the old one goes before the new ETag comes, so that the two always belong together."""
    _discard(source)
    if tag:
        source.tag.write_text(tag, "ascii")


def _discard(source: Source) -> None:
    source.partial.unlink(missing_ok=True)
    source.tag.unlink(missing_ok=True)


def _room(source: Source, total: int | None, have: int) -> None:
    if total is None:
        return
    if total > source.most:
        raise DownloadError(
            f"{source.host} offers {megabytes(total)} where {megabytes(source.most)} at most were expected: no file."
        )
    if shutil.disk_usage(source.target.parent).free < total - have:
        raise OSError(errno.ENOSPC, "no room")


def _write(
    source: Source, reply: requests.Response, note: Note, stop: threading.Event, have: int, total: int | None
) -> bool:
    with source.partial.open("ab" if have else "wb") as file:
        note(have, total)
        try:
            for chunk in reply.iter_content(CHUNK):
                file.write(chunk)
                have += len(chunk)
                note(have, total)
                if have > source.most:
                    _discard(source)
                    raise DownloadError(f"{source.host} sends more than {megabytes(source.most)}: no file was kept.")
                if stop.is_set():
                    return False
        except requests.RequestException as error:
            raise broken(source, have, total, bool(_kept(source)[0])) from error
    if total is not None and have < total:
        raise broken(source, have, total, bool(_kept(source)[0]))
    return True


def _check(source: Source) -> None:
    if source.sha256 is not None and digest(source.partial) != source.sha256:
        _discard(source)
        raise damaged(source)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
