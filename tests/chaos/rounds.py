"""One chaos round: a run is trained and watched, something breaks at a moment of the seed's choice, all is mended.

What must hold, whatever broke: every row that was shown lies in the store with its value, at once and at the end;
each run can be brought to its end; and each state that somebody saw without one is told in one sentence.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import psutil

from resnet_viz.runs import Store, run_data
from resnet_viz.spec import Experiment, Recipe, preset
from tests.chaos.viewer import Viewer

PATIENCE = 45.0
"""Seconds in which all must be well again; on a quiet machine two or three."""
EXPLAINED = 20.0
STEPS, STEPS_OF = 38, 40
"""Steps of a run: one epoch of 1,500 images, so many a step."""


class Fork(Protocol):
    def __call__(self, kind: str, **asked: object) -> int: ...


def experiment(seed: int) -> Experiment:
    nets = {"plain": preset("tiny_plain8"), "residual": preset("tiny_resnet8")}
    return Experiment(contestants=nets, recipe=Recipe(epochs=1, batch=STEPS_OF, device="cpu", pace=40, seed=seed))


def until(what: Callable[[], object], said: str, seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, said
        time.sleep(0.03)


class Round:
    """The parts of one round, and what can break them."""

    def __init__(self, seed: int, home: Path, fork: Fork, port: int) -> None:
        self.chance = random.Random(seed)
        self.store, self.fork, self.port = Store(home / "runs"), fork, port
        self.clock, self.log = home / "clock", home / "log"
        self.clock.write_text("0")
        self.runs = [self.store.create(experiment(seed)) for _ in range(self.chance.choice((1, 2)))]
        self.server = self.worker = 0
        self.viewer = Viewer(f"http://127.0.0.1:{port}/stream/{self.runs[0]}")

    # -- processes ----------------------------------------------------------------------------------------

    def start_server(self) -> None:
        self.server = self._child("server")

    def start_worker(self) -> None:
        self.worker = self._child("worker")

    def _child(self, kind: str) -> int:
        where = {"store": str(self.store.directory), "clock": str(self.clock), "log": str(self.log)}
        return self.fork(kind, port=self.port, **where)

    def kill(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        until(lambda: not psutil.pid_exists(pid), "a killed process stays", 10)

    def close(self) -> None:
        self.viewer.over.set()
        for pid in (self.server, self.worker):
            if pid:
                self.kill(pid)
        self.viewer.join(10)
        self.store.close()

    # -- what breaks --------------------------------------------------------------------------------------

    def break_worker(self) -> None:
        self.kill(self.worker)
        self.wait_for("interrupted")

    def break_server(self) -> None:
        self.kill(self.server)
        time.sleep(self.chance.random() * 0.3)
        self.start_server()

    def break_both(self) -> None:
        for pid in self.chance.sample((self.worker, self.server), 2):
            self.kill(pid)
            time.sleep(self.chance.random() * 0.05)
        self.start_server()
        self.wait_for("interrupted")

    def break_disk(self) -> None:
        """No file of the worker's may grow, as on a full disk; then there is room again."""
        log = self.store.path.with_name(f"{self.store.path.name}-wal")
        _, most = resource.prlimit(self.worker, resource.RLIMIT_FSIZE)
        resource.prlimit(self.worker, resource.RLIMIT_FSIZE, (log.stat().st_size, most))
        ended = {"finished", "interrupted"}
        until(
            lambda: self.viewer.said[-1][2] or self.viewer.said[-1][0] in ended, "nobody says that nothing is written",
            EXPLAINED,
        )  # fmt: skip
        resource.prlimit(self.worker, resource.RLIMIT_FSIZE, (most, most))
        self.wait_for("interrupted")

    def break_rights(self) -> None:
        """Nothing in the store may be written: what is open stays so, a new worker cannot even begin."""
        with read_only(self.store.directory):
            self.kill(self.worker)
            self.start_worker()
            worker = self.worker
            until(lambda: not psutil.pid_exists(worker), "a worker of a read-only store stays", EXPLAINED)
            if self.chance.random() < 0.5:
                self.kill(self.server)
                self.start_server()
            self.wait_for("interrupted")
        said = [line for line in self.log.read_text().splitlines() if line.startswith("The runs in ")]
        assert said and said[-1].endswith(").") and "Traceback" not in self.log.read_text(), self.log.read_text()

    def break_clock(self) -> None:
        for _ in range(self.chance.choice((1, 2))):
            self.clock.write_text(str(self.chance.choice((-1, 1)) * self.chance.uniform(10, 10_000)))
            time.sleep(self.chance.random() * 0.2)
        if self.chance.random() < 0.7:
            self.kill(self.worker)
            self.wait_for("interrupted")

    def wait_for(self, state: str) -> None:
        """Somebody who looks is told so, unless the run was over before."""
        until(
            lambda: self.viewer.said[-1][0] in (state, "finished"), f"nobody is told that the run is {state}", EXPLAINED
        )

    # -- the round ----------------------------------------------------------------------------------------

    def go(self, broken: str) -> None:
        self.start_server()
        self.start_worker()
        moment = self.chance.randrange(STEPS - 8)
        until(lambda: self.viewer.step >= moment, "the run does not begin")
        time.sleep(self.chance.random() * 0.1)
        BREAKS[broken](self)
        self.check_shown()
        self.mend()
        until(lambda: self.viewer.said[-1][0] == "finished", "the end is not shown")
        self.check_shown()
        self.check_said()

    def mend(self) -> None:
        """What anybody does: see that a worker lives, and let go on what was interrupted."""
        end = time.monotonic() + PATIENCE
        while not all(self.store.row(run).state == "finished" for run in self.runs):
            assert time.monotonic() < end, (
                f"stuck: {[self.store.row(run) for run in self.runs]}\n{self.log.read_text()}"
            )
            if not psutil.pid_exists(self.worker):
                self.start_worker()
            for run in self.runs:
                self.store.again(run)
            time.sleep(0.1)

    def check_shown(self) -> None:
        found = run_data(self.store, self.runs[0])
        for (name, step), loss in list(self.viewer.shown.items()):
            losses = found.signals(name)["loss"]
            assert step < len(losses), f"{name} has lost step {step}, which was shown"
            assert abs(losses[step] - loss) <= 1e-3 * abs(loss), f"step {step} of {name} is another one"

    def check_said(self) -> None:
        for state, reason, trouble in self.viewer.said:
            assert state in ("queued", "running", "interrupted", "finished"), (state, reason)
            if state == "interrupted":
                assert reason is not None
            for sentence in filter(None, (reason, trouble)):
                assert sentence[0].isupper() and sentence.endswith(".") and "\n" not in sentence, sentence
        assert self.viewer.refusals <= {"The runs cannot be read just now. Try again in a moment."}
        rows = run_data(self.store, self.runs[0]).frames
        assert {name: len(values) for name, values in rows.items()} == {"plain": STEPS, "residual": STEPS}


BREAKS: dict[str, Callable[[Round], None]] = {
    "both": Round.break_both, "disk": Round.break_disk, "clock": Round.break_clock, "worker": Round.break_worker,
    "server": Round.break_server, "rights": Round.break_rights,
}  # fmt: skip


@contextlib.contextmanager
def read_only(directory: Path) -> Iterator[None]:
    """The directory and all in it without any right to write."""
    paths = [directory, *directory.rglob("*")]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in paths}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
