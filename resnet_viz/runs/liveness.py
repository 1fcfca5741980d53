"""Whether the process behind a run is alive: a stale heartbeat alone proves nothing, a laptop may have slept.

Nor does the system's clock: it is set back and forth. A heartbeat from the future is as stale as an old one, and a
process is known by when it started after the machine did.
"""

from __future__ import annotations

import os
import time
from functools import cache
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from .store import RunRow

STALE_SECONDS = 3.0
"""A process says once a second that it is alive."""
CLOCK_SECONDS = 2.0
"""Start times of one process may differ by so much between two readings."""
LIVE_STATES = ("running", "paused")


@cache
def process_identity() -> tuple[int, float]:
    """(process id, start time) of this process; the two together are never used again."""
    return os.getpid(), _started(psutil.Process())


def _started(process: psutil.Process) -> float:
    """Seconds from the machine's start to the process's. Linux computes a start time from the clock as it is now."""
    return float(process.create_time() - (psutil.boot_time() if psutil.LINUX else 0.0))


def alive(pid: int, started: float) -> bool:
    """True while the process with that id and start time runs; one that died and was not yet collected does not."""
    try:
        process = psutil.Process(pid)
        # A store of an earlier version has the time of day instead.
        off = min(abs(_started(process) - started), abs(process.create_time() - started))
        return bool(off < CLOCK_SECONDS) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def status(row: RunRow) -> tuple[str, str | None]:
    """The run's state and reason as they are now.

    "interrupted" where the store still says "running" or "paused", but the last heartbeat is more than three
    seconds old *and* the process is gone.
    """
    if row.state not in LIVE_STATES or row.worker_pid is None or row.worker_started is None:
        return row.state, row.reason
    if abs(time.time() - (row.heartbeat or 0)) <= STALE_SECONDS or alive(row.worker_pid, row.worker_started):
        return row.state, row.reason
    return "interrupted", "The process that trained it ended before the run was finished; what it measured is kept."
