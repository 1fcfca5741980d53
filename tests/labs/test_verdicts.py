"""Every lab says what its numbers show: effect present, absent, reversed, each driven with findings made up for it."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

import pytest

from resnet_viz.draw.canvas import empty
from resnet_viz.draw.colours import Theme
from resnet_viz.labs import VERDICTS, Finding, Lab, Verdict, labs

ALL = [pytest.param(lab, id=lab.slug) for lab in labs()]


def made_up(lab: Lab) -> Any:
    """tests/labs/made_up has a module for each lab, of the same name as its own."""
    return import_module(f"tests.labs.made_up.{lab.measure.__module__.rpartition('.')[2]}")


def findings(lab: Lab, verdict: Verdict) -> list[Finding]:
    found: list[Finding] = made_up(lab).MADE_UP[verdict]
    return found


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("lab", ALL)
def test_it_says_what_the_numbers_show(lab: Lab, verdict: Verdict) -> None:
    found = findings(lab, verdict)
    numbers = lab.numbers(found)
    assert lab.verdict(numbers) == verdict
    said = lab.explanation(numbers)
    assert said is not None
    assert len(said) > 40
    assert not re.search(r"[{}]|no finite", said)
    assert lab.table(found)
    assert {name: lab.outcome(name, numbers) for name in lab.guesses} == made_up(lab).OUTCOMES[verdict]


@pytest.mark.parametrize("lab", ALL)
def test_the_three_texts_differ_and_every_slot_is_a_number(lab: Lab) -> None:
    assert set(lab.explain) == set(VERDICTS)
    assert len(set(lab.explain.values())) == 3
    for row in lab.evidence:
        assert (
            any(row.number in lab.read(findings(lab, verdict)) for verdict in VERDICTS)
            or row.prototype
            or (row.published)
        ), row.number


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("lab", ALL)
def test_pictures_and_tables_of_partial_findings(lab: Lab, theme: Theme) -> None:
    whole = findings(lab, "present")
    for count in {0, 1, len(whole) // 2, len(whole)}:
        part = whole[:count]
        figure = lab.figure(part, theme)
        assert figure.layout.xaxis.title.text is not None
        assert empty(figure) if not part else count < len(whole) or not empty(figure)
        assert len(lab.table(part)) <= len(whole)
        assert lab.verdict(lab.numbers(part)) in (*VERDICTS, None)
    assert lab.verdict(lab.numbers([])) is None


@pytest.mark.parametrize("lab", ALL)
def test_what_is_predicted_has_an_outcome_for_each_choice_that_can_come_true(lab: Lab) -> None:
    assert lab.guesses
    for name, guess in lab.guesses.items():
        assert len(guess.choices) >= 2
        came = {made_up(lab).OUTCOMES[verdict][name] for verdict in VERDICTS}
        assert came - {None} <= set(guess.choices), "an outcome that nobody could predict"
