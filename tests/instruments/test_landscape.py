"""The landscape against formulas: norms filter by filter, losses at shifted weights, curvature of known surfaces."""

from __future__ import annotations

import copy
import itertools
import math

import pytest
import torch
from torch.nn import functional

from resnet_viz.instruments import directions, grid, negative_curvature, surface
from resnet_viz.spec import preset
from tests.instruments.test_lesion import images, shaken

NETWORK = preset("tiny_resnet8")
LABELS = torch.tensor([0, 1, 2, 3, 4, 5])


def test_each_filter_of_a_direction_has_the_norm_of_the_models_own() -> None:
    model = shaken(NETWORK)
    first, second = directions(model, seed=1)
    for name, weight in model.named_parameters():
        for direction in (first, second):
            if weight.dim() == 1:
                assert not direction[name].any()
                continue
            for mine, theirs in zip(direction[name], weight, strict=True):
                assert mine.norm().item() == pytest.approx(theirs.norm().item(), rel=1e-4)
    assert not torch.equal(first["conv1.weight"], second["conv1.weight"])
    assert torch.equal(directions(model, seed=1)[1]["fc.weight"], second["fc.weight"])


@pytest.mark.parametrize("side", [2, 3, 5, 15, 16])
def test_a_grid_has_each_point_once_and_every_level_is_a_whole_picture(side: int) -> None:
    points = list(grid(side))
    assert sorted(point[:2] for point in points) == [(i, j) for i in range(side) for j in range(side)]
    levels = [level for *_, level in points]
    assert levels == sorted(levels) and levels[0] == 0
    for level in range(levels[-1] + 1):
        rows = sorted({row for row, _, of in points if of <= level})
        assert {point[:2] for point in points if point[2] <= level} == {(i, j) for i in rows for j in rows}
        assert len({b - a for a, b in itertools.pairwise(rows)}) <= 1


def test_a_grid_of_one_point_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^a grid of 1 points a side has no surface: use 2 or more$"):
        next(grid(1))


@pytest.mark.parametrize("batch_statistics", [False, True])
def test_each_point_is_the_loss_at_the_shifted_weights(batch_statistics: bool) -> None:
    model, x = shaken(NETWORK), images(NETWORK)
    plane = directions(model, seed=2)
    before = copy.deepcopy(model.state_dict())
    found = list(surface(model, x, LABELS, plane, side=3, span=0.5, batch_statistics=batch_statistics))
    assert len(found) == 9
    for point in found:
        moved = copy.deepcopy(model).train(batch_statistics)
        with torch.no_grad():
            for name, weight in moved.named_parameters():
                weight += 0.5 * (point.column - 1) * plane[0][name] + 0.5 * (point.row - 1) * plane[1][name]
            assert point.loss == pytest.approx(functional.cross_entropy(moved(x), LABELS).item(), rel=1e-4)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_whoever_stops_asking_has_stopped_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model, asked = shaken(NETWORK), []
    points = surface(
        model, images(NETWORK), LABELS, directions(model), side=15, loss=lambda s, y: asked.append(1) or s.sum() * 0
    )
    assert [next(points).level, next(points).level] == [0, 0]
    points.close()
    assert len(asked) == 2


def values(function: object, side: int = 7) -> list[list[float]]:
    steps = [-1 + 2 * i / (side - 1) for i in range(side)]
    return [[function(x, y) for x in steps] for y in steps]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("function", "share"),
    [
        (lambda x, y: x * x + y * y, 0),
        (lambda x, y: -(x * x) + y * y, 1),
        (lambda x, y: x * x + 3 * x * y + y * y, 1),  # a saddle only along its diagonal
        (lambda x, y: x * x + 1.9 * x * y + y * y, 0),
        (lambda x, y: math.cos(math.pi * x) - math.cos(0.5 * math.pi * y), None),
    ],
)
def test_curvature_of_surfaces_that_are_known(function: object, share: float | None) -> None:
    side = 7
    if share is None:  # the sum of the two curvatures' signs, point by point
        inner = [-1 + 2 * i / (side - 1) for i in range(1, side - 1)]
        share = sum(-math.cos(math.pi * x) < 0 or math.cos(0.5 * math.pi * y) < 0 for x in inner for y in inner) / 25
        assert 0 < share < 1
    assert negative_curvature(values(function), 1 / 3) == pytest.approx(share)


def test_points_without_a_value_are_left_out() -> None:
    surface_ = values(lambda x, y: x * x - y * y)
    surface_[0][0] = math.inf
    assert negative_curvature(surface_) == 1
    assert math.isnan(negative_curvature([[math.nan] * 3] * 3))
    with pytest.raises(ValueError, match=r"^the curvature of a surface needs three rows and columns or more$"):
        negative_curvature([[1.0, 2.0]] * 3)


def test_two_surfaces_at_once_leave_gradients_on() -> None:
    model, x = shaken(NETWORK), images(NETWORK)
    pair = [surface(model, x, LABELS, directions(model), side=2) for _ in range(2)]
    for _ in zip(*pair, strict=True):
        assert torch.is_grad_enabled()
    assert torch.is_grad_enabled()
