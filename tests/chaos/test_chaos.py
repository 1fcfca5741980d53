"""Chaos: kill -9 at random moments, a full disk, a read-only store, a clock that jumps (rounds.py says how)."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.rounds import BREAKS, Fork, Round
from tests.chaos.zygote import drop_overrides
from tests.serve.servers import ROOT, free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's")
ALWAYS, LONG = 3, 50


@pytest.fixture(scope="module")
def fork() -> Iterator[Fork]:
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.zygote"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=ROOT, env={**os.environ, **threads}, preexec_fn=drop_overrides,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    asking, answers = process.stdin, process.stdout

    def make(kind: str, **asked: object) -> int:
        print(json.dumps({"kind": kind, **asked}), file=asking, flush=True)
        return int(answers.readline())

    yield make
    process.kill()
    process.wait()


def shown_in(seed: int, broken: str, fork: Fork, home: Path) -> set[str]:
    """Who was shown to the viewer in a round, all of it checked against the store by the round itself."""
    print(f"seed {seed}: {broken}")
    chaos = Round(seed, home, fork, free_port())
    try:
        chaos.go(broken)
    finally:
        chaos.close()
    return {name for name, _ in chaos.viewer.shown}


@pytest.mark.parametrize("number", range(ALWAYS))
def test_whatever_breaks_what_was_shown_stays_and_no_run_is_stuck(number: int, fork: Fork, tmp_path: Path) -> None:
    seen = shown_in(random.randrange(10**6), ["both", "disk", "clock"][number], fork, tmp_path)
    assert seen == {"plain", "residual"}


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_fifty_rounds(fork: Fork, tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    for number in range(LONG):
        home = tmp_path / str(number)
        home.mkdir()
        seen = shown_in(seed + number, list(BREAKS)[number % len(BREAKS)], fork, home)
        assert seen == {"plain", "residual"}
