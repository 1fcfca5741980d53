"""Starting the worker process of a store when there is none."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from .liveness import alive
from .store import Store

STARTING_SECONDS = 20.0
"""A worker that was started enters itself into the store within that time."""
LOG = "worker.log"
MAX_LOG = 1_000_000

_started: dict[Path, tuple[subprocess.Popen[bytes], float]] = {}
_lock = threading.Lock()


def worker_alive(store: Store) -> bool:
    """True when a worker process serves the store."""
    return any(alive(pid, started) for pid, started, _ in store.workers())


def ensure_worker(store: Store) -> None:
    """Start a worker for the store unless one is alive; returns at once, cheap enough for every page view.

    The worker runs on when this process ends, and ends by itself when it has had nothing to do for a while. Its
    messages go to ``worker.log`` in the store's directory.
    """
    with _lock:
        process, since = _started.get(store.directory, (None, 0.0))
        # Asking also collects a child that has died, which otherwise would linger.
        starting = process is not None and process.poll() is None and time.monotonic() - since < STARTING_SECONDS
        if worker_alive(store) or starting:
            return
        _started[store.directory] = (_spawn(store.directory), time.monotonic())


def _spawn(directory: Path) -> subprocess.Popen[bytes]:
    package = Path(__file__).parents[2]
    # One thread in every library: the contestants are the threads. -P and PYTHONPATH: found from any directory, and
    # nothing that lies in the present one is imported by accident.
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    paths = os.pathsep.join(filter(None, (str(package), os.environ.get("PYTHONPATH"))))
    log = directory / LOG
    with log.open("wb" if log.exists() and log.stat().st_size > MAX_LOG else "ab") as file:
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-m", "resnet_viz.runs.worker", "--store", str(directory)],
            env={**os.environ, **threads, "PYTHONPATH": paths},
            cwd=package,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
