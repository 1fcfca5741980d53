"""Which address is obeyed: what somebody asked for, and not what the browser carried before it heard of ours."""

from __future__ import annotations

import math

import pytest

from resnet_viz.ui.address import STALE_SECONDS, InStep


def test_the_address_before_counts_as_old_until_the_run_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    state = InStep[str](written="old")
    state.put("new")
    assert (state.written, state.superseded) == ("new", ("old", math.inf))
    times = [100.0]
    monkeypatch.setattr("resnet_viz.ui.address.time.monotonic", lambda: times[0])
    assert state.stale("old") and not state.asked("old") and state.asked("other")
    state.settle()
    times[0] += STALE_SECONDS - 0.1
    state.settle()
    assert state.stale("old")
    times[0] += 0.2
    assert not state.stale("old") and state.asked("old")


def test_an_edit_of_this_run_and_our_own_address_are_nobodys_wish() -> None:
    state = InStep[str]()
    assert not state.asked(None) and not state.stale(None) and state.asked("a")
    state.put("a")
    state.put("a")
    assert state.superseded == (None, math.inf) and not state.asked("a") and state.stale(None)
    state.touched = True
    assert not state.asked("b")
