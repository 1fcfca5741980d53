"""Finds a Chromium for the browser tests; with ``--install`` gets one when there is none.

In order: the variable CHROMIUM, an installed Chromium or Chrome, what Playwright has downloaded; to install:
Debian's package (as root), else Playwright's own download.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
APPS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)


def find() -> str | None:
    """The path of a Chromium that can be started, or None."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    for name in NAMES:
        if path := shutil.which(name):
            return path
    for app in APPS:
        if Path(app).exists():
            return app
    return _playwright()


def _playwright() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tool:
        path = tool.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> str:
    """Get a Chromium: Debian's package as root, else Playwright's. Raises ``SystemExit`` when neither works."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root and shutil.which("apt-get"):
        print("Installing Debian's chromium for the browser tests.", flush=True)
        quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
        subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], check=False, **quiet)
        if path := find():
            return path
    print("Downloading Playwright's Chromium for the browser tests.", flush=True)
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    if path := find():
        return path
    raise SystemExit("No Chromium found or installed: install Chromium or Chrome, or name it with CHROMIUM=...")


if __name__ == "__main__":
    found = find() or (install() if "--install" in sys.argv else None)
    print(found or "none")
    sys.exit(0 if found else 1)
