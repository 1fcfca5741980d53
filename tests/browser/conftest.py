"""A real server on a free port with a store of its own, and a real browser page."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import find

ROOT = Path(__file__).resolve().parents[2]
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """The app as a subprocess: ``streamlit run app.py`` with its own RESNET_VIZ_HOME."""

    home: Path
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    base: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.base}"

    def start(self) -> Server:
        command = [
            sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port),
            "--server.address", "127.0.0.1", "--server.headless", "true", "--server.fileWatcherType", "none",
            *self.options,
        ]  # fmt: skip
        log = (self.home / "server.log").open("ab")
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, "RESNET_VIZ_HOME": str(self.home)}
        )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1):
                    return self
            except (urllib.error.URLError, OSError):
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        raise RuntimeError(f"the server did not start: {(self.home / 'server.log').read_text()[-2000:]}")

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)

    def end_workers(self) -> None:
        """The worker outlives the server on purpose; a test takes it along."""
        for process in psutil.process_iter(["cmdline"]):
            line = process.info["cmdline"] or []
            if "resnet_viz.runs.worker" in line and str(self.home.resolve()) in line:
                process.kill()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("home")).start()
    yield server
    server.stop()
    server.end_workers()


@pytest.fixture
def app_url(app: Server) -> str:
    return app.url


@pytest.fixture
def app_home(app: Server) -> Path:
    return app.home


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium for one module: Playwright holds an event loop open, which asyncio tests would trip over."""
    path = find()
    assert path, "no Chromium: run `make test` once, it finds or installs one"
    with sync_playwright() as tool:
        running = tool.chromium.launch(executable_path=path, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, color_scheme="light")
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()
