"""The real app as a subprocess on a free port, for tests that need a server or a browser."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_WITHIN = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class AppServer:
    process: subprocess.Popen[bytes]
    port: int
    base: str
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.base}"

    def get(self, path: str) -> tuple[int, str, str]:
        """(status, content type, body) of a short answer."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, answer.headers["content-type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["content-type"], error.read().decode()

    def health(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.get("/health")[2])
        return found

    def wait_for_viewers(self, count: int, within: float = 20.0) -> None:
        end = time.monotonic() + within
        while self.health()["viewers"] != count:
            assert time.monotonic() < end, f"{self.health()} instead of {count} viewers"
            time.sleep(0.1)

    def end(self, number: signal.Signals, within: float = 15.0) -> float:
        """Send the signal; gives the seconds until the process was gone."""
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(within)
        return time.monotonic() - started


@contextlib.contextmanager
def app_server(
    home: Path, *, base: str = "", script: Path = ROOT / "app.py", port: int | None = None
) -> Iterator[AppServer]:
    """The app with its store in ``home``; ended, with what it started, on leaving."""
    port = port or free_port()
    log = home / "server.log"
    command = [
        sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port),
        "--server.address", "127.0.0.1", "--server.headless", "true", "--server.fileWatcherType", "none",
        *(["--server.baseUrlPath", base.strip("/")] if base else []),
    ]  # fmt: skip
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "RESNET_VIZ_HOME": str(home), "PYTHONPATH": paths}
    home.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment, cwd=ROOT)
    server = AppServer(process, port, base, log)
    try:
        _wait(server)
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(server: AppServer) -> None:
    end = time.monotonic() + START_WITHIN
    while time.monotonic() < end:
        assert server.process.poll() is None, server.log.read_text()
        with contextlib.suppress(OSError, ValueError):
            if server.health()["status"] == "ok":
                return
        time.sleep(0.1)
    raise AssertionError(f"no answer within {START_WITHIN:g} s\n{server.log.read_text()}")
