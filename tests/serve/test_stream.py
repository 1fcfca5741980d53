"""The real server: its routes, its end, and what a slow reader does to the others."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resnet_viz.runs import Store
from tests.serve import fake_runs
from tests.serve.servers import AppServer, app_server

MADE = fake_runs.experiment(20, epochs=40)


class Listener:
    """An HTTP client of one stream that can be as slow as it likes."""

    def __init__(self, server: AppServer, run: str, *, buffer: int = 0, headers: str = "") -> None:
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", server.port))
        request = f"GET {server.base}/stream/{run} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
        self.socket.sendall(request.encode())
        self.rest = b""

    def messages(self) -> Iterator[dict[str, Any]]:
        """Messages as they come, until the stream ends."""
        with contextlib.suppress(TimeoutError):
            while True:
                block = self.socket.recv(65536)
                if not block:
                    return
                *lines, self.rest = (self.rest + block).split(b"\n")
                for line in lines:
                    if line.startswith(b"data: "):
                        yield json.loads(line[6:])

    def close(self) -> None:
        self.socket.close()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def server(store: Store) -> Iterator[AppServer]:
    with app_server(store.directory) as running:
        yield running


def test_the_answer_is_a_stream_that_no_proxy_may_keep(server: AppServer, store: Store) -> None:
    run = fake_runs.finished(store, MADE)
    listener = Listener(server, run)
    header, delta = next(listener.messages()), next(listener.messages())
    listener.close()
    assert (header["kind"], header["id"], delta["state"]) == ("header", run, "finished")
    status, kind, body = server.get(f"/stream/{run}?once")
    assert (status, kind) == (200, "text/event-stream; charset=utf-8")
    ids = [line for line in body.split("\n") if line.startswith("id: ")]
    assert ids == [f"id: {delta['cursor']}"]
    columns = sum(len(f["loss"]) for f in delta["frames"] if f["c"] == "plain-20")
    assert columns == MADE.steps == 480


@pytest.mark.parametrize("run", ["none-1", "..%2Fsecret", "a.b", "x" * 65, "%00"])
def test_what_is_no_run_is_one_sentence(server: AppServer, run: str) -> None:
    status, kind, body = server.get(f"/stream/{run}")
    assert status in (400, 404)
    if kind == "application/json":
        assert json.loads(body) == {"error": "There is no such run: it was removed, or the address is mistyped."}


def test_an_unknown_run_is_answered_in_json(server: AppServer) -> None:
    assert server.get("/stream/none-1") == (
        404, "application/json", '{"error":"There is no such run: it was removed, or the address is mistyped."}',
    )  # fmt: skip


def test_last_event_id_resumes(server: AppServer, store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 5)
    first = Listener(server, run)
    received = first.messages()
    next(received)
    cursor = next(received)["cursor"]
    first.close()
    fake_runs.append(store, run, MADE, 5, 4)
    second = Listener(server, run, headers=f"Last-Event-ID: {cursor}\r\n")
    received = second.messages()
    next(received)
    missed = next(received)
    second.close()
    told = [(f["c"], f["first"], len(f["loss"])) for f in missed["frames"]]
    assert told == [("plain-20", 5, 4), ("residual-20", 5, 4)]


def test_a_reader_that_never_reads_harms_nobody(server: AppServer, store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    sleepers = [Listener(server, run, buffer=2048) for _ in range(5)]
    quick = Listener(server, run)
    race = fake_runs.Race(store, run, MADE, a_second=60, chunk=2)
    race.start()
    lags = []
    seen = 0
    for message in quick.messages():
        if message["kind"] == "delta" and message["frames"]:
            lags.append(time.time() - message["t"])
            seen = max(f["first"] + len(f["loss"]) for f in message["frames"])
        if message["state"] == "finished":
            break
    race.end()
    assert seen == MADE.steps
    assert sorted(lags)[int(0.95 * len(lags))] < 1.0
    last = {}
    for message in sleepers[0].messages():
        last = message
        if message["state"] == "finished":
            break
    assert last["state"] == "finished", "once it reads, it gets what it has missed"
    for listener in (*sleepers, quick):
        listener.close()
    server.wait_for_viewers(0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_ends_at_once_with_ten_streams_open(tmp_path: Path, number: signal.Signals) -> None:
    home = Store(tmp_path)
    run = fake_runs.begin(home, MADE)
    took = [_seconds_to_end(tmp_path, run, number)]
    while took[-1] >= 2 and len(took) < 3:  # 0.3 s on a quiet machine; a busy one gets two more attempts
        took.append(_seconds_to_end(tmp_path, run, number))
    assert took[-1] < 2, took


def _seconds_to_end(home: Path, run: str, number: signal.Signals) -> float:
    with app_server(home) as server:
        listeners = [Listener(server, run) for _ in range(10)]
        for listener in listeners:
            next(listener.messages())
        assert server.health() == {"status": "ok", "viewers": 10, "runs": 1}
        took = server.end(number)
        assert all(not list(listener.messages())[5:] for listener in listeners), "each stream came to its end"
        assert "Traceback" not in server.log.read_text()
    return took


def test_under_a_base_path_the_stream_is_there_too(tmp_path: Path) -> None:
    home = Store(tmp_path)
    run = fake_runs.finished(home, MADE)
    with app_server(tmp_path, base="/deep/down") as server:
        status, kind, body = server.get(f"/stream/{run}?once")
        assert (status, kind) == (200, "text/event-stream; charset=utf-8") and '"kind":"header"' in body
        assert server.health()["status"] == "ok"
