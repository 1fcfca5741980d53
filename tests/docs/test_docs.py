"""Every axis, value, preset and command has its line in the docs, and the tables say what is counted now."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import typer
from click import Group

import resnet_viz.spec as spec
from resnet_viz.cli import cli
from resnet_viz.inspect import summarize
from resnet_viz.spec import preset, preset_info, presets
from resnet_viz.spec.block import Frozen
from tests.docs import labs as lab_table
from tests.docs import tables

ROOT = Path(__file__).parents[2]
CATALOGUE = tables.PAGE.read_text(encoding="utf-8")
COMMANDS = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in ("docs/command-line.md", "README.md"))
MODELS = (
    spec.Block, spec.Lane, spec.LaneConv, spec.Network, spec.Input, spec.Stem, spec.Stage, spec.Override, spec.Head,
    spec.Init, spec.DropPath,
)  # fmt: skip
FIELDS = [(model, name) for model in MODELS for name in model.model_fields]


def literals(annotation: Any) -> set[str]:
    """The values of a Literal, "" where it is none."""
    return {str(value) for value in get_args(annotation)} if get_origin(annotation) is Literal else set()


@pytest.mark.parametrize(("model", "name"), FIELDS, ids=[f"{m.__name__}.{n}" for m, n in FIELDS])
def test_every_axis_and_each_of_its_values_has_a_line(model: type[Frozen], name: str) -> None:
    key = f"`{model.__name__.lower()}.{name}`"
    lines = [line for line in CATALOGUE.splitlines() if line.startswith("|") and key in line.split("|")[1]]
    assert len(lines) == 1, f"docs/catalogue.md has no row for {key}"
    values = re.findall(r"`([^`]+)`", lines[0].split("|")[2])
    missing = literals(model.model_fields[name].annotation) - set(values)
    assert not missing, f"{key} has no {missing} in docs/catalogue.md"
    if literals(model.model_fields[name].annotation):
        assert values[0] == str(model.model_fields[name].default), f"the default of {key} comes first"


def test_no_line_is_about_what_is_not_there() -> None:
    rows = [line.split("|")[1] for line in CATALOGUE.splitlines() if re.match(r"\| `\w+\.", line)]
    known = {f"{model.__name__.lower()}.{name}" for model, name in FIELDS}
    assert {key for row in rows for key in re.findall(r"`([^`]+)`", row)} == known


def test_the_tables_are_those_of_now() -> None:
    assert tables.written(CATALOGUE) == CATALOGUE, "run: python -m tests.docs.tables"


def test_the_lab_of_adding_a_lab_is_one() -> None:
    page = (ROOT / "docs" / "adding-a-lab.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    package = "resnet_viz.labs.questions"
    names: dict[str, Any] = {"__name__": f"{package}.warm_up", "__package__": package}
    exec(compile(code, "adding-a-lab.md", "exec"), names)
    lab = names["LAB"]
    found = [{"seed": 0, "warm_up": steps, "epoch": 8, "train_error": error} for steps, error in ((0, 0.3), (8, 0.1))]
    assert lab.verdict(lab.numbers(found)) == "present"
    assert lab.outcome("gain", lab.numbers(found)) == "present"
    assert len(lab.figure(found, "light").data) == 2
    assert [row["Train error"] for row in lab.table(found)] == ["30\u00a0%", "10\u00a0%"]


def test_the_table_of_labs_is_that_of_now() -> None:
    text = lab_table.PAGE.read_text(encoding="utf-8")
    assert lab_table.written(text) == text, "run: python -m tests.docs.labs"


@pytest.mark.parametrize("name", presets())
def test_every_preset_has_a_line(name: str) -> None:
    assert sum(line.startswith(f"| `{name}` |") for line in CATALOGUE.splitlines()) == 1


def commands() -> Group:
    """All commands of the command line."""
    group = typer.main.get_command(cli)
    assert hasattr(group, "commands")
    return group  # type: ignore[return-value]


@pytest.mark.parametrize("name", sorted(name for name, command in commands().commands.items() if not command.hidden))
def test_every_command_and_option_has_a_line(name: str) -> None:
    lines = [line for line in COMMANDS.splitlines() if f"python -m resnet_viz {name}" in line]
    assert lines, f"docs/command-line.md has no line for {name}"
    about = COMMANDS.partition(f"`python -m resnet_viz {name}")[2].partition("\n- `")[0]
    for parameter in commands().commands[name].params:
        for option in parameter.opts:
            assert not option.startswith("--") or option in about, f"{name} {option} has no word in the docs"


def exactly(name: str) -> set[str]:
    """What prose may say of a preset to the last digit: parameters and torchinfo's multiply-adds, with and without
    what the norms have of them, and the norms' share alone."""
    summary = summarize(preset(name))
    norms = [row for row in summary.rows if row.kind == "norm"]
    scales, seen = sum(row.params for row in norms), sum(row.macs_torchinfo for row in norms)
    numbers = (summary.params, summary.params - scales, summary.macs_torchinfo, summary.macs_torchinfo - seen, seen)
    return {f"{number:,}" for number in numbers}


def paragraphs() -> list[tuple[list[str], str]]:
    """Each paragraph about presets outside the tables with the presets that it is about, and each preset's note."""
    found = []
    for text in re.split(r"\n(?=- )", CATALOGUE.partition("## What could not be matched")[2]):
        about = [name for bold in re.findall(r"\*\*([^*]+)\*\*", text) for name in bold.split(", ")]
        found.append(([name for name in about if name in presets()], text))
    return found + [([name], preset_info(name).note) for name in presets()]


def test_exact_numbers_in_prose_are_those_of_now() -> None:
    checked = 0
    for about, text in paragraphs():
        said = set(re.findall(r"\b\d{1,3}(?:,\d{3})+\b", text))
        if said:
            assert said <= set().union(*map(exactly, about)), text
            checked += len(said)
    assert checked >= 14, "the paragraphs and notes were found"
