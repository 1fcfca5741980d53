"""Slices of the device for each visitor in turn, at step boundaries."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby, pairwise

import pytest

from resnet_viz.train import turns as turns_module
from resnet_viz.train.slots import Slots
from resnet_viz.train.turns import Turn, Turns

STEP = 0.002


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_module, "SLICE", 0.05)
    monkeypatch.setattr(turns_module, "UNUSED", 0.01)


class Work:
    """Runs that compute until they are told to end; ``order`` has the name of the run of each step."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.over = threading.Event()
        self.threads: list[threading.Thread] = []
        self.inside: set[str] = set()
        self.mixed = False

    def begin(self, name: str, turn: Turn, *, contestants: int = 2, pause: float = 0.0) -> None:
        def compute() -> None:
            while not self.over.is_set():
                with turn:
                    self.inside.add(name)
                    self.mixed = self.mixed or len(self.inside) > 1
                    time.sleep(STEP)
                    self.order.append(name)
                    self.mixed = self.mixed or self.inside != {name}
                    if turn.inside == 1:
                        self.inside.discard(name)
                if pause:
                    time.sleep(pause)

        for _ in range(contestants):
            self.threads.append(threading.Thread(target=compute, daemon=True))
            self.threads[-1].start()

    def end(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(5)
            assert not thread.is_alive()


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work()
    yield made
    made.end()


def shares(order: list[str]) -> dict[str, float]:
    return {name: count / len(order) for name, count in Counter(order).items()}


def waited(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_visitors_share_equally_however_many_runs_and_contestants_they_have(work: Work) -> None:
    turns = Turns(Slots(2))
    for name, visitor, contestants in (("a1", "a", 2), ("a2", "a", 2), ("a3", "a", 2), ("b1", "b", 1)):
        work.begin(name, turns.turn(visitor), contestants=contestants)
    time.sleep(1.2)
    order = list(work.order)
    lengths = [(name, len(list(steps))) for name, steps in groupby(order)]
    stretches = [name for name, _ in lengths]
    assert sorted(length for _, length in lengths)[len(lengths) // 2] > 5, "slices, not single steps"
    by_visitor = Counter(name[0] for name in stretches)
    assert abs(by_visitor["a"] - by_visitor["b"]) <= 2
    assert all(first[0] != second[0] for first, second in pairwise(stretches[2:]))
    own = Counter(name for name in stretches if name[0] == "a")
    assert max(own.values()) - min(own.values()) <= 2 and set(own) == {"a1", "a2", "a3"}


def test_one_run_alone_is_never_held_up(work: Work) -> None:
    turns = Turns(Slots(2))
    work.begin("a", turns.turn("a"))
    time.sleep(0.3)
    assert len(work.order) > 0.4 * 2 * 0.3 / STEP


def test_the_next_run_begins_at_a_step_boundary_when_nobody_of_the_last_one_computes(work: Work) -> None:
    turns = Turns(Slots(3))
    for name in "ab":
        work.begin(name, turns.turn(name), contestants=2)
    waited(lambda: len([name for name, _ in groupby(list(work.order))]) > 5)
    assert len([1 for _ in groupby(work.order)]) > 5 and not work.mixed


def test_a_turn_that_is_not_used_goes_to_who_can_use_it(work: Work) -> None:
    turns = Turns(Slots(1))
    work.begin("paced", turns.turn("a"), contestants=1, pause=0.04)
    work.begin("busy", turns.turn("b"), contestants=1)
    time.sleep(0.6)
    found = shares(work.order)
    assert found["busy"] > 0.7 and found["paced"] > 0


def test_a_run_that_ends_or_fails_inside_its_turn_leaves_it_to_others() -> None:
    turns = Turns(Slots(1))
    first, second = turns.turn("a"), turns.turn("b")
    with pytest.raises(ValueError, match="broken"), first:
        raise ValueError("broken")
    begin = time.monotonic()
    with second:
        assert time.monotonic() - begin < 1.0
    assert (first.inside, first.asking, second.inside, turns.slots._free) == (0, 0, 0, 1)


def test_a_newcomer_is_next(work: Work) -> None:
    turns = Turns(Slots(1))
    for name in "abc":
        work.begin(name, turns.turn(name), contestants=1)
    waited(lambda: len(set(work.order)) == 3)
    at = len(work.order)
    work.begin("new", turns.turn("new"), contestants=1)
    waited(lambda: "new" in work.order)
    between = [name for name, _ in groupby(work.order[at : work.order.index("new")])]
    assert len(between) <= 2
