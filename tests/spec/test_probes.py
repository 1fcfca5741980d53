from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from resnet_viz.spec import QUANTITIES, ProbePlan, sentence
from resnet_viz.spec.probes import DEFAULT, Measured

PAGE = (Path(__file__).parents[2] / "docs" / "telemetry.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (ProbePlan(), "default"),
        (ProbePlan.full(10), "everything every 10 steps; window 8"),
        (ProbePlan(periods={"gamma": 3, "weight_norm": 1, "dead_units": 3}),
         "weight_norm every step; gamma, dead_units every 3 steps"),
    ],
)  # fmt: skip
def test_a_plan_in_words(plan: ProbePlan, words: str) -> None:
    assert str(plan) == words


def test_a_plan_of_what_there_is_not_is_refused() -> None:
    with pytest.raises(ValidationError) as refused:
        ProbePlan.model_validate({"periods": {"gamma": 0}})
    assert sentence(refused.value) == "periods.gamma is 0: it must be at least 1."


def test_every_quantity_has_a_name_for_pictures_and_a_row_with_its_formula() -> None:
    assert set(QUANTITIES) == {*get_args(Measured), DEFAULT, "input_grad"}
    for key, row in QUANTITIES.items():
        assert f"| `{key}/<{row.per}>` |" in PAGE
