"""Moments as the reader's clock shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from resnet_viz.runs import RunRow
from resnet_viz.ui.clock import moments, when

NOON = datetime(2025, 10, 3, 12, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("moment", "text"),
    [(NOON - 3600, "today 11:00"), (NOON - 13 * 3600, "2 Oct 2025, 23:00"), (NOON - 400 * 86400, "29 Aug 2024, 12:00")],
)
def test_when(moment: float, text: str) -> None:
    assert when(moment, UTC, NOON) == text


def test_the_readers_zone_decides_the_day() -> None:
    assert when(NOON - 13 * 3600, ZoneInfo("Asia/Tokyo"), NOON) == "today 08:00"


def row(run: str, name: str, created: float) -> RunRow:
    return RunRow(run, name, "{}", {}, created, "finished", None, None, None, None, None)


def test_runs_of_the_same_name_and_minute_are_told_apart() -> None:
    rows = [row("a", "pair", NOON), row("b", "pair", NOON + 9), row("c", "pair", NOON + 60), row("d", "other", NOON)]
    twins = [row("0-abcde", "twin", NOON), row("0-fghij", "twin", NOON + 0.4)]
    assert moments([*rows, rows[0], *twins], UTC, NOON) == {
        "a": "today 12:00:00", "b": "today 12:00:09", "c": "today 12:01", "d": "today 12:00",
        "0-abcde": "today 12:00:00 · bcde", "0-fghij": "today 12:00:00 · ghij",
    }  # fmt: skip
