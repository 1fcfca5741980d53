"""The fair-test contract of a race in words and rows: what is equal for all contestants, and every difference.

Which weights start equal is computed from the specs by arithmetic, without torch (a test compares it with the
built modules): each parameter is drawn from a generator seeded by (seed, dotted path), so two layers start
alike when path, shape and the distribution that their schemes draw from agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from resnet_viz.draw.wording import cut_middle, listed
from resnet_viz.spec import Experiment, Network, differences
from resnet_viz.spec.network import Scheme
from resnet_viz.spec.plans import weight_shapes, zeroed


@dataclass(frozen=True)
class SharedWeights:
    """Convolution and linear layers of two networks: equal at the start, and those that only one of them has so.

    ``only_first`` and ``only_second`` are dotted paths, among them layers of equal path but other shape.
    """

    same: tuple[str, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]


def shared_weights(first: Network, second: Network) -> SharedWeights:
    """Which layers of two networks start with the same weights when both are built from the same seed."""
    left, right = weight_shapes(first), weight_shapes(second)
    one, other = first.init.scheme, second.init.scheme
    zero, null = zeroed(first), zeroed(second)
    same = tuple(
        path
        for path, shape in left.items()
        if right.get(path) == shape
        and (path in zero) == (path in null)
        and (path in zero or drawn(one, shape) == drawn(other, shape))
    )
    return SharedWeights(
        same, tuple(path for path in left if path not in same), tuple(path for path in right if path not in same)
    )


def drawn(scheme: Scheme, shape: tuple[int, ...]) -> tuple[str, int]:
    """The distribution of a weight of that shape: its family, and the number of values that scales it.

    Kaiming's two schemes differ only where fan-in and fan-out do, and leave ``fc`` (two dimensions) at torch's own.
    """
    fan_in, fan_out = prod(shape[1:]), shape[0] * prod(shape[2:])
    if scheme == "kaiming_fan_out" and len(shape) == 4:
        return "kaiming", fan_out
    if scheme == "kaiming_fan_in" and len(shape) == 4:
        return "kaiming", fan_in
    if scheme == "xavier":
        return "xavier", fan_in + fan_out
    if scheme == "orthogonal":
        return "orthogonal", prod(shape)
    return "uniform", fan_in


def contract(experiment: Experiment) -> tuple[str, ...]:
    """What is equal for all contestants, one sentence each."""
    recipe, data = experiment.recipe, experiment.data
    names = list(experiment.contestants)
    first = experiment.contestants[names[0]]
    said = [
        f"Seed {recipe.seed} for all: initial weights and batch order come from it.",
        f"Same batches in the same order: {data.title}, {data.train:,} training images in batches of {recipe.batch}.",
        f"Same budget: {recipe.epochs} epochs of {experiment.steps_per_epoch} steps, {experiment.steps:,} steps each.",
        f"Same recipe: SGD, learning rate {recipe.learning_rate:g} after {recipe.warmup_steps} warm-up steps, "
        f"momentum {recipe.momentum:g}, weight decay {recipe.weight_decay:g}, schedule {recipe.schedule}.",
    ]
    if recipe.augment == "crop_flip":
        said.append(
            "Same augmentation: each image padded by 4, cropped and mirrored, by draws of seed and epoch alone."
        )
    if recipe.precision != "fp32":
        said.append(f"Same precision: {recipe.precision}.")
    if recipe.loss == "double_softmax":
        said.append("Same loss: a softmax, then a cross-entropy that has a softmax of its own.")
    if recipe.label_noise:
        said.append(f"Same wrong labels: {100 * recipe.label_noise:g} % of the training labels name another class.")
    for name in names[1:]:
        shared = shared_weights(first, experiment.contestants[name])
        who = f"{cut_middle(names[0])} and {cut_middle(name)}"
        if not shared.same:
            said.append(f"{who} share no initial weights.")
        elif not shared.only_first and not shared.only_second:
            said.append(f"Same initial weights: all {len(shared.same)} layers of {who}.")
        else:
            alone = [
                f"{len(paths)} of {cut_middle(whose)}"
                for whose, paths in ((names[0], shared.only_first), (name, shared.only_second))
                if paths
            ]
            said.append(f"Same initial weights: {len(shared.same)} layers of {who}; not {listed(alone)}.")
    return tuple(said)


def all_differences(experiment: Experiment) -> list[dict[str, str]]:
    """Every field in which a contestant differs from the first one, as rows of "Field" and one column a contestant.

    Empty when all are the same network.
    """
    (_, first), *others = experiment.contestants.items()
    rows: dict[str, dict[str, str]] = {}
    for name, network in others:
        for field, was, other in differences(first, network):
            row = rows.setdefault(field, {"Field": field} | dict.fromkeys(experiment.contestants, was))
            row[name] = other
    return list(rows.values())
