"""Fewer images and wrong labels: exact counts, the same by the seed, and never in the test set."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resnet_viz.data import load
from resnet_viz.spec import Experiment, Recipe, preset
from resnet_viz.train.selection import balanced_order, data_of, relabelled, selected

labels = st.lists(st.integers(0, 3), min_size=1, max_size=40).map(torch.tensor)


@settings(max_examples=25, deadline=None)
@given(labels, st.integers(0, 2**31 - 1))
def test_the_first_n_take_every_class_in_turn(y: torch.Tensor, seed: int) -> None:
    order = balanced_order(y, seed)
    assert sorted(order.tolist()) == list(range(len(y)))
    totals = torch.bincount(y, minlength=4).tolist()
    for n in range(1, len(y) + 1):
        counts = torch.bincount(y[order[:n]], minlength=4).tolist()
        most = max(counts)
        # A class is behind the fullest by more than one only when it has no more images.
        assert all(count >= most - 1 or count == total for count, total in zip(counts, totals, strict=True))


def test_the_choice_is_random_and_the_seeds() -> None:
    y = load("digits").train_y
    first = balanced_order(y, 0)
    assert torch.equal(first, balanced_order(y, 0))
    assert len(set(first[:200].tolist()) & set(balanced_order(y, 1)[:200].tolist())) < 60
    assert first[:200].float().std() > 300  # from all over the set


@settings(max_examples=25, deadline=None)
@given(labels, st.floats(0, 1), st.integers(0, 2**31 - 1))
def test_the_share_of_wrong_labels_is_exact_and_grows_in_place(y: torch.Tensor, share: float, seed: int) -> None:
    found = relabelled(y, 4, share, seed)
    assert int((found != y).sum()) == round(share * len(y))
    assert set(found.tolist()) <= {0, 1, 2, 3}
    more = relabelled(y, 4, 1, seed)
    assert torch.equal(found[found != y], more[found != y])


def test_each_other_class_is_as_likely() -> None:
    y = torch.zeros(30_000, dtype=torch.int64)
    counts = torch.bincount(relabelled(y, 4, 1, 0), minlength=4).tolist()
    assert counts[0] == 0 and counts[1:] == pytest.approx([10_000] * 3, rel=0.05)


def test_all_images_with_their_own_labels_are_the_very_data_set() -> None:
    data = load("digits")
    assert selected(data, Recipe(seed=5)) is data


def test_an_experiment_trains_on_the_choice_and_is_tested_on_everything() -> None:
    recipe = Recipe(train_images=200, label_noise=0.2, seed=3, epochs=2)
    experiment = Experiment(contestants={"a": preset("tiny_resnet8")}, recipe=recipe)
    assert (experiment.data.train, experiment.steps_per_epoch, experiment.steps) == (200, 2, 4)
    whole, data = load("digits"), data_of(experiment)
    order = balanced_order(whole.train_y, 3)[:200]
    assert torch.equal(data.train_x, whole.train_x[order])
    assert int((data.train_y != whole.train_y[order]).sum()) == 40
    assert data.test_x is whole.test_x and data.test_y is whole.test_y
