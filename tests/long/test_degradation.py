"""The effect that the app exists for, over depths and seeds (He 2016a, Fig. 1 and 6): `make check-long` only.

Each figure is printed (`pytest -s`), and docs/check-long.md keeps the last ones.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import resnet_viz as rv

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def train_errors(store: Path, depth: int, seed: int) -> tuple[float, float]:
    """(plain, residual) train error in percent after the default recipe on digits."""
    contest = rv.Experiment(
        contestants={"plain": rv.preset(f"tiny_plain{depth}"), "residual": rv.preset(f"tiny_resnet{depth}")},
        recipe=rv.Recipe(seed=seed),
    )
    run = rv.train(contest, store=store)
    assert run.state == "finished", run.reason
    plain, residual = (100 * run.evals(name)[-1].train_error for name in ("plain", "residual"))
    print(f"{depth} layers, seed {seed}: plain {plain:.1f} %, residual {residual:.1f} %")
    return plain, residual


def test_plain_56_is_at_least_20_points_behind_for_every_seed(tmp_path: Path) -> None:
    errors = [train_errors(tmp_path, 56, seed) for seed in range(5)]
    assert all(plain - residual >= 20 for plain, residual in errors)
    assert all(residual < 5 for _, residual in errors)


def test_plain_train_error_grows_with_depth_and_residual_does_not(tmp_path: Path) -> None:
    errors = {depth: train_errors(tmp_path, depth, 0) for depth in (8, 20, 32, 56)}
    plain = [errors[depth][0] for depth in (8, 20, 32, 56)]
    assert plain == sorted(plain)
    assert plain[-1] > 40
    assert max(residual for _, residual in errors.values()) < 5
