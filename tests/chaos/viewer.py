"""Somebody who watches a run through the stream, comes back whenever it breaks off, and remembers what was shown."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import urllib.error
import urllib.request
from typing import Any


class Viewer(threading.Thread):
    """``shown``: the loss of each (contestant, step); ``said``: (state, reason, trouble), each change of them."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.address = address
        self.shown: dict[tuple[str, int], float] = {}
        self.said: list[tuple[str, str | None, str | None]] = []
        self.refusals: set[str] = set()
        self.cursor = ""
        self.over = threading.Event()
        self.start()

    def run(self) -> None:
        while not self.over.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                self._listen()
            self.over.wait(0.1)

    def _listen(self) -> None:
        request = urllib.request.Request(self.address, headers={"Last-Event-ID": self.cursor} if self.cursor else {})
        try:
            answer = urllib.request.urlopen(request, timeout=2)
        except urllib.error.HTTPError as refusal:
            self.refusals.add(json.loads(refusal.read())["error"])
            return
        with answer:
            cursor = ""
            for line in answer:
                if self.over.is_set():
                    return
                if line.startswith(b"id: "):
                    cursor = line[4:].decode().strip()
                if line.startswith(b"data: "):
                    self._take(json.loads(line[6:]))
                    self.cursor = cursor or self.cursor

    def _take(self, message: dict[str, Any]) -> None:
        for frame in message.get("frames", ()):
            assert "stride" not in frame
            for i, loss in enumerate(frame["loss"]):
                self.shown[frame["c"], frame["first"] + i] = loss
        now = (message["state"], message["reason"], message["trouble"])
        if not self.said or self.said[-1] != now:
            self.said.append(now)

    @property
    def step(self) -> int:
        """The newest step shown."""
        return max((step for _, step in list(self.shown)), default=-1)
