"""Gradients along a line against autograd point by point; the autocorrelation against its double sum and on noise."""

from __future__ import annotations

import pytest
import torch

from resnet_viz.instruments import autocorrelation, line, line_gradients
from resnet_viz.spec import preset
from tests.instruments.test_lesion import images, shaken

NETWORK = preset("tiny_resnet8")


def test_a_line_has_equal_steps_and_both_ends() -> None:
    first, last = images(NETWORK, 2)
    points = line(first, last, 9)
    assert torch.equal(points[0], first) and torch.allclose(points[-1], last)
    for i, point in enumerate(points):
        assert torch.allclose(point, first + (last - first) * i / 8, atol=1e-6)


@pytest.mark.parametrize("output", [None, 3])
def test_each_row_is_the_gradient_at_its_image_alone(output: int | None) -> None:
    model, x = shaken(NETWORK), images(NETWORK)
    found = line_gradients(model, x, output)
    assert found.shape == (6, 64)
    for row, image in zip(found, x, strict=True):
        point = image[None].clone().requires_grad_()
        scores = model(point)[0]
        (alone,) = torch.autograd.grad(scores.sum() if output is None else scores[output], point)
        assert torch.allclose(row, alone.flatten(), rtol=1e-4, atol=1e-6)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_autocorrelation_is_its_double_sum() -> None:
    rows = torch.randn(7, 3, generator=torch.Generator().manual_seed(0)).cumsum(0).double()
    mean = [sum(row[d].item() for row in rows) / 7 for d in range(3)]
    power = sum((row[d].item() - mean[d]) ** 2 for row in rows for d in range(3)) / 7
    for lag in range(7):
        pairs = [
            (rows[i][d].item() - mean[d]) * (rows[i + lag][d].item() - mean[d])
            for i in range(7 - lag)
            for d in range(3)
        ]
        expected = sum(pairs) / (7 - lag) / power
        assert autocorrelation(rows, [lag]) == (pytest.approx(expected, rel=1e-9),)


def test_white_noise_forgets_at_once_and_brown_noise_slowly() -> None:
    white = torch.randn(256, 50, generator=torch.Generator().manual_seed(1))
    brown = white.cumsum(0)
    assert autocorrelation(white, [0, 1, 15]) == (
        pytest.approx(1), pytest.approx(0, abs=0.03), pytest.approx(0, abs=0.03),
    )  # fmt: skip
    first, later = autocorrelation(brown, [1, 15])
    assert first > 0.95 and 0.6 < later < first


def test_what_has_no_autocorrelation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^lag 4 is not from 0 to 3$"):
        autocorrelation(torch.eye(4), [1, 4])
    with pytest.raises(
        ValueError, match=r"^all gradients along the line are equal: their autocorrelation is not defin"
    ):
        autocorrelation(torch.ones(4, 2), [1])
