from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_viz.runs.store import Frame
from resnet_viz.serve.thinning import (
    MAX_COLUMNS,
    MIN_COLUMNS,
    Segment,
    Signals,
    frame_messages,
    numbers,
    rounded,
    segments,
)

SIGNALS = Signals(loss=0, train_error=1, lr=2, gradients=(3, 4))


def frame(first: int, values: list[float], contestant: str = "a", seq: int = 1) -> Frame:
    return Frame(seq, contestant, first, np.array(values, np.float32)[:, None], 0.0)


def table(steps: int) -> np.ndarray:
    s = np.arange(steps, dtype=np.float32)
    return np.column_stack([s, s / 10, np.full(steps, 0.1), 10.0 ** (s % 3), np.full(steps, 4.0)]).astype(np.float32)


def test_signals_are_found_by_name_in_the_order_of_the_layers() -> None:
    card = {"signals": ["lr", "grad_norm/b", "loss", "grad_norm/a"], "layers": [{"path": p} for p in ("a", "b", "c")]}
    assert Signals.of(card) == Signals(loss=2, train_error=-1, lr=0, gradients=(3, 1, -1))


def test_chunks_become_rows_of_consecutive_steps() -> None:
    found = segments([frame(0, [1, 2]), frame(0, [7], "b"), frame(2, [3])])
    assert [(s.contestant, s.first, s.values[:, 0].tolist()) for s in found] == [("a", 0, [1, 2, 3]), ("b", 0, [7])]


def test_a_step_written_again_after_a_resume_stands_once_and_is_the_later_one() -> None:
    (found,) = segments([frame(0, [1, 2, 3]), frame(3, [4, 5]), frame(2, [30, 40])])
    assert (found.first, found.values[:, 0].tolist()) == (0, [1, 2, 30, 40])


def test_a_gap_begins_another_segment() -> None:
    assert [(s.first, len(s.values)) for s in segments([frame(0, [1, 2]), frame(5, [6])])] == [(0, 2), (5, 1)]


def test_a_short_run_is_sent_as_it_is() -> None:
    (message,) = frame_messages(Segment("a", 5, table(3)), SIGNALS, total=96)
    assert message == {
        "c": "a", "first": 5, "loss": [0, 1, 2], "train_error": [0, 0.1, 0.2], "lr": [0.1] * 3,
        "grad": [[1, 4], [10, 4], [100, 4]],
    }  # fmt: skip


@pytest.mark.parametrize("steps", [601, 5_000, 30_001])
def test_a_long_run_has_at_most_600_columns_and_keeps_the_first_and_the_newest_step(steps: int) -> None:
    parts = frame_messages(Segment("a", 0, table(steps)), SIGNALS, total=steps)
    head, middle, tail = parts
    columns = sum(len(part["loss"]) for part in parts)
    assert MAX_COLUMNS / 2 < columns <= MAX_COLUMNS
    assert (head["first"], head["loss"], "stride" in head) == (0, [0], False)
    assert (tail["first"], tail["loss"]) == (steps - 1, numbers(np.array([steps - 1.0])))
    covered = middle["first"] + middle["stride"] * len(middle["loss"])
    assert middle["first"] == 1 and steps - 1 <= covered < steps - 1 + middle["stride"]


def test_a_column_of_several_steps_is_their_mean_and_range_and_the_geometric_mean_of_norms() -> None:
    values = table(MIN_COLUMNS * 3 + 2)
    _, middle, _ = frame_messages(Segment("a", 0, values), SIGNALS, total=100_000)
    stride = middle["stride"]
    inside = values[1 : 1 + stride]
    assert middle["loss"][0] == pytest.approx(inside[:, 0].mean())
    assert (middle["loss_min"][0], middle["loss_max"][0]) == (inside[:, 0].min(), inside[:, 0].max())
    assert middle["grad"][0] == pytest.approx([np.exp(np.log(inside[:, 3]).mean()), 4], rel=1e-3)


def test_what_is_not_finite_is_null_and_makes_its_whole_column_null() -> None:
    values = table(200)
    values[10, 0], values[10, 3], values[11, 4] = np.nan, np.inf, 0.0
    (exact,) = frame_messages(Segment("a", 10, values[10:12]), SIGNALS, total=96)
    assert (exact["loss"][0], exact["grad"][0]) == (None, [None, 4])
    _, middle, _ = frame_messages(Segment("a", 0, values), SIGNALS, total=100_000)
    column = (10 - middle["first"]) // middle["stride"]
    assert (middle["loss"][column], middle["loss_min"][column], middle["grad"][column][0]) == (None, None, None)
    assert middle["grad"][(11 - middle["first"]) // middle["stride"]][1] == 0


def test_a_signal_that_is_not_measured_is_null() -> None:
    (message,) = frame_messages(Segment("a", 0, table(1)), Signals(0, -1, -1, (-1,)), total=1)
    assert (message["train_error"], message["lr"], message["grad"]) == ([None], [None], [[None]])


@given(st.floats(min_value=1e-30, max_value=1e30, allow_nan=False))
def test_four_significant_digits_are_kept_and_written_shortly(value: float) -> None:
    short = float(rounded(np.array([value]))[0])
    assert short == pytest.approx(value, rel=5.1e-4)
    if 1e-15 < value < 1e15:
        assert len(json.dumps(short).replace(".", "").replace("-", "").split("e")[0].strip("0")) <= 4


def test_a_gap_in_a_recorded_loop_is_passed_over_and_only_a_whole_bin_of_them_is_one() -> None:
    values = table(5000)
    values[100::7, 3] = np.nan
    values[:, 4] = np.nan
    signals = Signals(loss=0, train_error=1, lr=2, gradients=(3, 4), gaps=True)
    _, middle, _ = frame_messages(Segment("a", 0, values), signals, total=5000)
    first, second = zip(*middle["grad"], strict=True)
    assert all(1 <= norm <= 100 for norm in first)
    assert set(second) == {None}
    _, middle, _ = frame_messages(Segment("a", 0, values), SIGNALS, total=5000)
    assert None in [row[0] for row in middle["grad"]]


def test_several_seeds_have_their_extremes_in_every_column_also_of_what_has_a_period() -> None:
    steps, period = MIN_COLUMNS * 10 + 2, 5
    values = np.column_stack([table(steps)[:, [0]], np.full((steps, 3), np.nan), table(steps)[:, [0]] - 1,
                              table(steps)[:, [0]] + 1, np.full((steps, 2), np.nan)])  # fmt: skip
    values[::period, 3] = 4
    values[::period, 6:] = np.arange(0, steps, period)[:, None] + [1, 9]
    card = {
        "signals": ["loss", "train_error", "lr", "gamma/layer1.0", "min/loss", "max/loss", "min/gamma/layer1.0",
                    "max/gamma/layer1.0"],
        "layers": [{"path": "layer1.0.conv1"}],
    }  # fmt: skip
    signals = Signals.of(card, "gamma")
    exact = frame_messages(Segment("a", 5, values[5:7]), signals, total=96)[0]
    assert (exact["grad_min"], exact["grad_max"]) == ([[6], [None]], [[14], [None]])
    assert (exact["loss_min"], exact["loss_max"]) == ([4, 5], [6, 7])
    _, middle, _ = frame_messages(Segment("a", 0, values), signals, total=100_000)
    stride = middle["stride"]
    assert stride > period and [row[0] for row in middle["grad"]] == [4] * len(middle["grad"])
    for i, (least, most) in enumerate(zip(middle["grad_min"], middle["grad_max"], strict=True)):
        inside = values[1 + i * stride : 1 + (i + 1) * stride][: -1 if 1 + (i + 1) * stride >= steps else None]
        assert (least, most) == ([np.nanmin(inside[:, 6])], [np.nanmax(inside[:, 7])])
        assert (middle["loss_min"][i], middle["loss_max"][i]) == (inside[:, 4].min(), inside[:, 5].max())


CHOSEN = {
    "signals": ["loss", "train_error", "lr", "grad_norm/conv1", "grad_norm/layer1.0.conv1", "grad_norm/layer1.0.conv2",
                "grad_cosine/conv1", "grad_cosine/layer1.0.conv1", "grad_cosine/layer1.0.conv2", "dead_units/layer1.0"],
    "layers": [{"path": path} for path in ("conv1", "layer1.0.conv1", "layer1.0.conv2")],
}  # fmt: skip


def test_the_quantity_that_is_asked_for_stands_in_the_norms_place() -> None:
    """A block's value is shown by each of its layers; a quantity that is none is the gradient norm."""
    found = {key: Signals.of(CHOSEN, key) for key in ("grad_norm", "grad_cosine", "dead_units", "nothing", "gamma")}
    assert {key: signals.gradients for key, signals in found.items()} == {
        "grad_norm": (3, 4, 5), "grad_cosine": (6, 7, 8), "dead_units": (-1, 9, 9), "nothing": (3, 4, 5),
        "gamma": (-1, -1, -1),
    }  # fmt: skip
    assert [(signals.gaps, signals.linear) for signals in found.values()] == [
        (False, False), (True, True), (True, True), (False, False), (True, False),
    ]  # fmt: skip


def test_a_linear_quantity_is_averaged_over_the_steps_at_which_it_was_measured() -> None:
    steps = 1400
    values = np.zeros((steps, 10), np.float32)
    values[:, 6] = np.where(np.arange(steps) % 4 == 1, np.linspace(-1, 1, steps), np.nan)
    values[:, 7] = np.nan
    head, middle, last = frame_messages(Segment("a", 0, values), Signals.of(CHOSEN, "grad_cosine"), steps)
    stride = middle["stride"]
    for place, row in enumerate(middle["grad"]):
        seen = values[1 + place * stride : 1 + (place + 1) * stride, 6][: steps - 2 - place * stride]
        expected = None if np.isnan(seen).all() else pytest.approx(np.nanmean(seen), rel=1e-3, abs=1e-6)
        assert row == [expected, None, 0]
    assert head["grad"] == [[None, None, 0]] and last["grad"] == [[None if np.isnan(values[-1, 6]) else 1, None, 0]]
