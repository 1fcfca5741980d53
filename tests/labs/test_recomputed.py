"""Every number that a lab prints is that of its stored findings, computed once more without the lab's own code."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from resnet_viz.labs import VERDICTS, Lab, Observation, Verdict, labs, recording
from tests.labs.printed import Printed, of, read, values

ALL = [pytest.param(lab, id=lab.slug) for lab in labs()]
ROUNDED = 1e-4
"""A recording keeps five digits of what was measured, and of each ratio that was taken before."""


def made_up(lab: Lab) -> Any:
    return import_module(f"tests.labs.made_up.{lab.measure.__module__.rpartition('.')[2]}")


def again(seen: Observation) -> dict[str, list[float]]:
    """Every number by name, one value for each repeat that has it."""
    found: dict[str, list[float]] = {}
    for seed in seen.seeds:
        rows = [one for one in seen.findings if one["seed"] == seed]
        for name, value in made_up(seen.lab).recompute(rows).items():
            found.setdefault(name, []).append(value)
    return found


def compare(seen: Observation) -> None:
    """Each printed number is a recomputed one, by its value and by its text."""
    known, printed = again(seen), list(of(seen))
    missing = {one.name for one in printed if one.text != "not measured"} - set(known)
    assert not missing, f"recompute of {seen.lab.slug} leaves out {sorted(missing)}"
    for one in printed:
        if one.text == "not measured":
            assert one.name not in known, one
        else:
            assert seen.numbers[one.name].values == pytest.approx(known[one.name], rel=ROUNDED, abs=1e-9), one
            says(one, known[one.name])


def says(one: Printed, values: list[float]) -> None:
    """The text has the median, and least and largest unless they are left out or look the same."""
    wanted = [float(np.median(values)), min(values), max(values)]
    shown = one.values
    if len(shown) == 1:
        spread = 0 if one.style.endswith("!") else max(values) - min(values)
        assert spread <= 2 * shown[0][1] + ROUNDED * abs(wanted[0]), f"{one}: the spread of {values} is not told"
    for (value, half), number in zip(shown, wanted, strict=False):
        assert value == pytest.approx(number, rel=ROUNDED, abs=1.001 * half), one


def compare_tables(seen: Observation) -> None:
    """Each cell is the recomputed one: the label, or its numbers; None stands for words without a number."""
    shown, wanted = seen.table(), made_up(seen.lab).table(list(seen.findings))
    assert [list(row) for row in shown] == [list(row) for row in wanted]
    for cell, known in ((row[key], again[key]) for row, again in zip(shown, wanted, strict=True) for key in row):
        if isinstance(known, str):
            assert cell == known
        elif known is None:
            assert not values(cell), cell
        else:
            numbers, spread = values(cell), [float(np.median(known)), min(known), max(known)]
            right = list(known) if isinstance(known, tuple) else spread[: 3 if " to " in cell else 1]
            assert len(numbers) == len(right), cell
            for (value, half), number in zip(numbers, right, strict=True):
                assert value == pytest.approx(number, rel=ROUNDED, abs=1.001 * half), (cell, known)


@pytest.mark.parametrize("lab", ALL)
def test_every_printed_number_of_the_recorded_run_is_recomputed(lab: Lab) -> None:
    known = recording(lab.slug)
    assert known is not None
    compare(known)
    compare_tables(known)


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("lab", ALL)
def test_so_is_every_number_of_each_text_that_a_run_may_get(lab: Lab, verdict: Verdict) -> None:
    seeds = (0, 1)
    rows = [one | {"seed": seed} for seed in seeds for one in made_up(lab).MADE_UP[verdict]]
    seen = Observation(lab, seeds, tuple(rows))
    assert seen.verdict == verdict
    compare(seen)
    compare_tables(seen)


@pytest.mark.parametrize("lab", ALL)
def test_nothing_of_the_lab_computes_them(lab: Lab) -> None:
    tree = ast.parse(inspect.getsource(made_up(lab)))
    ours = {
        name.asname or name.name
        for one in ast.walk(tree)
        if isinstance(one, ast.ImportFrom) and str(one.module).startswith("resnet_viz")
        for name in one.names
    }
    functions = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
    reached, waiting = set[str](), ["recompute"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            used = {one.id for one in ast.walk(functions[name]) if isinstance(one, ast.Name)}
            assert not used & ours, f"{name} of {lab.slug} uses {used & ours}"
            waiting += used & set(functions)


@pytest.mark.parametrize(("text", "value", "half"), [
    ("66\u00a0%", 0.66, 0.005), ("0.2\u00a0%", 0.002, 0.0005), ("−25\u00a0points", -0.25, 0.005),
    ("1,540\u00a0×", 1540, 0.5), ("2.0 × 10⁻⁵\u00a0×", 2e-5, 5e-7), ("4.09\u00a0G", 4.09e9, 5e6),
    ("−0.50", -0.5, 0.005), ("25,557,032", 25557032, 0.5), ("8.6 × 10⁶", 8.6e6, 5e4),
])  # fmt: skip
def test_a_printed_number_is_read(text: str, value: float, half: float) -> None:
    assert read(text) == pytest.approx((value, half))


def test_a_number_that_is_wrong_or_left_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    known = recording("degradation")
    assert known is not None
    module = made_up(known.lab)
    whole = module.recompute
    monkeypatch.setattr(module, "recompute", lambda rows: {k: v for k, v in whole(rows).items() if k != "gap"})
    with pytest.raises(AssertionError, match=r"recompute of degradation leaves out \['gap'\]"):
        compare(known)
    monkeypatch.setattr(module, "recompute", lambda rows: whole(rows) | {"gap": whole(rows)["gap"] + 0.01})
    with pytest.raises(AssertionError, match="name='gap'"):
        compare(known)
    rows = module.table
    monkeypatch.setattr(module, "table", lambda found: [row | {"Test error": [0.5]} for row in rows(found)])
    with pytest.raises(AssertionError):
        compare_tables(known)
    with pytest.raises(AssertionError):
        says(Printed("claims", "gap", "points", "66\u00a0points"), [0.67])
    with pytest.raises(AssertionError, match="is not told"):
        says(Printed("claims", "gap", "points", "66\u00a0points"), [0.61, 0.66, 0.74])
