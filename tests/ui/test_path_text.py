"""Parallel paths as text: there and back, and sentences for what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_viz.spec import Lane, LaneConv
from resnet_viz.spec.block import inception_lanes
from resnet_viz.ui.path_text import read, written
from tests.strategies import LANES


@given(st.lists(LANES, max_size=8).map(tuple))
def test_there_and_back(lanes: tuple[Lane, ...]) -> None:
    assert read(written(lanes)) == lanes


def test_the_four_paths_of_inception() -> None:
    text = "1×1 to 16\n1×1 to 16, 3×3 to 16\n1×1 to 16, 3×3 to 16, 3×3 to 16\nmax pool, 1×1 to 16"
    assert written(inception_lanes(64)) == text and read(text) == inception_lanes(64)


@pytest.mark.parametrize("text", ["3x3 to 24", " 3 x 3  24 ", "3×3: 24", "3x3→24", "\n\n3x3 · 24\n"])
def test_other_ways_to_write_it(text: str) -> None:
    assert read(text) == (Lane(convs=(LaneConv(kernel=3, width=24),)),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1x1 to 4\n3y3 to 4", '"3y3 to 4" in line 2 is no layer of a path: write it like 1×1 to 16, 3×3 to 24'),
        ("3x1 to 4", '"3x1 to 4" in line 1 is no layer of a path: write it like 1×1 to 16, 3×3 to 24'),
        ("1x1 to 4, max pool", '"max pool" in line 1 is no layer of a path: write it like 1×1 to 16, 3×3 to 24'),
        ("max pool", "the path in line 1 has no convolution: end it like 1×1 to 16, 3×3 to 24"),
        ("2x2 to 4", "the kernel in line 1 is 2: input should be 1, 3, 5 or 7."),
        ("3x3 to 0", "the width in line 1 is 0: it must be at least 1."),
        ("3x3 to 9000", "the width in line 1 is 9000: it must be at most 8192."),
        ("1x1 to 4\n" * 9, "9 paths are above the limit of 8: take some lines away"),
        ("x" * 2001, "this text has 2,001 characters, and paths have at most 2,000"),
        ("y" * 90, f'"{"y" * 29}…" in line 1 is no layer of a path: write it like 1×1 to 16, 3×3 to 24'),
    ],
)
def test_what_is_no_path_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as error:
        read(text)
    assert str(error.value) == sentence
