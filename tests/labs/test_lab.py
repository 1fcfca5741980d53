"""Numbers with their spread, findings gathered by repeat, and verdicts from thresholds."""

from __future__ import annotations

import pytest

from resnet_viz.draw.wording import NBSP
from resnet_viz.labs import Effect, Number, Observation, collect, find, labs, written
from resnet_viz.labs.running import _plain

SPREAD = "In brackets: their range."


@pytest.mark.parametrize(("values", "style", "text"), [
    ((0.66,), "percent", f"66{NBSP}%"),
    ((0.61, 0.74, 0.66), "percent", f"66{NBSP}% (61 to 74)"),
    ((0.2, 0.4), "points", f"30{NBSP}points (20 to 40)"),
    ((1.2e-5, 1.4e-5, 1.4e-5), "times", f"1.4 × 10⁻⁵{NBSP}× (1.2 × 10⁻⁵ to 1.4 × 10⁻⁵)"),
    ((0.61, 0.74, 0.66), "percent!", f"66{NBSP}%"),
    ((0.001, 0.001), "percent", f"0.1{NBSP}%"),
    ((1540.0,), "times", f"1,540{NBSP}×"),
    ((-0.25,), "points", f"−25{NBSP}points"),
    ((4089184256.0,), "amount", f"4.09{NBSP}G"),
    ((25557032.0,), "count", "25,557,032"),
    ((-0.5,), "decimal", "−0.50"),
])  # fmt: skip
def test_a_number_brings_its_spread(values: tuple[float, ...], style: str, text: str) -> None:
    assert f"{Number(values):{style}}" == text


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^a number can be written as percent, .*, not as 'per cent'$"):
        written(0.5, "per cent")


def test_the_last_finding_of_each_repeat_counts() -> None:
    found = [
        {"seed": 0, "net": "plain", "error": 0.9},
        {"seed": 0, "net": "plain", "error": 0.5},
        {"seed": 1, "net": "plain", "error": 0.7},
        {"seed": 1, "net": "residual", "error": None},
        {"seed": 1, "error": 0.1},
    ]
    assert collect(found, ("net",), "error") == {("plain",): Number((0.5, 0.7))}


@pytest.mark.parametrize(("value", "verdict"), [(0.1, "present"), (0.09, "absent"), (-0.1, "reversed"),
                                                (-0.09, "absent")])  # fmt: skip
def test_thresholds_belong_to_what_they_decide(value: float, verdict: str) -> None:
    assert Effect("gap", "gap", 0.1, -0.1).of(Number((value,))) == verdict


def test_a_finding_is_what_json_has() -> None:
    assert _plain({"a": (1, 2.5, float("nan"), float("-inf"), None, "x", True)}) == {
        "a": [1, 2.5, None, None, None, "x", True]
    }
    with pytest.raises(TypeError, match=r"^a finding holds what JSON has, not object$"):
        _plain([object()])


def test_labs_are_found_by_their_names() -> None:
    assert [lab.number for lab in labs()] == sorted({lab.number for lab in labs()})
    assert all(find(lab.slug) is lab for lab in labs())
    with pytest.raises(KeyError, match="there is no lab 'nothing': the labs are degradation, "):
        find("nothing")


def test_a_verdict_across_repeats_is_that_of_the_medians() -> None:
    lab = find("degradation")
    from tests.labs.made_up.degradation import ends

    found = []
    for seed, error in enumerate((0.02, 0.6, 0.7)):
        found += [one | {"seed": seed} for one in ends((0.0, error), (0.0, 0.0))]
    assert lab.verdict(lab.numbers(found)) == "present"
    assert lab.verdicts(found) == {0: "absent", 1: "present", 2: "present"}


@pytest.mark.parametrize(("errors", "words"), [
    ((0.6,), ""),
    ((0.6, 0.7), f"Each of 2 repeats shows this by itself. {SPREAD}"),
    ((0.02, 0.6, 0.7), f"2 of 3 repeats show this alone; the text follows the medians. {SPREAD}"),
])  # fmt: skip
def test_how_many_repeats_agree_is_said(errors: tuple[float, ...], words: str) -> None:
    from tests.labs.made_up.degradation import ends

    found = [one | {"seed": s} for s, error in enumerate(errors) for one in ends((0.0, error), (0.0, 0.0))]
    assert Observation(find("degradation"), tuple(range(len(errors))), tuple(found)).agreement == words
