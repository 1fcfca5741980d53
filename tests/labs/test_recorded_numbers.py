"""What some labs print, computed once more from their recordings without the labs' own code."""

from __future__ import annotations

from statistics import mean, median
from typing import Any

import numpy as np
import pytest

from resnet_viz.labs import Observation, find
from resnet_viz.labs.recorded import load, place


def recorded(slug: str) -> Observation:
    return load(place(find(slug)))


def last(observation: Observation, value: str, seed: int, **what: Any) -> float:
    """The value of the last finding of that repeat with those fields."""
    found = [
        one[value]
        for one in observation.findings
        if one["seed"] == seed and value in one and all(one.get(name) == wanted for name, wanted in what.items())
    ]
    return float(found[-1])


def test_paths() -> None:
    seen = recorded("paths")
    rises, gains, ones = [], [], []
    for seed in seen.seeds:
        whole = last(seen, "test_error", seed, net="inception", how="whole", epoch=8)
        gone = [last(seen, "test_error", seed, net="inception", how="everywhere", path=path) for path in "1234"]
        again = [last(seen, "test_error", seed, net="inception", path=path, epoch=8) for path in "1234"]
        rises.append(mean(gone) - whole)
        gains.append(mean(gone) - mean(again))
        blocks = [
            one["test_error"]
            for one in seen.findings
            if one["seed"] == seed and one["net"] == "inception" and one.get("how") == "one"
        ]
        assert len(blocks) == 4 * 6
        ones.append(mean(blocks))
    assert seen.numbers["rise"].values == pytest.approx(rises)
    assert seen.numbers["regained"].values == pytest.approx(gains)
    assert seen.numbers["one_mean"].values == pytest.approx(ones)
    assert median(rises) >= 0.2 and seen.verdict == "present"


def test_nested_classes() -> None:
    seen = recorded("nested-classes")
    jumps, curves = [], []
    for seed in seen.seeds:
        assert last(seen, "apart", seed, net="zero") == 0
        moved = [last(seen, f"loss_{when}", seed, net="random") for when in ("after", "before")]
        jumps.append(moved[0] - moved[1])
        errors = [last(seen, "test_error", seed, layers=8, width=width, noise=0.2, epoch=40) for width in (2, 8, 32)]
        curves.append(min(errors[0], errors[1]) - errors[2])
    assert seen.numbers["jump_random"].values == pytest.approx(jumps)
    assert seen.numbers["no_curve"].values == pytest.approx(curves)
    assert seen.numbers["digits"].values == (16.0, 16.0, 16.0)
    assert seen.numbers["dearer"].median == pytest.approx(
        last(seen, "macs", 0, layers=56, width=8) / last(seen, "macs", 0, layers=8, width=8, noise=0.0)
    )


def test_first_layers() -> None:
    seen = recorded("first-layers")
    stuck, gap, norms = [], [], []
    for seed in seen.seeds:
        ends = [last(seen, "test_error", seed, part="top", net=f"bad_{how}", epoch=4) for how in ("frozen", "free")]
        stuck.append(ends[0] - ends[1])
        deep = [last(seen, "train_error", seed, part="deep", net=net) for net in ("plain", "residual")]
        gap.append(deep[0] - deep[1])
        for one in seen.findings:
            if (one["seed"], one["part"], one["net"]) == (seed, "deep", "residual"):
                norms.append(one["norms"][11])
    assert seen.numbers["stuck"].values == pytest.approx(stuck)
    assert seen.numbers["gap"].values == pytest.approx(gap)
    assert seen.numbers["norm_residual"].values == pytest.approx(norms)


def test_landscape() -> None:
    seen = recorded("landscape")
    for place_of_seed, seed in enumerate(seen.seeds):
        for net in ("plain", "residual"):
            losses = next(
                np.array(one["losses"])
                for one in seen.findings
                if one["seed"] == seed and one["part"] == "surface" and one["net"] == net and one["whole"]
            )
            down = [
                np.linalg.eigvalsh(hessian(losses, row, column))[0] < 0
                for row in range(1, len(losses) - 1)
                for column in range(1, len(losses) - 1)
            ]
            assert seen.numbers[f"curved_{net}"].values[place_of_seed] == pytest.approx(np.mean(down))


def hessian(losses: Any, row: int, column: int) -> Any:
    """Second differences at an inner point."""
    here = losses[row, column]
    across = losses[row, column + 1] - 2 * here + losses[row, column - 1]
    down = losses[row + 1, column] - 2 * here + losses[row - 1, column]
    corners = losses[row + 1, column + 1] - losses[row + 1, column - 1]
    mixed = (corners - losses[row - 1, column + 1] + losses[row - 1, column - 1]) / 4
    return np.array([[across, mixed], [mixed, down]])
