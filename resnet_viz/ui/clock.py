"""Moments as the reader's clock shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from resnet_viz.runs import RunRow


def when(moment: float, zone: tzinfo, now: float | None = None, *, seconds: bool = False) -> str:
    """A Unix time in a reader's zone: "today 14:05", else "3 Oct 2025, 14:05"; with ``seconds`` "today 14:05:09"."""
    clock = "%H:%M:%S" if seconds else "%H:%M"
    day = datetime.fromtimestamp(moment, zone)
    today = datetime.now(zone) if now is None else datetime.fromtimestamp(now, zone)
    if day.date() == today.date():
        return f"today {day:{clock}}"
    return f"{day.day} {day:%b %Y, {clock}}"


def moments(rows: Iterable[RunRow], zone: tzinfo, now: float | None = None) -> dict[str, str]:
    """When each run was made, by its id: as short as tells it from others of its name.

    To the minute, else to the second, else with the end of its id.
    """
    runs = {row.id: row for row in rows}
    said = {run: when(row.created, zone, now) for run, row in runs.items()}
    for run in _alike(runs, said):
        said[run] = when(runs[run].created, zone, now, seconds=True)
    for run in _alike(runs, said):
        said[run] += f" · {run[-4:]}"
    return said


def _alike(runs: Mapping[str, RunRow], said: Mapping[str, str]) -> list[str]:
    """Ids of the runs whose name and time another one has too."""
    often = Counter((row.name, said[run]) for run, row in runs.items())
    return [run for run, row in runs.items() if often[row.name, said[run]] > 1]


def reader_zone() -> tzinfo:
    """The reader's time zone as the browser tells it."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
