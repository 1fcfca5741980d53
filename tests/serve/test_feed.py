from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from resnet_viz.runs import Store
from resnet_viz.runs.store import StoreError
from resnet_viz.serve import feed as feed_module
from resnet_viz.serve.feed import KEPT, Hub
from resnet_viz.serve.messages import Follower
from tests.serve import fake_runs

MADE = fake_runs.experiment(8, epochs=60)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def messages(payload: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in payload.decode().split("\n") if line.startswith("data: ")]


async def receive(stream: AsyncIterator[bytes], within: float = 5.0) -> list[dict[str, Any]]:
    """The next payload that has messages."""
    while True:
        found = messages(await asyncio.wait_for(anext(stream), within))
        if found:
            return found


def steps_of(found: list[dict[str, Any]], contestant: str = "plain-8") -> list[int]:
    frames = [f for m in found for f in m.get("frames", ()) if f["c"] == contestant]
    return [f["first"] + i for f in frames for i in range(len(f["loss"]))]


def with_hub(store: Store, body: Callable[[Hub], Awaitable[None]]) -> None:
    async def main() -> None:
        hub = Hub(lambda: store)
        try:
            await body(hub)
        finally:
            hub.close()

    asyncio.run(main())


def test_a_viewer_gets_the_past_at_once_and_then_what_is_new(store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 5)

    async def body(hub: Hub) -> None:
        await hub.check(run)
        async with contextlib.aclosing(hub.events(run, None)) as stream:
            header, delta = await receive(stream)
            assert (header["kind"], delta["kind"], steps_of([delta])) == ("header", "delta", [0, 1, 2, 3, 4])
            fake_runs.append(store, run, MADE, 5, 2)
            fresh: list[int] = []
            while len(fresh) < 2:
                fresh += steps_of(await receive(stream))
            assert fresh == [5, 6]

    with_hub(store, body)


def test_a_viewer_resumes_after_the_event_that_it_saw_last(store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 5)

    async def body(hub: Hub) -> None:
        await hub.check(run)
        async with contextlib.aclosing(hub.events(run, None)) as stream:
            _, delta = await receive(stream)
        fake_runs.append(store, run, MADE, 5, 3)
        async with contextlib.aclosing(hub.events(run, delta["cursor"])) as stream:
            found = await receive(stream)
            while len(steps_of(found)) < 3:
                found += await receive(stream)
            assert (found[0]["kind"], steps_of(found)) == ("header", [5, 6, 7])
        async with contextlib.aclosing(hub.events(run, "999999.999999")) as stream:
            found = await receive(stream)
            while len(steps_of(found)) < 8:
                found += await receive(stream)
            assert steps_of(found) == list(range(8)), "a cursor of another store: everything"

    with_hub(store, body)


def test_two_viewers_share_one_reader_and_one_encoding(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = fake_runs.begin(store, MADE)
    encodings: list[int] = []
    real = feed_module.as_lines

    def counted(found: Any) -> bytes:
        listed = list(found)
        encodings.append(len(listed))
        return real(listed)

    monkeypatch.setattr(feed_module, "as_lines", counted)

    async def body(hub: Hub) -> None:
        await hub.check(run)
        streams = [hub.events(run, None) for _ in range(20)]
        await asyncio.gather(*(receive(s) for s in streams))
        assert (hub.runs, hub.viewers) == (1, 20)
        encodings.clear()
        fake_runs.append(store, run, MADE, 0, 1)
        payloads = await asyncio.gather(*(asyncio.wait_for(anext(s), 5) for s in streams))
        assert len({id(p) for p in payloads}) < 20 and {tuple(steps_of(messages(p))) for p in payloads} == {(0,)}
        assert sum(encodings) <= 3
        for s in streams:
            await s.aclose()
        assert (hub.runs, hub.viewers) == (0, 0)

    with_hub(store, body)


def test_a_slow_viewer_skips_to_one_event_and_holds_nobody_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "PERIOD", 0.002)
    run = fake_runs.begin(store, MADE)

    async def body(hub: Hub) -> None:
        await hub.check(run)
        slow, quick = hub.events(run, None), hub.events(run, None)
        await asyncio.gather(receive(slow), receive(quick))
        seen: list[int] = []
        for step in range(KEPT + 20):
            fake_runs.append(store, run, MADE, step, 1)
            while not seen or seen[-1] < step:
                seen += steps_of(await receive(quick))
        assert seen == list(range(KEPT + 20))
        assert len(hub._feeds[run, "grad_norm"]._kept) == KEPT
        header, missed = await receive(slow)
        frames = [f for f in missed["frames"] if f["c"] == "plain-8"]
        ends = [f["first"] + f.get("stride", 1) * (len(f["loss"]) - 1) for f in frames]
        assert (header["kind"], frames[0]["first"], ends[-1]) == ("header", 0, seen[-1]), "all in one event"
        fake_runs.append(store, run, MADE, KEPT + 20, 1)
        assert steps_of(await receive(slow)) == [KEPT + 20]
        await slow.aclose()
        await quick.aclose()

    with_hub(store, body)


def test_closing_ends_every_stream_at_once(store: Store) -> None:
    run = fake_runs.begin(store, MADE)

    async def body(hub: Hub) -> None:
        await hub.check(run)
        streams = [hub.events(run, None) for _ in range(3)]
        await asyncio.gather(*(receive(s) for s in streams))
        rest = [asyncio.ensure_future(anext(s, None)) for s in streams]
        await asyncio.sleep(0.05)
        hub.close()
        assert await asyncio.wait_for(asyncio.gather(*rest), 1) == [None, None, None]
        assert [p async for p in hub.events(run, None)] == []

    with_hub(store, body)


def test_a_run_removed_for_good_ends_its_streams(store: Store) -> None:
    run = fake_runs.begin(store, MADE)

    async def body(hub: Hub) -> None:
        await hub.check(run)
        stream = hub.events(run, None)
        await receive(stream)
        store.delete(run)
        store.purge(-1)
        assert [p async for p in stream] == []
        with pytest.raises(KeyError):
            await hub.check(run)

    with_hub(store, body)


def test_silence_is_filled_with_comments(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "KEEP_ALIVE", 0.05)
    run = fake_runs.begin(store, MADE)

    async def body(hub: Hub) -> None:
        await hub.check(run)
        stream = hub.events(run, None)
        await receive(stream)
        assert await asyncio.wait_for(anext(stream), 1) == b": still here\n\n"
        await stream.aclose()

    with_hub(store, body)


def test_once_ends_after_the_past(store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 2)

    async def body(hub: Hub) -> None:
        await hub.check(run)
        payloads = [p async for p in hub.events(run, None, once=True)]
        assert [m["kind"] for p in payloads for m in messages(p)] == ["header", "delta"]
        assert hub.viewers == 0

    with_hub(store, body)


@pytest.mark.parametrize("error", [StoreError("no disk"), sqlite3.OperationalError("locked"), ValueError("bad frame")])
def test_a_store_that_fails_for_a_while_is_read_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(feed_module, "IDLE_PERIOD", 0.01)
    run = fake_runs.begin(store, MADE)

    async def body(hub: Hub) -> None:
        await hub.check(run)
        stream = hub.events(run, None)
        await receive(stream)
        with monkeypatch.context() as broken:
            broken.setattr(Follower, "poll", _raises(error))
            while not hub._feeds[run, "grad_norm"]._failures:
                await asyncio.sleep(0.005)
        fake_runs.append(store, run, MADE, 0, 1)
        assert steps_of(await receive(stream)) == [0]
        assert hub._feeds[run, "grad_norm"]._failures == 0
        await stream.aclose()

    with_hub(store, body)


def test_a_store_that_stays_broken_ends_the_streams_and_the_next_viewer_begins_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "IDLE_PERIOD", 0.01)
    run = fake_runs.begin(store, MADE)

    async def body(hub: Hub) -> None:
        await hub.check(run)
        stream = hub.events(run, None)
        await receive(stream)
        with monkeypatch.context() as broken:
            broken.setattr(Follower, "poll", _raises(OSError("the disk is gone")))

            async def rest(of: AsyncIterator[bytes]) -> list[bytes]:
                return [payload async for payload in of]

            assert await asyncio.wait_for(rest(stream), 5) == []
            assert await asyncio.wait_for(rest(hub.events(run, None)), 5) == [feed_module.RETRY]
        assert (await receive(hub.events(run, None)))[0]["kind"] == "header"

    with_hub(store, body)


def _raises(error: Exception) -> Callable[[Follower], None]:
    def poll(_self: Follower) -> None:
        raise error

    return poll


def test_who_polls_with_any_cursor_makes_it_read_the_run_at_most_once_a_second(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 5)
    whole: list[int] = []
    real = Store.frames

    def counted(self: Store, run: str, after: int = 0, contestant: str | None = None) -> Any:
        whole.append(after)
        return real(self, run, after, contestant)

    monkeypatch.setattr(Store, "frames", counted)

    async def body(hub: Hub) -> None:
        await hub.check(run)
        for after in [None, "0.1", "1.0", "1.1", "2.0", "3.1", "7.7", "999.999", "nonsense"] * 3:
            payloads = [p async for p in hub.events(run, after, once=True)]
            found = [m for p in payloads for m in messages(p)]
            assert found[0]["kind"] == "header" and steps_of(found) == list(range(5)), after
        assert whole.count(0) == 2, "once to follow the run, once for the past"
        newest = "{}.{}".format(*hub._feeds[run, "grad_norm"]._cursor)
        assert (hub.runs, hub.viewers) == (0, 0)
        fake_runs.append(store, run, MADE, 5, 1)
        await asyncio.sleep(feed_module.PERIOD)
        found = [m for p in [p async for p in hub.events(run, newest, once=True)] for m in messages(p)]
        assert steps_of(found) == [5], "only what is new, read now although nobody was there"
        assert whole.count(0) == 2

    with_hub(store, body)


def test_who_polls_while_the_run_is_being_read_waits_for_that_look(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fake_runs.begin(store, MADE)
    looking, go_on = threading.Event(), threading.Event()
    real = Follower.poll

    def slow(self: Follower) -> Any:
        looking.set()
        assert go_on.wait(10)
        return real(self)

    async def poll(hub: Hub, after: str | None) -> list[dict[str, Any]]:
        return [m for p in [p async for p in hub.events(run, after, once=True)] for m in messages(p)]

    async def body(hub: Hub) -> None:
        await hub.check(run)
        await poll(hub, None)
        feed = hub._feeds[run, "grad_norm"]
        newest = "{}.{}".format(*feed._cursor)
        monkeypatch.setattr(Follower, "poll", slow)
        reader = asyncio.ensure_future(feed._attempt())
        while not looking.is_set():
            await asyncio.sleep(0.002)
        fake_runs.append(store, run, MADE, 0, 1)
        polls = [asyncio.ensure_future(poll(hub, newest)) for _ in range(5)]
        await asyncio.sleep(0.02)
        go_on.set()
        assert [steps_of(found) for found in await asyncio.wait_for(asyncio.gather(*polls), 5)] == [[0]] * 5
        await reader

    with_hub(store, body)


def test_a_feed_ends_a_while_after_its_last_viewer(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "LINGER", 0.05)
    run = fake_runs.begin(store, MADE)

    async def body(hub: Hub) -> None:
        await hub.check(run)
        stream = hub.events(run, None)
        await receive(stream)
        await stream.aclose()
        feed = hub._feeds[run, "grad_norm"]
        assert not feed.ended
        await asyncio.sleep(0.2)
        assert feed.ended and (run, "grad_norm") not in hub._feeds

    with_hub(store, body)


def test_after_a_pause_a_step_is_sent_at_once_and_then_at_most_ten_times_a_second(store: Store) -> None:
    run = fake_runs.begin(store, MADE)

    async def body(hub: Hub) -> None:
        await hub.check(run)
        stream = hub.events(run, None)
        await receive(stream)
        waits = []
        for step in range(6):
            await asyncio.sleep(0.23)
            fake_runs.append(store, run, MADE, step, 1)
            written = time.monotonic()
            assert steps_of(await receive(stream)) == [step]
            waits.append(time.monotonic() - written)
        assert sorted(waits)[2] < 0.8 * feed_module.PERIOD, waits
        race = fake_runs.Race(store, run, MADE, a_second=100)
        race.start()
        since, events = time.monotonic(), 0
        while time.monotonic() - since < 1.0:
            await receive(stream)
            events += 1
        race.end()
        assert 3 <= events <= 11
        await stream.aclose()

    with_hub(store, body)


def test_a_crowd_gets_five_events_a_second_and_loses_no_step(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "CROWD", 2)
    run = fake_runs.begin(store, MADE)

    async def body(hub: Hub) -> None:
        await hub.check(run)
        streams = [hub.events(run, None) for _ in range(3)]
        await asyncio.gather(*(receive(s) for s in streams))
        race = fake_runs.Race(store, run, MADE, a_second=50)
        race.start()
        since, seen = time.monotonic(), []
        while time.monotonic() - since < 1.2:
            seen.append([steps_of(await receive(s)) for s in streams])
        race.end()
        assert 2 <= len(seen) <= 7, "without a crowd it were twelve"
        for got in zip(*seen, strict=True):
            steps = [step for event in got for step in event]
            assert steps == list(range(len(steps)))
        for s in streams:
            await s.aclose()

    with_hub(store, body)
