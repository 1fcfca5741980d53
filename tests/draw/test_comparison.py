"""Two runs beside each other: the figure holds the runs' own numbers, the rows name every difference."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resnet_viz.draw.colours import PALETTE
from resnet_viz.draw.comparison import (
    GAP,
    comparison_figures,
    curve_rows,
    curves,
    experiment_differences,
    last_numbers,
)
from resnet_viz.draw.wording import NBSP
from resnet_viz.runs import RunData, Store, run_data
from resnet_viz.spec import Experiment, Recipe, preset
from tests.serve import fake_runs

MADE = fake_runs.experiment(20, 2)


@pytest.fixture
def pair(tmp_path: Path) -> list[RunData]:
    store = Store(tmp_path)
    return [run_data(store, fake_runs.finished(store, MADE, name)) for name in ("first", "second")]


def test_the_curves_are_the_runs_own_numbers(pair: list[RunData]) -> None:
    lines = curves(pair)
    loss = lines["Loss"]
    assert [(line.run, line.contestant, line.role) for line in loss] == [
        (run, f"{role}-20", role) for run in (0, 1) for role in ("plain", "residual")
    ]
    assert np.array_equal(np.float32(loss[0].y), pair[0].signals("plain-20")["loss"])
    assert lines["Train error"][1].x == (0.0, 12.0, 24.0)
    assert lines["Train error"][1].y == tuple(100 * row.train_error for row in pair[0].evals("residual-20"))
    assert lines["Test error"][3].y == tuple(100 * row.test_error for row in pair[1].evals("residual-20"))
    rows = curve_rows("Loss", loss)
    assert len(rows) == sum(len(line.x) for line in loss)
    assert rows[-1] == {"line": "B residual-20", "step": loss[3].x[-1], "loss": loss[3].y[-1]}
    assert curve_rows("Test error", lines["Test error"])[0]["test error, %"] == lines["Test error"][0].y[0]
    banded = replace(loss[0], low=loss[0].y, high=loss[0].y)
    assert curve_rows("Loss", [banded])[0] == rows[0] | {"least": rows[0]["loss"], "greatest": rows[0]["loss"]}


def test_the_figures_keep_colours_and_tell_the_runs_apart(pair: list[RunData]) -> None:
    figures = comparison_figures(pair, "dark")
    assert list(figures) == ["Loss", "Train error", "Test error"]
    for figure in figures.values():
        assert [(t.line.color, t.line.dash) for t in figure.data] == [
            (PALETTE["dark"][role], dash) for dash in ("solid", "dash") for role in ("plain", "residual")
        ]
        names = sorted(note.text for note in figure.layout.annotations)
        assert names == ["A plain-20", "A residual-20", "B plain-20", "B residual-20"]
        assert tuple(figure.layout.xaxis.range) == (0, 24)
    assert tuple(figures["Train error"].layout.yaxis.range) == pytest.approx((-2.04, 102))


def test_labels_of_equal_lines_do_not_cover_each_other(pair: list[RunData]) -> None:
    for figure in comparison_figures([pair[0], pair[0]]).values():
        heights = sorted(note.y for note in figure.layout.annotations)
        least = GAP * figure.layout.yaxis.range[1]
        assert len(heights) == 4
        assert all(b - a >= least - 1e-9 for a, b in pairwise(heights))


def test_a_name_is_never_markup(tmp_path: Path) -> None:
    made = Experiment(contestants={"<b>x%{y}": preset("tiny_plain8")}, recipe=Recipe(epochs=1))
    store = Store(tmp_path)
    data = run_data(store, fake_runs.finished(store, made))
    for figure in comparison_figures([data, data]).values():
        assert {trace.name for trace in figure.data} == {f"{run} &lt;b&gt;x% {{y}}" for run in "AB"}


def test_a_run_that_broke_down_is_drawn_as_far_as_it_went(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = fake_runs.begin(store, MADE)
    fake_runs.append(store, run, MADE, 0, 6)
    for name, network in MADE.contestants.items():
        store.append(run, name, 6, np.full_like(fake_runs.rows(True, network.depth, 6, 1), np.nan))
    data = run_data(store, run)
    figure = comparison_figures([data, data])["Loss"]
    assert len(figure.layout.annotations) == 0
    assert figure.layout.yaxis.range[1] == pytest.approx(
        1.04 * float(np.nanmax([data.signals(name)["loss"] for name in data.contestants]))
    )


def test_a_run_that_has_just_begun_gives_empty_panels(tmp_path: Path) -> None:
    store = Store(tmp_path)
    data = run_data(store, store.create(MADE))
    assert [len(figure.data) for figure in comparison_figures([data, data]).values()] == [0, 0, 0]
    assert last_numbers([data, data]) == []


def test_the_last_numbers(pair: list[RunData]) -> None:
    rows = last_numbers(pair)
    last = pair[0].evals("plain-20")[-1]
    assert (last.train_error, last.test_error) == (0.89, 0.9)
    assert rows[0] == {
        "Run": "A", "Contestant": "plain-20", "Steps": "24", "Train error": f"89{NBSP}%", "Test error": f"90{NBSP}%",
        "Loss": f"{pair[0].signals('plain-20')['loss'][-1]:.3g}",
    }  # fmt: skip
    assert [row["Run"] for row in rows] == ["A", "A", "B", "B"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"recipe": Recipe(epochs=3, learning_rate=0.2)},
         [("recipe", "epochs", "2", "3"), ("recipe", "learning rate", "0.1", "0.2")]),
        ({"contestants": {"plain-20": preset("tiny_plain20")}}, [("contestant 2", "network", "residual-20", "-")]),
        ({"contestants": {"p": preset("tiny_plain20"), "residual-20": preset("tiny_plain20")}},
         [("contestant 1", "name", "plain-20", "p"), ("contestant 2", "every stage: merge", "add", "none"),
          ("contestant 2", "every stage: shortcut", "A", "-")]),
    ],
)  # fmt: skip
def test_how_experiments_differ(change: dict[str, Any], expected: list[tuple[str, str, str, str]]) -> None:
    rows = experiment_differences(MADE, MADE.model_copy(update=change))
    assert [tuple(row[key] for key in ("Where", "Field", "A", "B")) for row in rows] == expected
