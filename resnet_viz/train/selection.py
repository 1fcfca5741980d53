"""Which of a data set's training images a recipe takes, and with which labels; the test images stay as they are."""

from __future__ import annotations

from dataclasses import replace

import torch

from ..data import Dataset, load
from ..nn.initialisers import generator
from ..spec import Experiment, Recipe


def data_of(experiment: Experiment) -> Dataset:
    """The experiment's data set as its recipe takes it, on the CPU."""
    return selected(load(experiment.dataset), experiment.recipe)


def selected(data: Dataset, recipe: Recipe) -> Dataset:
    """The data set with the first ``train_images`` of :func:`balanced_order`, their labels through :func:`relabelled`.

    The same object where the recipe takes all images with their own labels. All contestants see the same, and the
    train error counts the images and labels that are trained on. Deterministic by the recipe's seed.
    """
    if recipe.train_images is not None:
        order = balanced_order(data.train_y, recipe.seed)[: recipe.train_images]
        data = replace(data, train_x=data.train_x[order], train_y=data.train_y[order])
    if recipe.label_noise:
        labels = relabelled(data.train_y, len(data.classes), recipe.label_noise, recipe.seed)
        data = replace(data, train_y=labels)
    return data


def balanced_order(labels: torch.Tensor, seed: int) -> torch.Tensor:
    """All places of ``labels`` [N], int64 [N]: a random image of each class in turn, as long as a class has any.

    So the first n hold equally many of each class, give or take one, and are among the first n + 1.
    """
    source = generator(seed, "choice of training images")
    shuffled = torch.randperm(len(labels), generator=source)
    turn = torch.empty(len(labels), dtype=torch.int64)
    for label in range(int(labels.max()) + 1):
        mine = shuffled[labels[shuffled] == label]
        turn[mine] = torch.arange(len(mine))
    return shuffled[torch.argsort(turn[shuffled], stable=True)]


def relabelled(labels: torch.Tensor, classes: int, share: float, seed: int) -> torch.Tensor:
    """Labels int64 [N] of which round(share N) are replaced by another class, each other class as likely.

    Zhang et al. 2017 (arXiv 1611.03530, Sect. 2) draw from all classes, so that a tenth of theirs stays right with
    ten; here the share is that of wrong labels. A larger share replaces the same labels and more.
    """
    source = generator(seed, "label noise")
    chosen = torch.randperm(len(labels), generator=source)[: round(share * len(labels))]
    shift = torch.randint(1, classes, (len(labels),), generator=source)
    found = labels.clone()
    found[chosen] = (labels[chosen] + shift[chosen]) % classes
    return found
