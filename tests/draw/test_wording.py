"""Numbers and names as pages write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_viz.draw.wording import (
    NBSP,
    cut_middle,
    listed,
    percent,
    power_of_ten,
    scientific,
    seconds,
    size,
    superscript,
    times,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0 %"), (0.002, "0.2 %"), (0.0994, "9.9 %"), (0.0995, "10 %"), (0.656, "66 %"), (1.0, "100 %"),
     (math.nan, "no finite %")],
)  # fmt: skip
def test_percent(value: float, text: str) -> None:
    assert percent(value) == text.replace(" %", f"{NBSP}%")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (5e-26, "5.0 × 10⁻²⁶"), (0.0002, "2.0 × 10⁻⁴"), (0.04, "0.04"), (0.123, "0.12"), (0.999, "1"),
     (4.94, "4.9"), (9.96, "10"), (864.4, "864"), (1540.0, "1,540"), (8.6e6, "8.6 × 10⁶"),
     (math.inf, "no finite number")],
)  # fmt: skip
def test_scientific(value: float, text: str) -> None:
    assert scientific(value) == text


@pytest.mark.parametrize(("value", "text"), [(1e-6, "10⁻⁶"), (1e3, "10³"), (2e-6, "2.0 × 10⁻⁶")])
def test_power_of_ten(value: float, text: str) -> None:
    assert power_of_ten(value) == text


def test_times() -> None:
    assert times(864.0) == f"864{NBSP}×"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.04, "40 ms"), (0.3, "0.3 s"), (4.25, "4.2 s"), (12.4, "12 s"), (180.0, "3 min"), (7200.0, "2 h")],
)
def test_seconds(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(512, "512 B"), (48_100, "48 kB"), (1_340_000, "1.3 MB"), (61_000_000, "61 MB"), (2_100_000_000, "2.1 GB")],
)
def test_size(value: float, text: str) -> None:
    assert size(value) == text


def test_listed() -> None:
    assert [listed("abc"[:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]


@given(st.text(alphabet="abcdef", max_size=120), st.integers(3, 60))
def test_a_cut_name_keeps_both_ends_and_its_length(name: str, most: int) -> None:
    cut = cut_middle(name, most)
    if len(name) <= most:
        assert cut == name
    else:
        head, _, tail = cut.partition("…")
        assert name.startswith(head) and name.endswith(tail)
        assert len(cut) == most and 0 <= len(head) - len(tail) <= 1


def test_superscript() -> None:
    assert (superscript(54), superscript(-3), superscript(0)) == ("⁵⁴", "⁻³", "⁰")
