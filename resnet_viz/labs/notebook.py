"""A lab as a notebook (nbformat 4): runs top to bottom with this package alone, through its public interface."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .lab import Lab


def notebook(lab: Lab, seeds: Sequence[int] = (0,)) -> str:
    """The notebook's JSON."""
    sources = "\n".join(f"- {one.name}, {one.where}: <{one.url}>" for one in lab.sources)
    guesses = "\n\n".join(
        f"{guess.prompt}\n" + "\n".join(f"- {words}" for words in guess.choices.values())
        for guess in lab.guesses.values()
    )
    cells = [
        _markdown(f"# {lab.question}\n\n{lab.beforehand}"),
        _markdown(f"## Predict\n\n{guesses}"),
        _markdown("## Observe\n\nThis trains, on a CPU for about a minute a seed; every finding is raw data."),
        _code(f"import resnet_viz as rv\n\nseen = rv.run_lab({lab.slug!r}, seeds={tuple(seeds)!r}, told=print)"),
        _code("seen.figure()"),
        _code("seen.table()"),
        _markdown("## Explain\n\nThe text follows from the numbers of the run above."),
        _code("print(seen.verdict)\nprint(seen.explanation)\nprint(seen.agreement)"),
        _code("{name: number.values for name, number in seen.numbers.items()}"),
        _markdown(f"## Sources\n\n{lab.comparable}\n\n{sources}"),
    ]
    made = {
        "cells": [cell | {"id": f"cell-{i}"} for i, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(made, indent=1, ensure_ascii=False)


def _markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _code(text: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": text, "outputs": [], "execution_count": None}
