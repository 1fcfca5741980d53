"""On cluttered digits depth helps: residual-20 beats residual-8 by more than seeds do: `make check-long` only.

Each figure is printed (`pytest -s`), with the process's seconds; docs/datasets.md keeps the last ones.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import mean

import pytest

import resnet_viz as rv
from resnet_viz.spec import fit_to_dataset

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

RECIPE = rv.Recipe(epochs=4, batch=64, schedule="cosine", evaluate_every=4, device="cpu")
SEEDS = (0, 1, 2)


def errors(store: Path, name: str) -> list[float]:
    """Test errors in percent of that preset, one for each seed."""
    found = []
    network, _ = fit_to_dataset(rv.preset(name), "cluttered_digits")
    for seed in SEEDS:
        recipe = RECIPE.model_copy(update={"seed": seed})
        begin = time.process_time()
        race = rv.Experiment(contestants={name: network}, dataset="cluttered_digits", recipe=recipe)
        run = rv.train(race, store=store)
        assert run.state == "finished", run.reason
        last = run.evals(name)[-1]
        train, test = 100 * last.train_error, 100 * last.test_error
        took = time.process_time() - begin
        print(f"{name} seed {seed}: train {train:.1f} %, test {test:.1f} %, {took:.0f} s of processor time")
        found.append(test)
    return found


def test_depth_helps_by_more_than_seeds_differ(tmp_path: Path) -> None:
    shallow, deep, plain = (errors(tmp_path, f"tiny_{kind}") for kind in ("resnet8", "resnet20", "plain20"))
    assert max(deep) < min(shallow), "every seed of the deeper network is better than every seed of the shallow one"
    assert mean(shallow) - mean(deep) > max(deep) - min(deep)
    assert mean(plain) > mean(deep)
