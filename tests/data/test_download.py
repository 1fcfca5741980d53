"""Downloads from a host on this machine: whole, resumed, and each way of failing as one sentence."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from resnet_viz.data import download as module
from resnet_viz.data.download import current, download
from resnet_viz.data.source import Source
from tests.data.servers import Host, host

BODY = bytes(range(256)) * 4000
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def server() -> Iterator[Host]:
    with host() as state:
        state.files["/file"] = BODY
        yield state


@pytest.fixture
def source(server: Host, tmp_path: Path) -> Source:
    return Source(server.url("/file"), tmp_path / "deep" / "file.bin", 2_000_000, SHA)


def by_hand(source: Source) -> str:
    return f"fetch {source.url} in another way and put the file at {source.target}"


def failure(source: Source) -> str:
    progress = download(source).join(20)
    assert progress.state == "failed"
    assert not source.target.exists()
    return progress.sentence


def test_a_file_comes_whole_and_checked(source: Source) -> None:
    progress = download(source).join(20)
    assert (progress.state, progress.received, progress.total) == ("done", len(BODY), len(BODY))
    assert source.target.read_bytes() == BODY
    assert list(source.target.parent.iterdir()) == [source.target]


def test_progress_is_seen_while_it_runs_and_shared_by_all_who_ask(server: Host, source: Source) -> None:
    server.gate.clear()
    server.breaks_after = 300_000
    going = download(source)
    until = time.monotonic() + 10
    while going.progress().received < 200_000 and time.monotonic() < until:
        time.sleep(0.01)
    progress = going.progress()
    assert progress.state == "running"
    assert 200_000 <= progress.received < (progress.total or 0) == len(BODY)
    assert download(source) is going is current(source.target)
    server.gate.set()
    going.join(20)


def test_a_broken_download_goes_on_where_it_was(server: Host, source: Source) -> None:
    server.breaks_after = 300_000
    assert failure(source) == (
        "The connection to 127.0.0.1 broke after 0.3 MB of 1.0 MB: start again and it goes on from there."
    )
    kept = source.partial.stat().st_size
    assert 0 < kept <= 300_000
    server.breaks_after = None
    assert download(source).join(20).state == "done"
    assert server.asked == [None, f"bytes={kept}-"]
    assert source.target.read_bytes() == BODY


def broken(server: Host, source: Source, tag: str | None) -> str:
    """What the failure says once a download broke off after 0.3 MB."""
    server.breaks_after = 300_000
    if tag is not None:
        server.tags["/file"] = tag
    words = failure(source)
    server.breaks_after = None
    return words


def test_going_on_asks_for_the_same_version(server: Host, source: Source) -> None:
    broken(server, source, '"v1"')
    assert source.tag.read_text() == '"v1"'
    assert download(source).join(20).state == "done"
    assert server.conditions == [None, '"v1"']
    assert server.asked[-1] is not None
    assert list(source.target.parent.iterdir()) == [source.target]


@pytest.mark.parametrize("obeys", [True, False])
def test_a_file_that_has_changed_meanwhile_is_begun_anew(server: Host, source: Source, obeys: bool) -> None:
    source = replace(source, sha256=None)
    broken(server, source, '"v1"')
    server.files["/file"], server.tags["/file"] = BODY[::-1], '"v2"'
    server.heeds_conditions = obeys
    assert download(source).join(20).state == "done"
    assert source.target.read_bytes() == BODY[::-1]


@pytest.mark.parametrize("tag", [None, 'W/"v1"', '""', "v1"])
def test_without_a_strong_etag_and_sha256_it_begins_anew(server: Host, source: Source, tag: str | None) -> None:
    source = replace(source, sha256=None)
    assert broken(server, source, tag) == "The connection to 127.0.0.1 broke after 0.3 MB of 1.0 MB: start again."
    server.files["/file"] = BODY[::-1]
    assert download(source).join(20).state == "done"
    assert server.asked == [None, None]
    assert source.target.read_bytes() == BODY[::-1]


def test_an_etag_left_behind_that_is_none_is_not_sent(server: Host, source: Source) -> None:
    broken(server, source, '"v1"')
    source.tag.write_bytes(b'"v1"\r\nX: 1\xff')
    assert download(source).join(20).state == "done"
    assert server.conditions[-1] is None


def test_another_process_is_waited_for_longer_than_it_waits_itself(server: Host, source: Source) -> None:
    assert module.BUSY > module.CONNECT + module.READ
    source.partial.parent.mkdir()
    source.partial.write_bytes(BODY[:100])
    old = time.time() - module.READ
    os.utime(source.partial, (old, old))
    assert failure(source) == "Another process seems to be fetching file.bin: try again in a moment."


def test_redirects_on_this_machine_are_followed_for_a_source_on_it(server: Host, source: Source) -> None:
    server.redirects["/old"] = "/file"
    assert download(replace(source, url=server.url("/old"))).join(20).state == "done"


def test_a_redirect_to_an_address_without_https_is_not_followed(server: Host, source: Source) -> None:
    server.redirects["/old"] = "http://example.org/file"
    assert failure(replace(source, url=server.url("/old"))) == (
        "127.0.0.1 leads to an address without https: nothing is fetched from there."
    )


class Hops(requests.adapters.BaseAdapter):
    """Answers each address with the redirect that is laid down for it."""

    def __init__(self, hops: dict[str, str]) -> None:
        super().__init__()
        self.hops, self.asked = hops, []  # type: ignore[var-annotated]

    def send(self, request: requests.PreparedRequest, **_: object) -> requests.Response:
        self.asked.append(request.url)
        reply = requests.Response()
        reply.status_code, reply.url, reply.request = 200, str(request.url), request
        reply.raw = io.BytesIO(BODY)
        if reply.url in self.hops:
            reply.status_code = 302
            reply.headers["Location"] = self.hops[reply.url]
        return reply

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("middle", "words"),
    [
        ("http://middle.example/", "an address without https"),
        ("http://127.0.0.1:9/", "this machine itself"),
        ("https://localhost/", "this machine itself"),
    ],
)
def test_each_hop_is_checked_before_it_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, middle: str, words: str
) -> None:
    start, end = "https://start.example/file", "https://end.example/file"
    hops = Hops({start: middle, middle: end})
    monkeypatch.setattr(requests.Session, "get_adapter", lambda *_, **__: hops)
    source = Source(start, tmp_path / "file.bin", 2_000_000)
    assert failure(source) == f"start.example leads to {words}: nothing is fetched from there."
    assert hops.asked == [start]


def test_a_host_without_ranges_begins_anew(server: Host, source: Source) -> None:
    server.breaks_after = 300_000
    failure(source)
    server.breaks_after, server.ranges = None, False
    assert download(source).join(20).state == "done"
    assert source.target.read_bytes() == BODY


def test_a_partial_file_longer_than_the_file_begins_anew(server: Host, source: Source) -> None:
    server.breaks_after = 10
    failure(source)
    server.breaks_after = None
    source.partial.write_bytes(BODY + b"more")
    assert download(source).join(20).state == "done"
    assert server.asked[-2:] == [f"bytes={len(BODY) + 4}-", None]


def test_a_file_that_is_not_the_expected_one_is_deleted(server: Host, source: Source) -> None:
    server.files["/file"] = BODY[:-1] + b"!"
    assert failure(source) == (
        "The file from 127.0.0.1 is not the expected one (its SHA-256 differs) and was deleted: try again, or "
        f"{by_hand(source)}."
    )
    assert not source.partial.exists()


def test_no_such_file(server: Host, source: Source) -> None:
    server.files.clear()
    assert failure(source) == f"127.0.0.1 answered with status 404: {by_hand(source)}."


def test_a_file_that_is_too_large_is_not_begun(server: Host, source: Source) -> None:
    server.files["/file"] = b"x" * 3_000_000
    assert failure(source) == "127.0.0.1 offers 3.0 MB where 2.0 MB at most were expected: no file."


def test_offline_the_sentence_names_the_file_and_its_place(tmp_path: Path) -> None:
    with host() as gone:
        url = gone.url("/file")
    source = Source(url, tmp_path / "file.bin", 10, None)
    assert failure(source) == f"No connection to 127.0.0.1: {by_hand(source)}."


def test_a_host_that_does_not_answer(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, **__: object) -> None:
        raise requests.Timeout

    monkeypatch.setattr(module.requests, "get", slow)
    assert failure(source) == f"No answer from 127.0.0.1: {by_hand(source)}."


def test_nothing_is_fetched_without_https(tmp_path: Path) -> None:
    source = Source("http://example.org/file", tmp_path / "file.bin", 10, None)
    assert failure(source) == "http://example.org/file is not an https address: nothing is fetched from there."


def test_a_full_disk(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(source.target.anchor)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    assert failure(source) == (
        f"There is no room for file.bin in {source.target.parent}: make some, or set RESNET_VIZ_HOME elsewhere."
    )


def test_a_directory_that_cannot_be_written(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", refused)
    assert failure(source) == (
        f"{source.target.parent} cannot be written (Permission denied): set RESNET_VIZ_HOME to one that can."
    )


def test_two_processes_do_not_write_one_file(source: Source) -> None:
    source.partial.parent.mkdir()
    source.partial.write_bytes(b"just now")
    assert failure(source) == "Another process seems to be fetching file.bin: try again in a moment."


def test_stopping_keeps_what_has_come(server: Host, source: Source) -> None:
    server.gate.clear()
    server.breaks_after = 600_000
    going = download(source)
    until = time.monotonic() + 10
    while going.progress().received < 262_144 and time.monotonic() < until:
        time.sleep(0.005)
    going.stop()
    server.gate.set()
    assert going.join(20).state in ("stopped", "failed")
    assert source.partial.stat().st_size >= 262_144
    assert not source.target.exists()


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        ("broken", "The connection broke after 0.3 MB of 1.0 MB: start again and it goes on from there."),
        ("other", "The file that came is not the expected one (its SHA-256 differs) and was deleted: try again."),
        ("none", "The download failed: try again later."),
        ("offline", "No connection to the host of the weights: try again later."),
        ("full", "There is no room for file.bin on this server."),
        ("closed", "This server cannot keep file.bin."),
        ("elsewhere", "The download failed: try again later."),
    ],
)
def test_visitors_of_a_hosted_app_are_told_no_path_and_no_address(
    server: Host, source: Source, trouble: str, sentence: str,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setenv("RESNET_VIZ_HOSTED", "1")
    if trouble == "broken":
        server.breaks_after = 300_000
    elif trouble == "other":
        server.files["/file"] = BODY[::-1]
    elif trouble == "none":
        server.files.clear()
    elif trouble == "offline":
        source = replace(source, url="http://127.0.0.1:9/file")
    elif trouble == "elsewhere":
        source = replace(source, url="http://mirror.internal/file")
    else:
        number = errno.ENOSPC if trouble == "full" else errno.EACCES

        def refused(*_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(Path, "mkdir", refused)
    assert failure(source) == sentence
    assert any(word in caplog.text for word in ("127.0.0.1", "mirror.internal", str(source.target.parent)))
