"""Which runs of a worker go at the same time, taking turns: visitors on a device, each with one run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .line import PLACES
from .store import RunRow

if TYPE_CHECKING:
    from ..train.slots import Slots
    from ..train.turns import Turn, Turns


@dataclass(frozen=True)
class Seat:
    """Whose run it is and where it computes; two of different ``kin`` cannot compute in one process."""

    visitor: str
    device: str
    kin: str


class Rota:
    """The runs that go now. A paused one gives its place away and goes on beside the others when it is resumed."""

    def __init__(self) -> None:
        self._going: dict[str, Seat] = {}
        self._turns: dict[str, Turns] = {}
        self._seats: dict[str, Seat] = {}

    def __len__(self) -> int:
        return len(self._going)

    def __contains__(self, run: str) -> bool:
        return run in self._going

    def may_begin(self, line: Iterable[RunRow]) -> Iterator[str]:
        """The waiting runs that may begin now, in their turn.

        A visitor has one run at a time. Where the next one finds no place, none behind it on that device overtakes it.
        """
        line = list(line)
        for row in line:
            if row.id not in self._seats:
                self._seats[row.id] = _seat(row)
        closed: set[str] = set()
        for row in line:
            seat = self._seats[row.id]
            beside = [other for other in list(self._going.values()) if other.device == seat.device]
            if seat.device in closed or any(other.visitor == seat.visitor for other in beside):
                continue
            if len(beside) >= PLACES or any(other.kin != seat.kin for other in beside):
                closed.add(seat.device)
                continue
            yield row.id

    def begin(self, run: str) -> None:
        """It goes, or goes on."""
        self._going[run] = self._seats.get(run) or Seat("", "cpu", "")

    def rest(self, run: str) -> None:
        """It is paused, or over."""
        self._going.pop(run, None)

    def turn(self, run: str, slots: Slots) -> Turn:
        """The slots of that run; ``slots`` are those of the default device."""
        from ..train.devices import choose, slots_for
        from ..train.turns import Turns

        seat = self._going[run]
        if seat.device not in self._turns:
            default = seat.device == str(choose("auto"))
            self._turns[seat.device] = Turns(slots if default else slots_for(choose(seat.device.partition(":")[0])))
        return self._turns[seat.device].turn(seat.visitor)


def _seat(row: RunRow) -> Seat:
    from pydantic import ValidationError

    from ..spec import Experiment, Recipe, SpecError
    from ..train.devices import choose
    from .headers import on_its_device

    if row.task is not None:  # what is no experiment calculates as a recipe's defaults say
        return Seat(row.visitor, str(choose("auto")), Recipe().model_dump_json(include={"precision"}))
    try:
        recipe = on_its_device(row, Experiment.model_validate_json(row.experiment_json)).recipe
        return Seat(row.visitor, str(choose(recipe.device)), recipe.model_dump_json(include={"precision"}))
    except (ValidationError, SpecError):  # no such experiment or device here: the run itself will say so
        return Seat(row.visitor, str(choose("auto")), "")
