"""How many contestants compute at once: never more than there are cores for them."""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType


class Slots:
    """A semaphore that serves in the order of asking, so that contestants who share a core keep pace.

    Use it as a context manager around one training step. One ``Slots`` is shared by all runs of a process.
    """

    def __init__(self, count: int) -> None:
        if count < 1:
            raise ValueError(f"there is work for at least one slot, not {count}")
        self.count = count
        self._free = count
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            ticket = threading.Lock()
            ticket.acquire()
            self._waiting.append(ticket)
        ticket.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1
