"""Moments as the reader's clock shows them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def when(moment: float, zone: tzinfo, now: float | None = None) -> str:
    """A Unix time in a reader's zone: "today 14:05", else "3 Oct 2025, 14:05"."""
    day = datetime.fromtimestamp(moment, zone)
    today = datetime.now(zone) if now is None else datetime.fromtimestamp(now, zone)
    if day.date() == today.date():
        return f"today {day:%H:%M}"
    return f"{day.day} {day:%b %Y, %H:%M}"


def reader_zone() -> tzinfo:
    """The reader's time zone as the browser tells it."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
