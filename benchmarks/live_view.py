"""How much of the browser's main thread the live view leaves free: two 56-layer nets at ten updates a second.

    python -m benchmarks.live_view [--seconds 12] [--width 1920 --height 1080]

A replay of telemetry is written into a store at ten steps a second; the app serves it, a headless Chromium shows it.
Figure: the share of wall time that the main thread spent in tasks (``TaskDuration`` of the DevTools protocol's
``Performance.getMetrics``) over the seconds measured, after the page has settled. Goal: at least 90 % free.
On a machine that is busy with other things, ``--clock threadTicks`` counts the thread's own CPU time instead.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from pathlib import Path

from playwright.sync_api import CDPSession, Page, sync_playwright

from resnet_viz.runs import Store
from tests.browser.chromium import find
from tests.serve import fake_runs
from tests.serve.servers import ROOT, app_server

UPDATES = 10
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
PAGE = ROOT / "tests" / "ui" / "live_app" / "app.py"


def metrics(session: CDPSession) -> dict[str, float]:
    """The DevTools metrics by name, seconds for durations."""
    return {row["name"]: row["value"] for row in session.send("Performance.getMetrics")["metrics"]}


def shown_step(page: Page) -> int:
    """The newest step on the screen."""
    return int(page.locator(".status").inner_text().split()[1])


def measure(seconds: float, width: int, height: int, clock: str, home: Path) -> dict[str, object]:
    """One measurement; gives the figures with how they were obtained."""
    store = Store(home)
    made = fake_runs.experiment(56, epochs=30)
    run = fake_runs.begin(store, made)
    with app_server(home, script=PAGE) as server, sync_playwright() as tool:
        chromium = tool.chromium.launch(executable_path=find(), args=FLAGS)
        page = chromium.new_page(viewport={"width": width, "height": height})
        page.goto(f"{server.url}/?run={run}")
        race = fake_runs.Race(store, run, made, a_second=UPDATES)
        race.start()
        page.wait_for_function("document.querySelector('[data-testid=stMain]')", timeout=20_000)
        page.wait_for_timeout(4_000)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": clock})
        before, first, started = metrics(session), shown_step(page), time.perf_counter()
        page.wait_for_timeout(seconds * 1000)
        after, wall = metrics(session), time.perf_counter() - started
        steps = shown_step(page) - first
        race.end()
        chromium.close()
    busy = after["TaskDuration"] - before["TaskDuration"]
    return {
        "free": round(1 - busy / wall, 4), "busy_seconds": round(busy, 3), "wall_seconds": round(wall, 2),
        "script_seconds": round(after["ScriptDuration"] - before["ScriptDuration"], 3),
        "layout_seconds": round(after["LayoutDuration"] - before["LayoutDuration"], 3),
        "updates_a_second": round(steps / wall, 2), "clock": clock, "window": f"{width} x {height}", "layers": "2 x 56",
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "date": time.strftime("%Y-%m-%d"),
    }  # fmt: skip


def main() -> None:
    """Measure and print one line of JSON; exit status 1 below the goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--width", type=int, default=1920)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--clock", choices=("timeTicks", "threadTicks"), default="timeTicks")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        found = measure(asked.seconds, asked.width, asked.height, asked.clock, Path(home))
    print(json.dumps(found))
    raise SystemExit(0 if float(str(found["free"])) >= 0.9 else 1)


if __name__ == "__main__":
    main()
