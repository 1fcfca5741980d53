"""One reader a run, any number of viewers: read once, encode once, and nobody waits for a slow one.

A :class:`Feed` reads the store up to ten times a second in a thread while somebody looks, sooner after a pause, and
keeps the last few encoded events. Each viewer goes through them at its own speed; who falls behind further than they
reach, or comes late, gets the whole run as one thinned-out event instead, built once a second for all of them. So
memory is bounded by the events kept, and reading by the runs looked at, however many viewers ask for whatever.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from resnet_viz.runs.store import Store
from resnet_viz.spec.probes import DEFAULT

from .messages import FINAL_STATES, START, Cursor, Follower, as_lines, parse_cursor

PERIOD = 0.1
"""Seconds between two looks at a run that is going on; also the least time between two events."""
IDLE_PERIOD = 1.0
"""The same for a run that has ended (it may be renamed, resumed, removed), or that nobody looks at any more."""
GLANCE = 0.03
"""Seconds between two glances at whether the database's log has grown: then the next look comes at once."""
SETTLE = 0.01
"""Seconds between such a glance and the look, so that one step of every contestant arrives together."""
GIVE_UP_AFTER = 5
"""Looks that may fail one after the other, with twice the pause each time, before the streams end."""
LINGER = 5.0
"""Seconds that a feed outlives its last viewer: a reload or a viewer that polls finds what is read already."""
KEEP_ALIVE = 15.0
"""Seconds of silence after which a viewer gets a comment, so that proxies keep the connection."""
KEPT = 64
"""Encoded events kept for viewers that are a little behind."""
RETRY = b"retry: 1000\n\n"

Result = TypeVar("Result")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Packet:
    """Encoded events of one look at the store; ``cursor`` is where they lead to."""

    number: int
    cursor: Cursor
    payload: bytes


class Feed:
    """The stream of one run and quantity. Lives on one event loop; the store is read in the hub's threads."""

    def __init__(self, store: Store, run: str, pool: ThreadPoolExecutor, quantity: str = DEFAULT) -> None:
        self.run, self.quantity = run, quantity
        self.viewers = 0
        self.ended = False
        self._store, self._pool = store, pool
        self._follower: Follower | None = None
        self._kept: deque[Packet] = deque(maxlen=KEPT)
        self._number = 0
        self._cursor: Cursor = START
        self._news = asyncio.Event()
        self._reading = asyncio.Lock()
        self._past: tuple[int, Cursor, bytes] | None = None
        self._head: tuple[int, bytes] = (0, b"")
        self._log = store.path.with_name(f"{store.path.name}-wal")
        self._looked = self._told = 0.0
        self._failures = 0
        self._task: asyncio.Task[None] | None = None

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def start(self) -> None:
        """Begin to read."""
        self._task = asyncio.create_task(self._read(), name=f"feed {self.run}")

    def end(self) -> None:
        """Let every viewer's stream end now."""
        self.ended = True
        if self._task is not None:
            self._task.cancel()
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _read(self) -> None:
        """Look at the store until the run is gone or cannot be read any more."""
        while not self.ended:
            size = self._log_size()
            await self._attempt()
            if not self.ended:
                await self._rest(size)

    async def _attempt(self) -> None:
        """One look. Whatever goes wrong is tried again, and ends the streams when it stays: viewers then reconnect."""
        try:
            async with self._reading:
                await self._look()
            self._failures = 0
        except KeyError:
            self.ended = True
        except Exception:
            self._failures += 1
            self.ended = self._failures >= GIVE_UP_AFTER
            log.warning("run %s cannot be read, attempt %d", self.run, self._failures, exc_info=True)
        if self.ended:
            self._tell()

    async def _rest(self, size: tuple[int, int]) -> None:
        """Until the next look: the period, or while the run goes on until something was written."""
        if self._failures:
            await asyncio.sleep(IDLE_PERIOD * 2 ** (self._failures - 2))
            return
        final = self._follower is not None and self._follower.state in FINAL_STATES
        if final or not self.viewers:
            while time.monotonic() < self._looked + IDLE_PERIOD and (final or not self.viewers):
                await asyncio.sleep(GLANCE)
            return
        soonest, latest = self._told + PERIOD, self._looked + PERIOD
        while time.monotonic() < latest:
            if self._log_size() != size:
                await asyncio.sleep(max(SETTLE, soonest - time.monotonic()))
                return
            await asyncio.sleep(min(GLANCE, PERIOD))

    def _log_size(self) -> tuple[int, int]:
        """Size and time of the database's log, which every write changes; what this misses, the period finds."""
        try:
            found = self._log.stat()
        except OSError:
            return (0, 0)
        return found.st_size, found.st_mtime_ns

    async def _look(self) -> None:
        follower = self._follower
        self._looked = time.monotonic()
        if follower is None:
            follower = await self._in_thread(lambda: Follower(self._store, self.run, self.quantity))
            await self._in_thread(follower.poll)
            self._follower, payload = follower, b""
        else:
            known = follower
            payload = await self._in_thread(lambda: as_lines(known.poll()))
            if not payload:
                return
        self._number += 1
        self._told = time.monotonic()
        self._cursor = follower.cursor
        self._kept.append(Packet(self._number, self._cursor, payload))
        self._tell()

    async def events(self, after: str | None, *, once: bool = False) -> AsyncIterator[bytes]:
        """The bytes of one viewer's stream: a header, what it has missed since ``after``, then what is new.

        ``once``: end after the past (for viewers that poll).
        """
        cursor, number = parse_cursor(after), 0
        yield RETRY
        if self._follower is not None and time.monotonic() - self._looked > PERIOD:
            await self._attempt()  # nobody has looked for a while
        while not self.ended:
            news = self._news
            if number == self._number:
                try:
                    await asyncio.wait_for(news.wait(), KEEP_ALIVE)
                except TimeoutError:
                    yield b": still here\n\n"
                continue
            if number == 0 or number < self._kept[0].number - 1:
                number, cursor, payload = await self._missed(cursor)
            else:
                fresh = [p for p in self._kept if p.number > number]
                number, cursor, payload = fresh[-1].number, fresh[-1].cursor, b"".join(p.payload for p in fresh)
            yield payload
            if once:
                return

    async def _missed(self, after: Cursor) -> tuple[int, Cursor, bytes]:
        """(packet number, cursor, bytes): the header and all after a cursor.

        From the events kept where they reach back so far, else the whole past, which is built once a second: a
        cursor that this feed never gave makes it read nothing.
        """
        known = [p for p in self._kept if p.cursor[0] <= after[0] and p.cursor[1] <= after[1]]
        if known and after[0] <= self._cursor[0] and after[1] <= self._cursor[1] and after != START:
            fresh = [p.payload for p in self._kept if p.number > known[-1].number]
            return self._number, self._cursor, self._header() + b"".join(fresh)
        async with self._reading:
            if self._past is not None and self._past[0] >= self._kept[0].number - 1:
                return self._past
            follower, number, cursor = self._follower, self._number, self._cursor
            assert follower is not None  # number is above zero, so there was a first look  # noqa: S101
            self._past = (number, cursor, await self._in_thread(lambda: _past(follower)))
            asyncio.get_running_loop().call_later(1.0, self._forget_past)
            return self._past

    def _header(self) -> bytes:
        """The header as of the last look, encoded once a packet."""
        if self._head[0] != self._number and self._follower is not None:
            self._head = (self._number, as_lines([self._follower.header()]))
        return self._head[1]

    def _forget_past(self) -> None:
        self._past = None


def _past(follower: Follower) -> bytes:
    missed = follower.since(START)
    return as_lines([follower.header(), missed] if missed else [follower.header()])


class Hub:
    """All feeds of one server: a feed starts with its first viewer and ends soon after its last."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._open_store = store
        self._store: Store | None = None
        self._feeds: dict[tuple[str, str], Feed] = {}
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="feed")
        self._opening = asyncio.Lock()
        self.closing = False

    @property
    def viewers(self) -> int:
        """Streams that are open now."""
        return sum(feed.viewers for feed in self._feeds.values())

    @property
    def runs(self) -> int:
        """Runs that somebody looks at now."""
        return len({feed.run for feed in self._feeds.values() if feed.viewers})

    async def check(self, run: str) -> None:
        """Raise ``KeyError`` when there is no such run."""
        async with self._opening:
            loop = asyncio.get_running_loop()
            if self._store is None:
                self._store = await loop.run_in_executor(self._pool, self._open_store)
            if (run, DEFAULT) not in self._feeds:
                await loop.run_in_executor(self._pool, self._store.row, run)

    async def events(
        self, run: str, after: str | None, *, once: bool = False, quantity: str = DEFAULT
    ) -> AsyncIterator[bytes]:
        """The bytes of one viewer's stream; :meth:`check` comes first. ``quantity`` is one that there is."""
        if self.closing or self._store is None:
            return
        feed = self._feeds.get((run, quantity))
        if feed is None or feed.ended:
            feed = self._feeds[run, quantity] = Feed(self._store, run, self._pool, quantity)
            feed.start()
        feed.viewers += 1
        try:
            async for payload in feed.events(after, once=once):
                yield payload
        finally:
            feed.viewers -= 1
            if feed.ended:
                self._part(feed)
            elif not feed.viewers:
                asyncio.get_running_loop().call_later(LINGER, self._part, feed)

    def _part(self, feed: Feed) -> None:
        """End a feed that nobody looks at; it is called once for each time that the last viewer left."""
        if feed.viewers and not feed.ended:
            return
        feed.end()
        place = feed.run, feed.quantity
        if self._feeds.get(place) is feed:
            del self._feeds[place]

    def close(self) -> None:
        """End every stream now; called on the event loop when the server is asked to stop."""
        self.closing = True
        for feed in list(self._feeds.values()):
            feed.end()
        self._pool.shutdown(wait=False, cancel_futures=True)
