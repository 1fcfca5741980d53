"""Which runs of a worker go at the same time, taking turns: visitors on a device, each with one run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .line import PLACES
from .store import RunRow

if TYPE_CHECKING:
    from ..train.slots import Slots
    from ..train.turns import Turn, Turns


@dataclass(frozen=True)
class Seat:
    """Whose run it is and where it computes; two of different ``kin`` cannot compute in one process, wherever.

    ``device`` is "cuda" where there are several GPUs and none is chosen yet, else one device: "cuda:0", "cpu".
    """

    visitor: str
    device: str
    kin: str

    @property
    def kind(self) -> str:
        """What sort of device: all of one share the settings of the process."""
        return self.device.partition(":")[0]


class Rota:
    """The runs that go now. A paused one gives its place away and goes on beside the others when it is resumed.

    Each device has turns of its own, so that the runs on several GPUs go at once.
    """

    def __init__(self) -> None:
        self._going: dict[str, Seat] = {}
        self._turns: dict[str, Turns] = {}
        self._seats: dict[str, Seat] = {}
        self._begun: set[str] = set()
        self._default = ""

    def __len__(self) -> int:
        return len(self._going)

    def __contains__(self, run: str) -> bool:
        return run in self._going

    def may_begin(self, line: Iterable[RunRow]) -> Iterator[str]:
        """The waiting runs that may begin now, in their turn.

        A visitor has one run at a time on a device. Where the next one finds no place, none behind it overtakes it
        there.
        """
        line = list(line)
        waiting = {row.id for row in line}
        seats = {run: seat for run, seat in list(self._seats.items()) if run in waiting or run in self._begun}
        seats |= {row.id: _seat(row) for row in line if row.id not in seats}
        self._seats = dict(seats)  # threads of runs change it meanwhile
        closed: set[str] = set()
        for row in line:
            seat, going = seats[row.id], list(self._going.values())
            allowed = [device for device in _allowed(seat, going) if device not in closed]
            if seat.kind in closed or not allowed:
                continue
            if any(other.kind == seat.kind and other.kin != seat.kin for other in going):
                closed.add(seat.kind)
            elif all(_crowd(device, going) >= PLACES for device in allowed):
                closed.update(allowed)
            else:
                yield row.id

    def begin(self, run: str) -> None:
        """It goes, or goes on; of several GPUs on the one where fewest go, and of those on the one with most memory."""
        seat = self._seats.get(run) or Seat("", "auto", "")
        if seat.device == "cuda":
            going = list(self._going.values())
            # Where the visitor's paused run has taken the last of them meanwhile, the two share one.
            allowed = _allowed(seat, going) or _allowed(replace(seat, visitor=""), [])
            seat = replace(seat, device=min(allowed, key=lambda device: _crowd(device, going)))
        self._begun.add(run)
        self._seats[run] = self._going[run] = seat

    def rest(self, run: str) -> None:
        """It is paused."""
        self._going.pop(run, None)

    def over(self, run: str) -> None:
        """It has ended, and is forgotten."""
        self.rest(run)
        self._begun.discard(run)
        self._seats.pop(run, None)

    def device(self, run: str) -> str | None:
        """The device of a run that goes, where it is known."""
        seat = self._going.get(run)
        return seat.device if seat and seat.device != "auto" else None

    def turn(self, run: str, slots: Slots) -> Turn:
        """The slots of that run; ``slots`` are those of the default device."""
        from ..train.devices import choose, slots_for
        from ..train.turns import Turns

        seat = self._going[run]
        self._default = self._default or str(choose("auto"))
        if seat.device not in self._turns:
            own = slots if seat.device == self._default else slots_for(choose(seat.device))
            self._turns[seat.device] = Turns(own)
        return self._turns[seat.device].turn(seat.visitor)


def _allowed(seat: Seat, going: list[Seat]) -> list[str]:
    """The devices that will do and on which the visitor has no run, those with most free memory first."""
    from ..train.devices import gpus

    devices = [str(device) for device in gpus()] if seat.device == "cuda" else [seat.device]
    return [device for device in devices if not any(o.visitor == seat.visitor and o.device == device for o in going)]


def _crowd(device: str, going: list[Seat]) -> int:
    return sum(other.device == device for other in going)


def _seat(row: RunRow) -> Seat:
    from pydantic import ValidationError

    from ..spec import Experiment, Recipe, SpecError
    from .headers import on_its_device

    if row.task is not None:  # what is no experiment calculates as a recipe's defaults say
        return Seat(row.visitor, _where("auto"), Recipe().model_dump_json(include={"precision"}))
    try:
        recipe = on_its_device(row, Experiment.model_validate_json(row.experiment_json)).recipe
        return Seat(row.visitor, _where(recipe.device), recipe.model_dump_json(include={"precision"}))
    except (ValidationError, SpecError):  # no such experiment or device here: the run itself will say so
        return Seat(row.visitor, _where("auto"), "")


def _where(wanted: str) -> str:
    from ..train.devices import choose, gpus

    device = choose(wanted)
    return device.type if device.type == "cuda" and gpus() else str(device)
