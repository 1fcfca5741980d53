"""Cluttered digits: the same bytes everywhere, no source digit in both parts, and each step against a slow one."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys

import numpy as np
import pytest

from resnet_viz.data import cluttered_digits as made
from resnet_viz.data import examples, load
from resnet_viz.data.cluttered_digits import CHUNK, SIDE, Draws, chunk, sources
from resnet_viz.spec import DATASETS

DIGESTS = {
    "train_x": "17353a659507cf6a7abb7982235bd811",
    "train_y": "95e4a90b3af21da109ae0abc3ffe7679",
    "test_x": "2fc03f2a0ea089bc43d1ad7d03005b55",
    "test_y": "9fbb5117ee2f5cec5e1da4c8db96e406",
}
"""Blake2b of the little-endian values. They may never change: links and runs name these images."""


def test_every_machine_makes_the_same_bytes() -> None:
    data, found = load("cluttered_digits"), {}
    for name in DIGESTS:
        values = getattr(data, name).numpy()
        whole = np.rint(values * 255).astype(np.uint8) if name.endswith("x") else values.astype(np.uint8)
        found[name] = hashlib.blake2b(whole.tobytes(), digest_size=16).hexdigest()
    assert found == DIGESTS


def test_no_source_digit_is_in_both_parts() -> None:
    train, test = sources("train"), sources("test")
    assert (len(train.images), len(test.images)) == (1500, 297)
    digits = load("digits")
    for mine, theirs in ((train, digits.train_x), (test, digits.test_x)):
        assert np.array_equal(mine.images, theirs[:, 0].numpy())
    seen = {image.tobytes() for image in train.images}
    assert not any(image.tobytes() in seen for image in test.images)


def test_every_class_has_the_same_number_of_images() -> None:
    data = load("cluttered_digits")
    for labels, total in ((data.train_y, 8000), (data.test_y, 1500)):
        assert np.bincount(labels.numpy()).tolist() == [total // 10] * 10


def test_a_chunk_needs_none_before_it_and_is_what_is_loaded() -> None:
    images, labels = chunk(sources("train"), 3)
    data = load("cluttered_digits")
    place = slice(3 * CHUNK, 4 * CHUNK)
    assert np.array_equal(np.rint(data.train_x[place, 0].numpy() * 255), images)
    assert np.array_equal(data.train_y[place].numpy(), labels)


def test_draws_are_pcg64s_own_numbers() -> None:
    """The generator's ``random`` is (raw >> 11) / 2**53 in every numpy so far; where it stays so, both agree."""
    theirs = np.random.Generator(np.random.PCG64([3, 4]))
    assert np.array_equal(Draws(3, 4).between(0, 1, 5, 2), theirs.random((5, 2)))
    draws = Draws(1)
    below = draws.below(7, 70_000)
    assert np.bincount(below, minlength=7) == pytest.approx([10_000] * 7, rel=0.05)
    bell = draws.bell(100_000)
    assert (bell.mean(), bell.std()) == (pytest.approx(0, abs=0.02), pytest.approx(1, abs=0.02))


def test_warping_is_the_affine_map_and_bilinear_reading_written_out() -> None:
    image = sources("train").images[:3]
    found = made.warped(image, Draws(9))
    draws = Draws(9)
    half = draws.between(-made.TURN, made.TURN, 3) / 2
    angles = 2 * np.arctan(half)
    shrink = 1 / draws.between(*made.SCALE, 3)
    shear = draws.between(-made.SHEAR, made.SHEAR, 3)
    across, down = draws.between(-made.SHIFT, made.SHIFT, 3), draws.between(-made.SHIFT, made.SHIFT, 3)
    for n, row, column in ((0, 8, 8), (0, 3, 5), (1, 7, 10), (2, 12, 6), (2, 0, 0)):
        x, y = column - 7.5 - across[n], row - 7.5 - down[n]
        v = shrink[n] * (math.cos(angles[n]) * y - math.sin(angles[n]) * x)
        u = shrink[n] * (math.cos(angles[n]) * x + math.sin(angles[n]) * y) + shear[n] * v
        expected = sum(
            image[n, i, j] * max(0, 1 - abs(v + 3.5 - i)) * max(0, 1 - abs(u + 3.5 - j))
            for i in range(8)
            for j in range(8)
        )
        assert found[n, row, column] == pytest.approx(expected, abs=1e-12)


def test_pieces_only_brighten_and_cover_at_most_their_area() -> None:
    images = made.warped(sources("train").images[:CHUNK], Draws(1))
    found = made.cluttered(images, Draws(2))
    assert (found >= images).all()
    changed = (found != images).sum((1, 2))
    assert changed.mean() > 0 and changed.max() <= made.PIECES * made.PIECE**2


def test_halves_are_negative_on_one_side_of_a_line_and_untouched_on_the_other() -> None:
    images = np.full((40, SIDE, SIDE), 0.25)
    found = made.halved(images, Draws(5))
    assert set(np.unique(found)) == {0.25, 0.75}
    for image in found == 0.75:
        assert 0.05 < image.mean() < 0.95
        # A half plane and its complement are convex: along every row and column the sides change at most once.
        for lines in (image, image.T):
            assert (np.abs(np.diff(lines.astype(int), axis=1)).sum(1) <= 1).all()


@pytest.mark.parametrize("name", DATASETS)
def test_examples_are_training_images_of_each_class(name: str) -> None:
    data, shown = load(name), examples(name, 2)
    assert shown.shape == (data.train_y.max() + 1, 2, *data.train_x.shape[1:]) and shown.dtype == np.uint8
    for label, pair in enumerate(shown):
        first = data.train_x[data.train_y == label][:2].numpy()
        assert np.abs(first * 255 - pair).max() <= 0.5


def test_examples_need_no_torch() -> None:
    code = "import sys; from resnet_viz.data import examples; "
    code += "".join(f"examples({name!r}); " for name in DATASETS) + "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
