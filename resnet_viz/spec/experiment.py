"""What an experiment *is*: named contestants, one data set, one recipe. The fair race is its contract."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from math import gcd
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from .block import Frozen, Norm
from .datasets import DATASETS, OWN, DatasetInfo, OwnImages, info_of
from .network import MAX_NAME, Network, bounded
from .plans import GROUPS, normed
from .shapes import block_shapes

MAX_CONTESTANTS = 6
MAX_STEPS = 1_000_000


class Recipe(Frozen):
    """How every contestant is trained; the defaults are those of the measured digits races.

    SGD with momentum on mean cross-entropy. ``warmup_steps`` raise the learning rate linearly from
    ``learning_rate / warmup_steps``; ``schedule`` then keeps it, divides it by ten at one half and three
    quarters of the steps (He 2016a, Sect. 4.2), or lets it fall along a half cosine.
    ``pace`` is a ceiling in steps a second for watching (0: as fast as it goes); it changes no number.

    ``precision``: "fp32"; "tf32", where a GPU's convolutions and products keep ten bits of each factor's fraction
    (NVIDIA A100 white paper, 2020); "bf16", where convolutions, products and the maps between them are bfloat16
    while weights, optimizer and loss stay float32 (torch.autocast). ``augment`` "crop_flip": each training image is
    padded by 4 pixels, cropped back at a random place and mirrored by a coin (He 2016a, Sect. 4.2), drawn from the
    seed and the epoch alone. ``evaluate_every`` is the number of epochs from one evaluation to the next; before the
    first step and after the last there is one always.


    ``loss``: "cross_entropy", or "double_softmax", the mistake of a softmax before a cross-entropy that has its own.
    ``train_images``: only so many training images, the first of a random choice that takes the classes in turn;
    ``label_noise``: the share of training labels that are replaced by another class (after Zhang et al. 2017, arXiv
    1611.03530). Both come from the seed; the test set stays whole and clean.
    """

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 8
    batch: Annotated[int, Field(ge=2, le=8192)] = 128
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    learning_rate: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] = 0.1
    momentum: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.9
    weight_decay: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 1e-4
    warmup_steps: Annotated[int, Field(ge=0, le=100_000)] = 8
    schedule: Literal["constant", "step", "cosine"] = "constant"
    pace: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["fp32", "tf32", "bf16"] = "fp32"
    augment: Literal["none", "crop_flip"] = "none"
    evaluate_every: Annotated[int, Field(ge=1, le=10_000)] = 1
    loss: Literal["cross_entropy", "double_softmax"] = "cross_entropy"
    train_images: Annotated[int, Field(ge=2, le=100_000_000)] | None = None
    label_noise: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0


class Experiment(Frozen):
    """Contestants that see the same batches in the same order from the same seed.

    Raises pydantic's ``ValidationError`` when a contestant does not take the data set's images, when its
    name is empty or repeated, or when there are none or more than six.
    ``dataset`` is a name in :data:`~resnet_viz.spec.DATASETS` or the description of a person's own images.
    """

    version: Literal[1] = 1
    contestants: Annotated[dict[str, Network], Field(min_length=1, max_length=MAX_CONTESTANTS)]
    dataset: str | OwnImages = "digits"
    recipe: Recipe = Recipe()

    @field_validator("dataset")
    @classmethod
    def _known(cls, dataset: str | OwnImages) -> str | OwnImages:
        if isinstance(dataset, str) and dataset not in DATASETS:
            if dataset.startswith(OWN):
                raise ValueError(
                    f"dataset {dataset[:50]!r} needs its shapes: `rv.own_images({dataset[len(OWN) : 50]!r})` gives them"
                )
            raise ValueError(f"dataset {dataset[:40]!r} is not known: use one of {', '.join(DATASETS)}")
        return dataset

    @field_validator("contestants")
    @classmethod
    def _named(cls, contestants: dict[str, Network]) -> dict[str, Network]:
        for name in contestants:
            if not name.strip() or len(name) > MAX_NAME or not name.isprintable() or "/" in name:
                raise ValueError(f"contestant {name[:40]!r}: use 1 to {MAX_NAME} printable characters without '/'")
        return contestants

    @model_validator(mode="after")
    def _fits(self) -> Self:
        data, wanted, there = self.data, self.recipe.train_images, info_of(self.dataset).train
        if wanted is not None and wanted > there:
            raise ValueError(f"train_images is {wanted}, but {data.name} have {there}: use at most {there}")
        bounded(tuple(self.contestants.values()))
        for name, net in self.contestants.items():
            if (net.input.channels, net.input.height, net.input.width) != (data.channels, data.height, data.width):
                raise ValueError(
                    f"{name} takes images of {net.input}, but {data.name} are "
                    f"{data.channels} x {data.height} x {data.width}: fit the network to the data set first"
                )
            if net.head.classes != data.classes:
                raise ValueError(f"{name} has {net.head.classes} classes, but {data.name} have {data.classes}")
            if self.recipe.batch > 1 and data.train % self.recipe.batch == 1 and (norm := _norm_of_one_value(net)):
                raise ValueError(
                    f"batch {self.recipe.batch} leaves a last batch of one image, and {name} ends on 1 x 1 maps, where "
                    f"{norm} norm needs two: use batch {self.recipe.batch - 1}"
                )
        if self.steps > MAX_STEPS:
            raise ValueError(f"{self.steps} steps are above {MAX_STEPS}: use fewer epochs or a larger batch")
        return self

    @property
    def data(self) -> DatasetInfo:
        """Shapes and sizes of the data set, ``train`` as many images as the recipe takes."""
        info, wanted = info_of(self.dataset), self.recipe.train_images
        return info if wanted is None else replace(info, train=wanted)

    @property
    def steps_per_epoch(self) -> int:
        """Steps an epoch, the short last batch kept (12 for digits at batch 128)."""
        return math.ceil(self.data.train / self.recipe.batch)

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.recipe.epochs * self.steps_per_epoch


GROUPED: dict[Norm, Callable[[int], int]] = {
    "batch": lambda channels: channels,
    "group": lambda channels: gcd(GROUPS, channels),
    "layer": lambda channels: 1,
    "none": lambda channels: 0,
}
"""Into how many groups each norm cuts an image's channels."""


def _norm_of_one_value(network: Network) -> str:
    """The first norm that takes a single value of one image to normalise, "" where there is none."""
    rows = block_shapes(network)
    for row in rows:
        block = network.stages[row.stage - 1].block_at(row.block)
        taken = set(normed(block, row.enters, row.stride))
        if row is rows[-1] and block.order == "preactivation":  # the head's norm
            taken.add(row.leaves)
        if any(shape == (GROUPED[block.norm](shape[0]), 1, 1) for shape in taken):
            return block.norm
    return ""
