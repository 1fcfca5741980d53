"""Lag and server load of the live stream: many viewers of one run on the loopback interface.

    python -m benchmarks.stream [--viewers 300] [--seconds 10] [--rate 4]

The app is served as users serve it; one run gets ``rate`` frames a second; the viewers are plain sockets in this
process, so viewers and server share the machine. Lag: from the time ``t`` at which the worker wrote an event's newest
frame to the moment at which a viewer has read the event. CPU: the server process's own time over the seconds measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import tempfile
import time
from pathlib import Path

import psutil

from resnet_viz.runs import Store
from resnet_viz.serve.shutdown import raise_open_files
from tests.serve import fake_runs
from tests.serve.servers import app_server

MOST_VIEWERS = 2000


async def view(port: int, run: str, lags: list[float], since: list[float], end: asyncio.Event) -> None:
    """One viewer: note the lag of each event that has frames, once ``since`` says that measuring has begun."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    writer.write(f"GET /stream/{run} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    stop = asyncio.ensure_future(end.wait())
    while not end.is_set():
        line = asyncio.ensure_future(reader.readline())
        await asyncio.wait({line, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not line.done():
            line.cancel()
            break
        if since and line.result().startswith(b'data: {"t":'):
            written = float(line.result()[11:40].split(b",", 1)[0])
            if written > since[0]:
                lags.append(time.time() - written)
    stop.cancel()
    writer.close()


async def watch(port: int, run: str, viewers: int, seconds: float, server: psutil.Process) -> tuple[list[float], float]:
    """All viewers for that long; gives the lags and the server's CPU seconds."""
    lags: list[float] = []
    since: list[float] = []
    end = asyncio.Event()
    tasks = []
    for _ in range(viewers):
        tasks.append(asyncio.ensure_future(view(port, run, lags, since, end)))
        await asyncio.sleep(0.002)
    await asyncio.sleep(2.0)
    before = sum(server.cpu_times()[:2])
    since.append(time.time())
    await asyncio.sleep(seconds)
    used = sum(server.cpu_times()[:2]) - before
    end.set()
    await asyncio.gather(*tasks)
    return lags, used


def measure(viewers: int, seconds: float, rate: float, home: Path) -> dict[str, object]:
    """One measurement; gives the figures with how they were obtained."""
    raise_open_files()
    store = Store(home)
    made = fake_runs.experiment(56, epochs=200)
    run = fake_runs.begin(store, made)
    with app_server(home) as server:
        race = fake_runs.Race(store, run, made, a_second=rate)
        race.start()
        process = psutil.Process(server.process.pid)
        lags, used = asyncio.run(watch(server.port, run, viewers, seconds, process))
        memory = process.memory_info().rss
        race.end()
    percentiles = statistics.quantiles(lags, n=100)
    return {
        "viewers": viewers, "frames_a_second": rate, "events_received": len(lags),
        "events_a_viewer_a_second": round(len(lags) / viewers / seconds, 2),
        "lag_ms_median": round(1000 * percentiles[49], 1), "lag_ms_p95": round(1000 * percentiles[94], 1),
        "server_cpu_share_of_a_core": round(used / seconds, 3), "server_rss_mb": round(memory / 1e6),
        "machine": f"{platform.machine()}, {psutil.cpu_count()} cores, Python {platform.python_version()}",
        "date": time.strftime("%Y-%m-%d"),
    }  # fmt: skip


def main() -> None:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, default=300, help=f"at most {MOST_VIEWERS}")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=4.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        print(json.dumps(measure(min(asked.viewers, MOST_VIEWERS), asked.seconds, asked.rate, Path(home))))


if __name__ == "__main__":
    main()
