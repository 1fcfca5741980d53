"""What a paused run gives away while nobody computes for it: its place on the device, and the process's settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..train.control import Control
    from ..train.devices import Calculation

BEFORE_IT = "It waits for a run that computes in another precision: one process has one at a time."


class Rest:
    """``active`` is told once the run has given its place away (False) and when it goes on (True); ``tell`` why a
    paused run does not do what was asked for yet, and None when that is over."""

    def __init__(
        self, settings: Calculation, active: Callable[[bool], None], tell: Callable[[str | None], None]
    ) -> None:
        self.settings = settings
        self._active, self._tell = active, tell
        self._resting = self._away = self._waits = False

    def look(self, control: Control) -> None:
        """Call it often: once a pause holds everyone, others may compute, in another precision too."""
        if not self._resting and control.resting:
            self._resting = True
            self.settings.rest()
            if not self._away:
                self._away = True
                self._active(False)

    def wakes(self) -> bool:
        """Call it before there is something to compute again; False: not yet, others compute otherwise."""
        if self._resting and not self.settings.again():
            if not self._waits:
                self._waits = True
                self._tell(BEFORE_IT)
            return False
        self._resting = False
        self.forget()
        return True

    def forget(self) -> None:
        """Nothing waits any more."""
        if self._waits:
            self._waits = False
            self._tell(None)

    def over(self) -> None:
        """The run goes on, and not for a single step."""
        if self._away:
            self._away = False
            self._active(True)
