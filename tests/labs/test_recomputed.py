"""The numbers that a lab prints are those of its stored findings, computed once more without the lab's own code."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from resnet_viz.labs import Lab, labs, recording
from resnet_viz.labs.claims import claims, thresholds


def made_up(lab: Lab) -> Any:
    return import_module(f"tests.labs.made_up.{lab.measure.__module__.rpartition('.')[2]}")


@pytest.mark.parametrize("lab", [
    pytest.param(lab, id=lab.slug) for lab in labs() if hasattr(made_up(lab), "recompute")
])  # fmt: skip
def test_printed_numbers_are_recomputed(lab: Lab) -> None:
    known = recording(lab.slug)
    assert known is not None
    again = [made_up(lab).recompute([one for one in known.findings if one["seed"] == seed]) for seed in known.seeds]
    assert again[0]
    for name in again[0]:
        # a recording keeps five digits of what was measured, and of each ratio that was taken before
        assert known.numbers[name].values == pytest.approx([one[name] for one in again], rel=1e-4, abs=1e-9), name
    printed = str(known.explanation) + str(claims(known)) + str(thresholds(known))
    styles = {one.number: one.style for one in (*lab.evidence, *lab.effects)}
    shown = [name for name in again[0] if name in styles]
    assert shown
    for name in shown:
        assert f"{known.numbers[name]:{styles[name]}}".replace("\u00a0", "\\xa0") in printed, name
