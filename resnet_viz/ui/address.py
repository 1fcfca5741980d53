"""What a page shows, in step with the address bar, so that reload, Back and a second tab do what they say."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

STALE_SECONDS = 1.5
"""A rerun that was sent before the browser heard of our newest address still carries the one before it."""


@dataclass(kw_only=True)
class InStep(Generic[T]):
    """Base of a page's state that the address holds. Plain Python: who uses it reads and writes the address itself.

    ``written`` is the newest address of ours, or the one that was read last; ``touched`` is set by every edit of this
    run; ``superseded`` is the address that the newest one replaced, and since when the browser knows (infinity: it may
    not know yet).
    """

    written: T | None = None
    touched: bool = False
    superseded: tuple[T | None, float] | None = None

    def asked(self, address: T | None) -> bool:
        """True where the browser's address is another one that somebody asked for (Back, a link)."""
        return address != self.written and not self.touched and not self.stale(address)

    def stale(self, address: T | None) -> bool:
        """True for the address of a moment ago, which a rerun under way still carries."""
        if self.superseded is None:
            return False
        before, when = self.superseded
        return address == before and time.monotonic() - when < STALE_SECONDS

    def put(self, address: T) -> None:
        """Remember what goes into the address bar now."""
        if address != self.written:
            self.superseded = (self.written, math.inf)
        self.written = address

    def settle(self) -> None:
        """Call it at the end of a run: from here on the browser knows the newest address, give or take its way there.

        A rerun that was asked for during the run (on a busy machine that is seconds) still carries the address before.
        """
        if self.superseded is not None and self.superseded[1] == math.inf:
            self.superseded = (self.superseded[0], time.monotonic())
