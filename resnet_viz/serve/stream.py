"""The server's own routes: ``GET /stream/<run>`` as Server-Sent Events, ``GET /watch/<run>`` and ``GET /health``."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from resnet_viz.runs.store import Store
from resnet_viz.spec.probes import DEFAULT, QUANTITIES

from .audience import BINNED, GONE, STOPPING, UNREADABLE, Assets, lab_page, problem_page, watch_page
from .feed import Hub

log = logging.getLogger(__name__)
RUN_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
HEADERS = {
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}


class LiveServer:
    """The routes, and what must be ended with the server. Made once, used from the event loop that serves it.

    ``assets``: the files of the audience's page; without them there is no such page.
    """

    def __init__(self, store: Callable[[], Store], assets: Assets | None = None) -> None:
        self._open_store = store
        self._assets = assets
        self._hub: Hub | None = None

    @property
    def hub(self) -> Hub:
        """The feeds; made on first use, because they belong to the running event loop."""
        if self._hub is None:
            self._hub = Hub(self._open_store)
        return self._hub

    def routes(self, base: str = "") -> list[Route]:
        """The routes, under the base path as well where there is one: Streamlit leaves its own base path to us."""
        base = base.strip("/")
        prefixes = ["", f"/{base}"] if base else [""]
        return [route for prefix in prefixes for route in self._below(prefix)]

    def _below(self, prefix: str) -> list[Route]:
        routes = [
            Route(f"{prefix}/stream/{{run}}", self.stream, methods=["GET"]),
            Route(f"{prefix}/health", self.health, methods=["GET"]),
        ]
        if self._assets is not None:
            assets = self._assets
            routes += [
                Route(f"{prefix}/watch/{{run}}", self.watch, methods=["GET"]),
                Route(f"{prefix}/watch/assets/{{digest}}/{{name}}", assets.answer, methods=["GET"]),
            ]
        return routes

    async def stream(self, request: Request) -> Response:
        """One run's events. ``Last-Event-ID`` (or ``?after=``) resumes; ``?once`` ends after what was missed.

        ``?quantity=`` names what the pictures of layers show; what is none is the gradient norm.
        """
        run = request.path_params["run"]
        if self.hub.closing:
            return _sentence(503, STOPPING)
        try:
            if not RUN_ID.fullmatch(run):
                raise KeyError(run)
            await self.hub.check(run)
        except KeyError:
            return _sentence(404, GONE)
        except (OSError, sqlite3.Error):
            log.warning("the runs cannot be read", exc_info=True)
            return _sentence(503, UNREADABLE)
        after = request.headers.get("last-event-id") or request.query_params.get("after")
        wished = request.query_params.get("quantity", DEFAULT)
        quantity = wished if wished in QUANTITIES else DEFAULT
        events = self.hub.events(run, after, once="once" in request.query_params, quantity=quantity)
        return StreamingResponse(events, media_type="text/event-stream", headers=HEADERS)

    async def watch(self, request: Request) -> Response:
        """The audience's page of one run."""
        assert self._assets is not None  # the route is there only with them  # noqa: S101
        run = request.path_params["run"]
        if self.hub.closing:
            return problem_page(503, STOPPING, self._assets)
        try:
            if not RUN_ID.fullmatch(run):
                raise KeyError(run)
            row = await self.hub.row(run)
        except KeyError:
            return problem_page(404, GONE, self._assets)
        except (OSError, sqlite3.Error):
            log.warning("the runs cannot be read", exc_info=True)
            return problem_page(503, UNREADABLE, self._assets)
        if row.deleted:
            return problem_page(410, BINNED, self._assets)
        return watch_page(row, self._assets) if row.task is None else lab_page(row, self._assets)

    async def health(self, _request: Request) -> Response:
        """Whether the server answers, and how many look at how many runs."""
        hub = self.hub
        return JSONResponse({"status": "ok", "viewers": hub.viewers, "runs": hub.runs}, headers=HEADERS)

    def close(self) -> None:
        """End every stream now; on the event loop."""
        if self._hub is not None:
            self._hub.close()


def _sentence(code: int, text: str) -> Response:
    body: dict[str, Any] = {"error": text}
    return JSONResponse(body, status_code=code, headers=HEADERS)
