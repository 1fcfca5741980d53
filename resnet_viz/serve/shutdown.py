"""Ending a server whose responses never end by themselves, and letting it hold many of them.

A server that is asked to stop waits for its responses; a stream has no end. So while the server runs, its signal
handlers are wrapped: the streams end first, then the handlers do what they always did.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType
from typing import Any

from .stream import LiveServer

OPEN_FILES = 65_536
log = logging.getLogger(__name__)


@contextmanager
def before_signals(loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> Iterator[None]:
    """While inside, SIGINT and SIGTERM call ``wake`` on the loop before the handlers that were set already."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours: dict[signal.Signals, tuple[Any, Any]] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        theirs = signal.getsignal(number)
        if not callable(theirs):
            continue

        def handle(
            caught: int, frame: FrameType | None, theirs: Callable[[int, FrameType | None], Any] = theirs
        ) -> None:
            loop.call_soon_threadsafe(wake)
            theirs(caught, frame)

        ours[number] = (handle, theirs)
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, (handler, theirs) in ours.items():
            if signal.getsignal(number) is handler:
                signal.signal(number, theirs)


def raise_open_files(wanted: int = OPEN_FILES) -> None:
    """Raise this process's own limit of open files as far as it may: each viewer needs one."""
    try:
        import resource
    except ImportError:  # Windows has no such limit to raise
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    goal = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= goal:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (goal, hard))
    except (OSError, ValueError):  # macOS refuses more than its own maximum
        log.info("the limit of open files stays at %d", soft)


def lifespan(live: LiveServer) -> Callable[[Any], Any]:
    """The lifespan of an app with these routes: limits raised at the start, streams ended before the stop."""

    @asynccontextmanager
    async def during(_app: Any) -> AsyncIterator[None]:
        raise_open_files()
        with before_signals(asyncio.get_running_loop(), live.close):
            yield
        live.close()

    return during
