"""The gradient's ways at the start: the same as measured by hand on the same digits, and what is too large."""

from __future__ import annotations

import pytest
from torch.nn import functional

from resnet_viz.data import load
from resnet_viz.inspect import summarize
from resnet_viz.instruments import gradient_shares, shares_at_start, start
from resnet_viz.nn import build
from resnet_viz.spec import DropPath, SpecError, preset


def test_digits_at_their_own_size_and_the_weights_of_the_seed() -> None:
    network, data = preset("tiny_resnet8"), load("digits")
    found = shares_at_start(network, seed=3)
    by_hand = gradient_shares(build(network, seed=3), data.train_x[:64], data.train_y[:64], functional.cross_entropy)
    assert (found.images, found.height, found.width, found.seed) == (64, 8, 8, 3)
    for one, other in zip(found.shares, by_hand, strict=True):
        assert (one.path, one.share) == (other.path, pytest.approx(other.share, rel=1e-4))
        assert one.share + one.branch_share == pytest.approx(1, abs=1e-4)


def test_colour_few_classes_and_drop_path_are_no_obstacle() -> None:
    network = preset("tiny_resnet8")
    network = network.model_copy(
        update={
            "input": network.input.model_copy(update={"channels": 3, "height": 20, "width": 12}),
            "head": network.head.model_copy(update={"classes": 2}),
            "drop_path": DropPath(survival=0.01, decay="constant"),
        }
    )
    found = shares_at_start(network)
    assert (found.height, found.width) == (20, 12) and all(row.branch > 0 for row in found.shares)
    assert found == shares_at_start(network), "nothing is drawn at random"


def test_what_takes_long_gets_smaller_images_and_what_takes_too_long_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = preset("tiny_resnet8")
    large = network.model_copy(update={"input": network.input.model_copy(update={"height": 64, "width": 64})})
    halved = network.model_copy(update={"input": network.input.model_copy(update={"height": 32, "width": 32})})
    monkeypatch.setattr(start, "BUDGET", 60_000_000)
    found = shares_at_start(large)
    assert (found.height, found.width) == (32, 32) and found.images == 60_000_000 // summarize(halved).macs
    monkeypatch.setattr(start, "BUDGET", 100_000)
    with pytest.raises(SpecError) as refused:
        shares_at_start(large)
    assert str(refused.value) == (
        "The network is too large to be measured while a person waits, at 1 x 8 x 8 too: use fewer blocks or a smaller "
        "width."
    )


def test_a_small_host_measures_smaller_networks() -> None:
    with pytest.raises(SpecError, match="too large to be measured while a person waits"):
        shares_at_start(preset("resnet18"), memory=0.01)
    assert shares_at_start(preset("tiny_resnet8"), memory=0.001).images < start.MOST_IMAGES
