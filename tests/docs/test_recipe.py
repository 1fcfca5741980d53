"""Every field of the recipe and each of its values has its line in docs/recipe.md, the default first."""

from __future__ import annotations

import re

import pytest

from resnet_viz.spec import ProbePlan, Recipe
from tests.docs.test_docs import ROOT, literals

PAGE = (ROOT / "docs" / "recipe.md").read_text(encoding="utf-8")
ROWS = {
    row[1].strip(" `"): row[2] for row in (line.split("|") for line in PAGE.splitlines()) if row[0] == "" and row[1:]
}


@pytest.mark.parametrize("name", Recipe.model_fields)
def test_a_field_of_the_recipe_has_a_line_with_its_values(name: str) -> None:
    field = Recipe.model_fields[name]
    values = re.findall(r"`([^`]+)`", ROWS[name])
    assert set(values) == literals(field.annotation)
    default = "norms alone" if field.default == ProbePlan() else "all" if field.default is None else field.default
    assert ROWS[name].strip(" `").startswith(f"{default:g}" if isinstance(default, float) else str(default))


def test_no_line_is_about_what_is_not_there() -> None:
    assert ROWS.keys() - {"field", "---"} == set(Recipe.model_fields)
