"""Executing one run: from the store's experiment through the race to the store's frames and events."""

from __future__ import annotations

import contextlib
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from ..spec import Experiment, Recipe, sentence
from ..train.cards import cards, measured_paths
from ..train.changes import KINDS, Kind
from ..train.checkpoints import Past
from ..train.control import Control
from ..train.devices import Calculation, calculation, choose, deterministic, slots_for, use
from ..train.engines import Choice
from ..train.limits import check_memory
from ..train.race import Asked, Ended, Evaluated, Failed, Race, Rows, Snapshot, Switched
from ..train.requests import KINDS as REQUESTS
from ..train.seeds import members
from ..train.slots import Slots
from .bands import Bands
from .checkpoints import Keeper, catch_up, changes_of, event_of, past_of
from .database import StoreError, why
from .headers import header, on_its_device
from .rest import BEFORE_IT, Rest
from .store import Command, Store
from .telemetry import SPREAD

BEAT_SECONDS = 1.0
POLL_SECONDS = 0.04
"""How long a command may lie before it is read."""
ENDED = "The process that trained it was asked to end before the run was finished; what it measured is kept."
GONE = "The run or the directory of the runs has vanished."
LONGEST_REASON = 2000
"""Characters of what a header says of the engine: a recording takes no more."""
ROOM = "Stopped to make room: eight paused runs were waiting."

OTHER_SIGNALS = "Another version of ResNet Viz began this run and measured other signals: it cannot go on here."

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """What a caller is told about ten times a second: the newest row of one contestant.

    ``step`` counts rows from 1 to ``steps``; ``loss`` and ``train_error`` (a fraction) are those of the minibatch.
    """

    contestant: str
    step: int
    steps: int
    loss: float
    train_error: float


def execute(
    store: Store,
    run: str,
    *,
    slots: Slots | None = None,
    ending: threading.Event | None = None,
    progress: Callable[[Progress], None] | None = None,
    active: Callable[[bool], None] | None = None,
    device: str | None = None,
) -> str:
    """Train a run that this process has claimed, until it is over; gives its last state.

    A run that has checkpoints goes on from the newest good one of each contestant, on the kind of device that it was
    begun on; without one it begins anew, with the same weights and batches. Either way it ends with the same bits
    as if it had never been interrupted (on a CPU; on a GPU as far as its kernels repeat themselves).
    Commands are read 25 times a second, frames written about ten times a second for each contestant, the first
    one at once. ``ending`` set from outside interrupts the run; ``active`` is told when the run is paused (False)
    and when it goes on (True). ``device``: which one of its kind ("cuda:1"), by default as
    :func:`~resnet_viz.train.devices.choose` has it. What goes wrong in the run becomes its state and
    reason; this raises only what stops the store itself, and ``KeyboardInterrupt``, after it has written "stopped".
    """
    with heartbeat(store, run) as vanished:
        try:
            row = store.row(run)
            experiment = on_its_device(row, Experiment.model_validate_json(row.experiment_json))
            strict = row.header.get("deterministic") is True
            recipe = experiment.recipe
            where = choose(device or recipe.device, recipe.precision)
            settings = calculation(where, recipe.precision)
            with deterministic(strict):
                given = (slots, ending, progress, active, vanished)
                return _Execution(store, run, experiment, where, settings, *given).go()
        except KeyboardInterrupt:
            store.set_state(run, "stopped", "Stopped with Ctrl-C.")
            raise
        except Exception as error:
            if isinstance(error, (sqlite3.Error, OSError)) and not store.path.exists():
                return "interrupted"
            log.exception("run %s failed", run)
            if isinstance(error, (sqlite3.Error, StoreError)):
                store.set_state(run, "interrupted", unwritten(error))
                return "interrupted"
            store.set_state(run, "failed", (sentence(error).strip() or type(error).__name__).splitlines()[0])
            return "failed"


def unwritten(error: Exception) -> str:
    """Why a run was interrupted whose store cannot be written."""
    return f"What it measured could not be written ({why(error)}); what was written before is kept."


class _Execution:
    """The main loop of one run: messages of the race into the store, commands of the store into the race."""

    def __init__(
        self,
        store: Store,
        run: str,
        experiment: Experiment,
        device: torch.device,
        settings: Calculation,
        slots: Slots | None,
        ending: threading.Event | None,
        progress: Callable[[Progress], None] | None,
        active: Callable[[bool], None] | None,
        vanished: threading.Event,
    ) -> None:
        self.store, self.run, self.experiment, self.device = store, run, experiment, device
        self.ending, self.vanished = ending or threading.Event(), vanished
        self.progress, self.active = progress, active or (lambda going: None)
        self.reason: str | None = None
        self.state: str | None = None
        self.slots = slots or slots_for(device)
        self.race: Race | None = None
        self.early: list[Command] = []
        self.late: list[Command] = []
        self.rest = Rest(settings, self.active, lambda why: store.set_state(run, "paused", why))
        self.switched: dict[str, str] = {}
        self.keeper = Keeper(store, run, experiment, device.type)
        self.evaluated = {(event.contestant, event.step) for event in store.events(run, kind="eval")}

    def go(self) -> str:
        """Build, race until every contestant has ended, then write the last state."""
        try:
            if self._wait_for_settings():
                with self.rest.settings:
                    self.race = self._build()
                    if self.race is not None:
                        self._say_engine(self.race.choice)
                        self._train(self.race)
        finally:
            self.rest.settings.rest()  # also where something broke between taking them and the race
            self.keeper.close()
        if self.vanished.is_set():
            return "interrupted"
        state = self.state or "finished"
        if state == "finished" and self.keeper.trouble:  # its last weights are not there
            self.reason = self.keeper.trouble
        self.store.set_state(self.run, state, self.reason)
        return state

    def _wait_for_settings(self) -> bool:
        """Wait until nobody computes in another precision; False when the run is to end before that."""
        if not self.rest.settings.again():
            self.store.set_state(self.run, "running", BEFORE_IT)
            while self.state is None and not self.rest.settings.again():
                time.sleep(POLL_SECONDS)
                self._obey()
                self._end_if_asked()
            if self.state is None:
                self.store.set_state(self.run, "running")
        return self.state is None

    def _build(self) -> Race | None:
        """The race, or None when the run is to end before it is built.

        Large networks take a while to build, which cannot be cut short; so a thread of its own does it and is left
        alone when somebody stops the run meanwhile. Other commands wait until there is something to steer.
        """
        device = self.device
        found = cards(self.experiment)
        check_memory(self.experiment, device, self.slots.count)
        # A run goes on with the engine that it was begun with, where that is still possible.
        engine = str(self.store.row(self.run).header.get("engine", "auto"))
        past = self._past(found, device)
        built: queue.SimpleQueue[Race | Exception] = queue.SimpleQueue()

        def build() -> None:
            use(device)
            if device.type == "cpu":
                torch.set_num_threads(1)  # the number belongs to each thread
            try:
                paths = measured_paths(found)
                built.put(Race(self.experiment, paths, slots=self.slots, past=past, engine=engine, device=device))
            except Exception as error:
                built.put(error)

        threading.Thread(target=build, name=f"build {self.run}", daemon=True).start()
        while self.state is None:
            self._obey()
            self._end_if_asked()
            with contextlib.suppress(queue.Empty):
                outcome = built.get(timeout=POLL_SECONDS)
                if isinstance(outcome, Exception):
                    raise outcome
                return outcome if self.state is None else None
        return None

    def _past(self, found: list[dict[str, Any]], device: torch.device) -> Past:
        """Where the run goes on, which is then said in its state; writes the header."""
        before = self.store.row(self.run).header
        made = header(self.experiment, found, device)
        if before.get("contestants"):
            measured = [[card["signals"] for card in head["contestants"]] for head in (before, made)]
            if measured[0] != measured[1]:
                raise ValueError(OTHER_SIGNALS)
            kept = ("started", "deterministic", *(("engine_reason",) if before.get("engine") != "graph" else ()))
            made |= {key: before[key] for key in kept if key in before}
        elif before.get("deterministic") is True:
            made["deterministic"] = True
        self.store.set_header(self.run, made)
        if not before.get("contestants"):
            return Past(changes=changes_of(self.store, self.run))  # those that a rewind brings with it
        past, notes = past_of(self.store, self.run, self.experiment)
        catch_up(self.store, self.run, past, self.experiment.contestants)
        step = min(past.begin(member.key)[0] for member in members(self.experiment))
        where = f"Resumed after {step} of {self.experiment.steps} steps." if step else "Begun again from the start."
        self.store.set_state(self.run, "running", " ".join([where, *notes]))
        return past

    def _say_engine(self, choice: Choice) -> None:
        said = {"engine": choice.kind} | ({"engine_reason": choice.reason} if choice.reason else {})
        self.store.set_header(self.run, self.store.row(self.run).header | said)
        self.keeper.engine = choice.kind

    def _say_switch(self, message: Switched) -> None:
        """An event; and the header has the newest sentence of each contestant in place of what it said before."""
        self.store.add_event(self.run, "engine", message.data, contestant=message.contestant, step=message.step)
        self.switched[message.contestant] = str(message.data["said"])
        said = {"engine_reason": " ".join(self.switched.values())[:LONGEST_REASON]}
        self.store.set_header(self.run, self.store.row(self.run).header | said)

    def _train(self, race: Race) -> None:
        running = set(race.engines)
        every = members(self.experiment)
        signals = {member.contestant: race.engines[member.key].probe.signals for member in every}
        bands = Bands(every, signals, race.past)
        early, self.early = self.early, []
        for command in early:  # a run may be paused before it starts
            self._try(command)
        race.start()
        try:
            while running:
                self._obey()
                self._end_if_asked()
                self.rest.look(race.control)
                with contextlib.suppress(queue.Empty):
                    message = race.messages.get(timeout=POLL_SECONDS)
                    if isinstance(message, Ended):
                        running.discard(message.contestant)
                    else:
                        for ready in bands.take(message):
                            self._write(ready)
        finally:
            race.control.stop()
            race.join()

    def _end(self, state: str, reason: str) -> None:
        self.state, self.reason = state, reason
        if self.race is not None:
            self.race.control.stop()

    def _end_if_asked(self) -> None:
        if self.state is None and (self.ending.is_set() or self.vanished.is_set()):
            self._end("interrupted", GONE if self.vanished.is_set() else ENDED)

    def _write(self, message: Rows | Evaluated | Asked | Switched | Snapshot | Failed) -> None:
        if isinstance(message, Snapshot):
            self.keeper.keep(message)
        elif isinstance(message, Failed):
            if self.state != "failed":
                self.state, self.reason = "failed", message.reason
        elif isinstance(message, Evaluated):
            if (message.contestant, message.step) in self.evaluated:
                return  # it stands there from before the run was resumed
            data = {"epoch": message.epoch, "train_error": message.train_error, "test_error": message.test_error}
            data |= dict(zip(SPREAD, message.spread or (), strict=False))
            self.store.add_event(self.run, "eval", data, contestant=message.contestant, step=message.step)
        elif isinstance(message, Asked):
            self.store.add_event(self.run, message.kind, message.data, contestant=message.contestant, step=message.step)
        elif isinstance(message, Switched):
            self._say_switch(message)
        else:
            if not self.store.append(self.run, message.contestant, message.first, message.values):
                self.vanished.set()
            if self.progress is not None:
                last, done = message.values[-1], message.first + len(message.values)
                steps = self.experiment.steps
                self.progress(Progress(message.contestant, done, steps, float(last[0]), float(last[1])))

    def _wakes(self, command: Command) -> bool:
        """Whether the race can compute what is asked for; if not yet, the command comes again."""
        wakes = self.rest.wakes()
        if not wakes:
            self.late.append(command)
        return wakes

    def _obey(self) -> None:
        late, self.late = self.late, []
        for command in (*late, *self.store.take_commands(self.run)):
            self._try(command)

    def _try(self, command: Command) -> None:
        try:
            if command.kind == "stop":
                self._stop(made_room=command.data.get("room") is True)
            elif self.race is None:
                self.early.append(command)
            else:
                self._steer(self.race, command)
        except (ValueError, TypeError, KeyError) as error:
            log.warning("run %s: %s was refused: %s", self.run, command.kind, sentence(error))

    def _stop(self, *, made_room: bool) -> None:
        reached = self.race.control.reached if self.race is not None else 0
        self._end(
            "stopped", ROOM if made_room else f"Stopped by hand after {reached} of {self.experiment.steps} steps."
        )

    def _steer(self, race: Race, command: Command) -> None:
        store, run, control = self.store, self.run, race.control
        if (kind := _kind_of_change(command.kind)) is not None:
            self._change(race, kind, command.data)
        elif command.kind == "pace":
            value = Recipe(pace=command.data["value"]).pace
            store.add_event(run, "pace", {"value": value}, step=control.set_pace(value))
        elif command.kind in REQUESTS:
            if self._wakes(command):
                control.ask(command.kind, command.data)
        elif command.kind in ("pause", "step", "resume"):
            if command.kind == "pause":
                self.late.clear()
                self.rest.forget()
            if command.kind == "pause" or self._wakes(command):
                self._hold(control, command.kind)

    def _hold(self, control: Control, command: str) -> None:
        before = control.paused
        {"pause": control.pause, "step": control.step, "resume": control.resume}[command]()
        if control.paused != before:
            self.store.set_state(self.run, "paused" if control.paused else "running")
        if not control.paused:
            self.rest.over()

    def _change(self, race: Race, kind: Kind, data: dict[str, Any]) -> None:
        whose = (data.get("contestant"), data.get("block")) if kind == "shortcut" else (None, None)
        change = race.change(kind, data["value"], *whose)
        if change is not None:
            self.store.add_event(self.run, kind, event_of(change), contestant=change.contestant, step=change.step)


def _kind_of_change(command: str) -> Kind | None:
    return next((kind for kind in KINDS if kind == command), None)


@contextlib.contextmanager
def heartbeat(store: Store, run: str) -> Iterator[threading.Event]:
    """A thread that says once a second that the run's process lives; the event is set when the run has vanished."""
    done, vanished = threading.Event(), threading.Event()

    def beat() -> None:
        while not done.wait(BEAT_SECONDS):
            if not store.path.exists():
                vanished.set()
                return
            with contextlib.suppress(sqlite3.Error, OSError):
                if not store.beat(run):
                    vanished.set()
                    break
        store.close()

    thread = threading.Thread(target=beat, name=f"heartbeat {run}", daemon=True)
    thread.start()
    try:
        yield vanished
    finally:
        done.set()
        thread.join()
