"""Moments as the reader's clock shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from resnet_viz.ui.clock import when

NOON = datetime(2025, 10, 3, 12, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("moment", "text"),
    [(NOON - 3600, "today 11:00"), (NOON - 13 * 3600, "2 Oct 2025, 23:00"), (NOON - 400 * 86400, "29 Aug 2024, 12:00")],
)
def test_when(moment: float, text: str) -> None:
    assert when(moment, UTC, NOON) == text


def test_the_readers_zone_decides_the_day() -> None:
    assert when(NOON - 13 * 3600, ZoneInfo("Asia/Tokyo"), NOON) == "today 08:00"
