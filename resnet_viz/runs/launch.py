"""Starting the worker process of a store when there is none."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .liveness import alive
from .store import Store

STARTING_SECONDS = 20.0
"""A worker that was started enters itself into the store within that time."""
RESPAWN_SECONDS = 5.0
"""One worker is started in that time at most: one that dies as it begins is not started over and over."""
TASKS = "resnet_viz.tasks"
"""Who executes runs that are no experiment: a layer above this one, which the worker's process imports by name."""
LOG = "worker.log"
MAX_LOG = 1_000_000
TAIL = 4096
"""Bytes at the end of the log in which its last line is looked for."""


@dataclass(frozen=True)
class _Child:
    """A worker that this process started, and how long its log was at that moment."""

    process: subprocess.Popen[bytes]
    since: float
    log_bytes: int


_started: dict[Path, _Child] = {}
_lock = threading.Lock()


def worker_alive(store: Store) -> bool:
    """True when a worker process serves the store."""
    return any(alive(pid, started) for pid, started, _ in store.workers())


def ensure_worker(store: Store, *, only_for_work: bool = False) -> None:
    """Start a worker for the store unless one is alive; returns at once, cheap enough for every page view.

    The worker runs on when this process ends, and ends by itself when it has had nothing to do for a while. Its
    messages go to ``worker.log`` in the store's directory. ``only_for_work``: start one only when a run is queued or
    a question is open, so that a page which merely looks at runs wakes nobody. A worker that died is replaced at
    the next call, but no more than once in five seconds.
    """
    with _lock:
        child = _started.get(store.directory)
        if child is not None:
            age = time.monotonic() - child.since
            # Asking also collects a child that has died, which otherwise would linger.
            if age < (STARTING_SECONDS if child.process.poll() is None else RESPAWN_SECONDS):
                return
        if worker_alive(store) or (only_for_work and not store.work_waits()):
            return
        _started[store.directory] = _spawn(store.directory)


def worker_trouble(store: Store) -> str | None:
    """One sentence when the worker that this process started last has died and none is alive; else None.

    It ends with the last line of that worker's log, where there is one: plain text from outside, to be escaped.
    """
    child = _started.get(store.directory)
    code = child.process.poll() if child is not None else None
    if child is None or not code or worker_alive(store):
        return None
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    last = _last_line(store.directory / LOG, child.log_bytes)
    return f"The worker {how}: {last}" if last else f"The worker {how} and left no message."


def _last_line(log: Path, since: int) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(since, log.stat().st_size - TAIL))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _log(path: Path) -> IO[bytes]:
    """The log, open at its end; where it cannot be written the worker's words are lost, never the worker."""
    try:
        return path.open("wb" if path.exists() and path.stat().st_size > MAX_LOG else "ab")
    except OSError:
        return Path(os.devnull).open("ab")


def _spawn(directory: Path) -> _Child:
    package = Path(__file__).parents[2]
    # One thread in every library: the contestants are the threads. -P and PYTHONPATH: found from any directory, and
    # nothing that lies in the present one is imported by accident.
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    paths = os.pathsep.join(filter(None, (str(package), os.environ.get("PYTHONPATH"))))
    with _log(directory / LOG) as file:
        length = file.tell()
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-m", "resnet_viz.runs.worker", "--store", str(directory), "--tasks", TASKS],
            env={**os.environ, **threads, "PYTHONPATH": paths},
            cwd=package,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    return _Child(process, time.monotonic(), length)
