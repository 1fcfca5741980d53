"""Damaged links and files: each ends in its documented error, one sentence, or in a valid object; quickly and small.

500 of each run in ``make test`` and 10,000 with ``-m long``; ``FUZZ_SEED`` gives others.
"""

from __future__ import annotations

import base64
import json
import os
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from resnet_viz.spec import Experiment, ShareError, SpecError, decode, encode, read_spec, write_spec
from resnet_viz.spec.compact import Shared
from resnet_viz.spec.files import MAX_FILE
from resnet_viz.spec.share import MAX_JSON, pack
from tests.spec.mutants import Mutants

SEED = int(os.environ.get("FUZZ_SEED", "7"))
SECONDS = 1.0
"""For reading a mutant, and where it is valid for writing it and reading it again."""
PEAK = 64 * 2**20
LONGEST_SENTENCE = 400
ROUNDS = [500, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(1800)])]


@pytest.fixture(scope="module")
def mutants() -> Mutants:
    return Mutants(SEED)


def run(rounds: int, refused: Callable[[int], bool]) -> tuple[float, float, int]:
    """(share that is refused, seconds of the slowest, bytes of the largest peak).

    ``refused`` reads mutant i, checks what comes of it and says whether it was refused.

    Time is the thread's own on the processor: what else the machine does is not the mutant's. Memory is traced, which
    takes several times as long, for the slowest and for some.
    """
    seconds, count = [], 0
    for i in range(rounds):
        start = time.thread_time()
        count += refused(i)
        seconds.append(time.thread_time() - start)
    slow = sorted(range(rounds), key=seconds.__getitem__, reverse=True)
    peaks = {i: peak(refused, i) for i in {*slow[:10], *range(0, rounds, 25)}}
    largest = max(peaks, key=peaks.__getitem__)
    print(f"{rounds} mutants, seed {SEED}: {count} refused, slowest {seconds[slow[0]]:.3f} s (number {slow[0]}), "
          f"largest peak {peaks[largest] / 2**20:.1f} MiB (number {largest})")  # fmt: skip
    return count / rounds, seconds[slow[0]], peaks[largest]


def peak(refused: Callable[[int], bool], number: int) -> int:
    """Bytes that Python holds at most while it reads that mutant."""
    tracemalloc.start()
    try:
        refused(number)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def one_sentence(error: Exception) -> None:
    said = str(error)
    assert said.isprintable() and said.endswith((".", "?")) and len(said) < LONGEST_SENTENCE, repr(said[:1000])


def shared_again(thing: Shared) -> None:
    """A valid thing comes back, unless it is too large for a link."""
    try:
        text = encode(thing)
    except ShareError as error:
        assert "save it as a file instead." in str(error)
    else:
        assert decode(text) == thing


def link_refused(text: str) -> bool:
    try:
        thing = decode(text)
    except ShareError as error:
        one_sentence(error)
        return True
    shared_again(thing)
    return False


def file_refused(data: bytes) -> bool:
    try:
        thing = read_spec(data)
    except SpecError as error:
        one_sentence(error)
        return True
    assert read_spec(write_spec(thing)) == thing
    shared_again(thing)
    return False


@pytest.mark.parametrize("rounds", ROUNDS)
def test_damaged_links(rounds: int, mutants: Mutants) -> None:
    share, slowest, largest = run(rounds, lambda i: link_refused(mutants.link(i)))
    assert slowest < SECONDS and largest < PEAK
    assert 0.5 < share < 0.98, "some mutants are valid, so that what follows is tried too"


@pytest.mark.parametrize("rounds", ROUNDS)
def test_damaged_files(rounds: int, mutants: Mutants) -> None:
    share, slowest, largest = run(rounds, lambda i: file_refused(mutants.file(i)))
    assert slowest < SECONDS and largest < PEAK
    assert 0.5 < share < 0.98, "some mutants are valid, so that what follows is tried too"


# -- what no mutation finds ---------------------------------------------------------------------------------


def forged(kind: str, data: object) -> str:
    """A text with a check that fits nothing."""
    return f"{kind}2.{pack(data, b'abc')}"


LANES = "/".join(["1x1,1x1,1x1,1x1"] * 8)
BLOCKS = {str(i): {"branch": "paths", "paths": LANES} for i in range(1, 65)}
LARGEST = {
    "name": "a",
    "of": None,
    "stages": {"n": 8, "*": {"blocks": 150}, **{str(s): {"overrides": BLOCKS} for s in range(1, 9)}},
}
ALL_OF_IT = {"contestants": {"a": LARGEST, **{str(i): {"name": "b", "of": 0} for i in range(5)}}}


def nested(key: str, depth: int) -> dict[str, object]:
    data: dict[str, object] = {}
    for _ in range(depth):
        data = {key: {"a": data}}
    return data


@pytest.mark.parametrize(
    "text",
    [
        forged("n", LARGEST),
        forged("x", ALL_OF_IT),
        forged("c", {"networks": [LARGEST, *[{"of": 0}] * 5]}),
        forged("x", nested("contestants", 300)),
        forged("n", nested("block", 300)),
        forged("n", {"name": "a" * 150_000}),
        forged("n", {"a\n" * 50_000: 1}),
        forged("n", {"stages": {"n": 8, "*": {str(i): 1 for i in range(3_000)}}}),
        forged("n", {"stages": {"1": {"overrides": {str(i): {} for i in range(3_000)}}}}),
    ],
    ids=["network", "race", "comparison", "nested races", "nested blocks", "name", "key", "stages", "overrides"],
)  # fmt: skip
def test_small_texts_that_stand_for_much_cost_nothing(text: str) -> None:
    """References and repetition cost the sender nothing: what they spread out to is bounded before it is built."""
    assert len(text) < 16_000
    assert peak(lambda _: link_refused(text), 0) < PEAK / 2
    start = time.thread_time()
    assert link_refused(text)
    assert time.thread_time() - start < SECONDS


def format_1(raw: bytes) -> str:
    return "x1." + base64.urlsafe_b64encode(zlib.compress(raw, 9)).decode().rstrip("=")


def test_the_most_that_format_1_can_hold_costs_little() -> None:
    """It has no references, but defaults cost the sender nothing: blocks of eight paths up to the models' own bound."""
    rows = [{"index": i, "block": {"branch": "paths", "paths": [{}] * 8}} for i in range(1, 41)]
    stages = [{"blocks": 40, "block": {}, "overrides": rows}]
    image = {"channels": 1, "height": 8, "width": 8}
    data = {"contestants": {str(i): {"input": image, "stages": stages} for i in range(6)}}
    whole = Experiment.model_validate(data).model_dump_json(indent=1).encode()
    assert len(whole) > MAX_JSON, "nothing but its size speaks against it"
    with pytest.raises(ShareError) as refusal:
        decode(format_1(whole))
    assert str(refusal.value) == "This share link is damaged or too large: ask for it once more."
    data["contestants"] = dict(list(data["contestants"].items())[:4])
    raw = json.dumps(data, separators=(",", ":")).encode()
    assert len(raw) < MAX_JSON
    text = format_1(raw)
    start = time.thread_time()
    thing = decode(text)
    assert time.thread_time() - start < SECONDS
    assert peak(lambda _: bool(decode(text)), 0) < PEAK
    assert isinstance(thing, Experiment) and len(thing.contestants) == 4


def test_the_largest_file_is_read_quickly() -> None:
    """All that the model allows in one megabyte: hundreds of blocks of their own, each of eight paths."""
    conv = {"kernel": 7, "width": 8192}
    lane = {"convs": [conv] * 4}
    rows = [{"index": i, "block": {"branch": "paths", "paths": [lane] * 8}} for i in range(1, 65)]
    for own, stages in ((rows, 8), (rows[:62], 1)):
        raw = {"stages": [{"blocks": 150, "overrides": own} for _ in range(stages)]}
        data = json.dumps(raw, separators=(",", ":")).encode()
        assert len(data) < MAX_FILE
        start = time.thread_time()
        if stages == 1:
            assert read_spec(data)
        else:  # hundreds of blocks of their own would take minutes to inspect
            with pytest.raises(SpecError) as refusal:
                read_spec(data)
            assert "17,760 convolutions" in str(refusal.value)
        assert time.thread_time() - start < SECONDS
