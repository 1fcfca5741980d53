"""The canvas of a lab's picture: texts that do not lie on spreads or on each other, and a picture that waits."""

from __future__ import annotations

from resnet_viz.draw.canvas import UNSEEN, bars, canvas, empty, level, name_ends, waits
from resnet_viz.draw.thumbnail import thumbnail


def test_texts_stand_above_the_spread_of_their_bars() -> None:
    made = canvas("light", x="x", y="y", categories=["a", "b"])
    bars(made, "light", "error", ["a", "b"], [0.2, 0.4], role="plain", texts=["20 %", "40 %"], low=[0.1, 0.4],
         high=[0.5, 0.4])  # fmt: skip
    bar, texts = made.data
    assert bar.text is None and list(texts.text) == ["20 %", "40 %"] and list(texts.y) == [0.5, 0.4]
    assert bar.offsetgroup == texts.offsetgroup == "error"
    assert texts.meta == UNSEEN and thumbnail(made, "light", "bars").count("<rect") == 2


def test_texts_stand_on_bars_that_have_no_spread() -> None:
    made = canvas("light", x="x", y="y", categories=["a"])
    bars(made, "light", "error", ["a"], [0.2], role="plain", texts=["20 %"], low=[0.2], high=[0.2])
    assert list(made.data[1].y) == [0.2]


def test_names_at_lines_are_moved_apart() -> None:
    straight = canvas("light", x="x", y="y")
    name_ends(straight, "light", [("low", 1, 0.1, "plain"), ("high", 1, 0.12, "residual")], 0.05)
    assert [round(note.y, 3) for note in straight.layout.annotations] == [0.1, 0.15]
    log = canvas("light", x="x", y="y", log_y=True)
    name_ends(log, "light", [("low", 1, 1.0, "plain"), ("high", 1, 1.2, "residual"), ("far", 1, 100.0, "third")], 10)
    assert [note.y for note in log.layout.annotations] == [0.0, 1.0, 2.0]


def test_a_picture_is_empty_until_something_measured_is_drawn() -> None:
    made = canvas("dark", x="x", y="y", categories=["a"])
    level(made, "dark", "guessing", 0.9)
    bars(made, "dark", "error", [], [], role="plain", texts=[])
    assert empty(made)
    waits(made, "dark", "It begins in a moment.")
    assert empty(made) and made.layout.annotations[-1].text == "It begins in a moment."
    bars(made, "dark", "error", ["a"], [0.2], role="plain")
    assert not empty(made)
