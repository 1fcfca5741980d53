"""Lag and server load of the live stream: a crowd of viewers of one run on the loopback interface.

    python -m benchmarks.stream [--viewers 1000] [--seconds 20] [--minutes 10] [--rate 4] [--sleepers 5]

The app is served as users serve it; one run of two 56-layer networks gets ``rate`` frames a second; the viewers are
plain sockets in this process, so viewers and server share the machine. Beside them ``sleepers`` ask for the stream and
never read. Lag: from the time ``t`` at which the worker wrote an event's newest frame to the moment at which a viewer
has read the whole event. CPU: the server process's own time over the seconds measured. Memory: the server's resident
set, sampled once a second; its median in the first and in the last tenth of the time (a minute of ten).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import socket
import statistics
import tempfile
import time
from array import array
from pathlib import Path

import psutil

from resnet_viz.runs import Store
from resnet_viz.serve.shutdown import raise_open_files
from tests.serve import fake_runs
from tests.serve.servers import app_server

MOST_VIEWERS = 5000
EVENT, ENDS = b'data: {"t":', b"\n\n"
WARM_UP = 3.0
"""Seconds after the last viewer came, before anything counts."""


class Crowd:
    """What all viewers have seen: lags in seconds of the events that count."""

    def __init__(self) -> None:
        self.lags = array("d")
        self.since = float("inf")
        self.lost = 0


class Viewer(asyncio.Protocol):
    """One viewer: notes the lag of each event that has come whole."""

    def __init__(self, crowd: Crowd, request: bytes) -> None:
        self.crowd, self.request, self.rest = crowd, request, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self.request)

    def connection_lost(self, exc: Exception | None) -> None:
        self.crowd.lost += 1

    def data_received(self, data: bytes) -> None:
        whole, ends, self.rest = (self.rest + data if self.rest else data).rpartition(ENDS)
        if not ends or self.crowd.since == float("inf"):
            return
        now, at = time.time(), whole.find(EVENT)
        while at >= 0:
            written = float(whole[at + len(EVENT) : at + 40].split(b",", 1)[0])
            if written > self.crowd.since:
                self.crowd.lags.append(now - written)
            at = whole.find(EVENT, at + 1)


async def watch(
    port: int, run: str, viewers: int, sleepers: int, seconds: float, server: psutil.Process
) -> tuple[Crowd, float, list[int]]:
    """All viewers for that long; gives what they saw, the server's CPU seconds and its resident sets."""
    loop, crowd = asyncio.get_running_loop(), Crowd()
    request = f"GET /stream/{run} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    asleep = []
    for _ in range(sleepers):
        idle = socket.socket()
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        idle.connect(("127.0.0.1", port))
        idle.sendall(request)
        asleep.append(idle)
    transports = []
    for _ in range(viewers):
        transport, _protocol = await loop.create_connection(lambda: Viewer(crowd, request), "127.0.0.1", port)
        transports.append(transport)
        await asyncio.sleep(0.002)
    await asyncio.sleep(WARM_UP)
    before, begin, memory = sum(server.cpu_times()[:2]), time.monotonic(), [server.memory_info().rss]
    crowd.since = time.time()
    while (left := begin + seconds - time.monotonic()) > 0:
        await asyncio.sleep(min(1.0, left))
        memory.append(server.memory_info().rss)
    used = (sum(server.cpu_times()[:2]) - before) / (time.monotonic() - begin)
    lost = crowd.lost
    for transport in transports:
        transport.close()
    await asyncio.sleep(0)
    crowd.lost = lost
    for idle in asleep:
        idle.close()
    return crowd, used, memory


def measure(viewers: int, sleepers: int, seconds: float, rate: float, home: Path) -> dict[str, object]:
    """One measurement; gives the figures with how they were obtained."""
    raise_open_files()
    store = Store(home)
    epochs = round((seconds + 60) * rate / fake_runs.STEPS_PER_EPOCH) + viewers // 50
    made = fake_runs.experiment(56, epochs=epochs)
    run = fake_runs.begin(store, made)
    with app_server(home) as server:
        race = fake_runs.Race(store, run, made, a_second=rate)
        race.start()
        process = psutil.Process(server.process.pid)
        crowd, used, memory = asyncio.run(watch(server.port, run, viewers, sleepers, seconds, process))
        race.end()
    percentiles = statistics.quantiles(crowd.lags, n=100)
    tenth = max(1, len(memory) // 10)
    return {
        "viewers": viewers, "sleepers": sleepers, "seconds": round(seconds), "frames_a_second": rate,
        "events_a_viewer_a_second": round(len(crowd.lags) / viewers / seconds, 2), "streams_lost": crowd.lost,
        "lag_ms_median": round(1000 * percentiles[49], 1), "lag_ms_p95": round(1000 * percentiles[94], 1),
        "server_cpu_share_of_a_core": round(used, 3),
        "server_rss_mb_first": round(statistics.median(memory[:tenth]) / 1e6, 1),
        "server_rss_mb_last": round(statistics.median(memory[-tenth:]) / 1e6, 1),
        "server_rss_mb_most": round(max(memory) / 1e6, 1),
        "load_average": [round(load, 1) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "machine": f"{platform.machine()}, {psutil.cpu_count()} cores, Python {platform.python_version()}",
        "date": time.strftime("%Y-%m-%d %H:%M"),
    }  # fmt: skip


def main() -> None:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, default=1000, help=f"at most {MOST_VIEWERS}")
    parser.add_argument("--sleepers", type=int, default=5, help="viewers beside them that read nothing")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--minutes", type=float, help="instead of the seconds")
    parser.add_argument("--rate", type=float, default=4.0)
    asked = parser.parse_args()
    seconds = asked.seconds if asked.minutes is None else 60 * asked.minutes
    with tempfile.TemporaryDirectory() as home:
        viewers = min(asked.viewers, MOST_VIEWERS)
        print(json.dumps(measure(viewers, asked.sleepers, seconds, asked.rate, Path(home))))


if __name__ == "__main__":
    main()
