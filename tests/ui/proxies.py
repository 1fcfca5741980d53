"""A reverse proxy that swallows one route, as some hosts do: it answers HTML with status 200 there."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

PAGE = b"<!doctype html><title>Welcome</title>"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(PAGE)


@contextlib.contextmanager
def swallowing_proxy(upstream: int, route: str = "/stream/") -> Iterator[int]:
    """Gives the proxy's port. Everything but ``route`` goes through, WebSockets too; one request a connection."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    listening = asyncio.start_server(lambda r, w: _serve(r, w, upstream, route), "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(listening, loop).result(10)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: int, route: str) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        if route in head.split("\r\n", 1)[0]:
            writer.write(HEAD + PAGE)
            await writer.drain()
        else:
            if "upgrade: websocket" not in head.lower():
                lines = [line for line in head.split("\r\n") if not line.lower().startswith("connection:")]
                head = "\r\n".join([lines[0], "Connection: close", *lines[1:]])
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", upstream)
            far_writer.write(head.encode("latin-1"))
            await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))
    writer.close()


async def _pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while block := await source.read(65536):
            sink.write(block)
            await sink.drain()
    sink.close()
