"""A row of evaluations is read by attribute, by name and by position."""

from __future__ import annotations

import pytest

from resnet_viz.runs import Evaluation


def test_one_row_three_ways() -> None:
    row = Evaluation(12, 1, 0.25, 0.5)
    step, _, train, test = row
    assert (row.step, row["train_error"], row[3]) == (step, train, test) == (12, 0.25, 0.5)
    with pytest.raises(KeyError, match="'loss' is no column; the columns are: step, epoch, train_error, test_error"):
        row["loss"]
