"""Growth: not a bit of the function changes where the docstring says so, and the reason is right where it does."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from resnet_viz.instruments import grown, growth_problem, taller
from resnet_viz.nn import build
from resnet_viz.spec import Block, Network, SpecError, Stage, plain_twin, preset
from tests.instruments.test_lesion import images, shaken

SMALL = preset("tiny_resnet8")


def of(**fields: object) -> Network:
    """Two stages of two such blocks."""
    block = Block.model_validate({"width": 8} | fields)
    wide = block.model_copy(update={"width": 16})
    stem = SMALL.stem.model_copy(update={"activated": not block.preactivated, "norm": block.norm})
    return Network(
        input=SMALL.input, stem=stem, stages=(Stage(blocks=2, block=block), Stage(blocks=2, stride=2, block=wide))
    )


KEEP = [
    {}, {"shortcut": "A"}, {"order": "preactivation"}, {"order": "relu_only_preactivation"}, {"norm": "group"},
    {"norm": "none"}, {"branch": "bottleneck"}, {"branch": "paths"}, {"attention": "squeeze_excitation"},
    {"order": "preactivation", "activation": "tanh"}, {"order": "relu_before_addition", "activation": "tanh"},
]  # fmt: skip
CHANGE = [
    ({"merge": "none"}, "a plain block of zero passes nothing on"),
    ({"merge": "highway"}, "the shortcut does not pass its input on whole"),
    ({"alpha": 0.5}, "the shortcut does not pass its input on whole"),
    ({"shortcut": "C"}, "a projection stands on every shortcut"),
    ({"order": "bn_after_addition"}, "a norm stands behind the addition"),
    ({"activation": "tanh"}, "tanh behind the addition changes what it has changed before"),
    ({"order": "relu_before_addition", "activation": "sigmoid"},
     "the branch ends in an activation that never lets it learn from zero"),
    ({"order": "relu_before_addition", "activation": "relu"},
     "the branch ends in an activation that never lets it learn from zero"),
    ({"shortcut_dropout": 0.5}, "the shortcut drops values in training"),
]  # fmt: skip


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("fields", KEEP, ids=str)
def test_zero_blocks_change_no_bit(fields: dict[str, str], training: bool) -> None:
    small = of(**fields)
    assert growth_problem(small) == ""
    model = shaken(small).train(training)
    large = taller(small, [4, 3])
    bigger = grown(small, model, large)
    assert bigger.training == training
    x = images(small)
    with torch.no_grad():
        assert torch.equal(bigger(x), model(x))
    assert [len(stage) for stage in (bigger.layer1, bigger.layer2)] == [4, 3]


@pytest.mark.parametrize(("fields", "why"), CHANGE, ids=[str(fields) for fields, _ in CHANGE])
def test_where_it_would_change_the_reason_is_said(fields: dict[str, str], why: str) -> None:
    small = of(**fields)
    assert growth_problem(small) == why
    model, x = shaken(small), images(small)
    with torch.no_grad():
        same = torch.equal(grown(small, model, taller(small, [3, 3]))(x), model(x))
    assert same == ("in training" in why or fields.get("activation") == "relu")


def test_the_gradient_reaches_what_is_zero() -> None:
    """After one step the new blocks differ from zero: they can learn."""
    small = of()
    model = grown(small, shaken(small), taller(small, [3, 2]))
    model(images(small)).square().sum().backward()
    assert model.layer1[2].bn2.weight.grad.abs().max() > 0


def test_random_blocks_are_those_of_the_seed_and_the_old_weights_stay() -> None:
    small = plain_twin(of())
    model, large = shaken(small), taller(small, [3, 2], "larger")
    bigger, fresh = grown(small, model, large, start="random", seed=3), build(large, seed=3)
    for name, value in bigger.state_dict().items():
        theirs = fresh.state_dict()[name] if name.startswith("layer1.2") else model.state_dict()[name]
        assert torch.equal(value, theirs)
    assert large.name == "larger" and isinstance(bigger, nn.Module)


def test_what_does_not_fit_is_refused() -> None:
    small = of()
    for blocks, text in (([1, 2], "stage 1 has 2 blocks: it can grow, not shrink to 1"),
                         ([2], "network has 2 stages, not 1")):  # fmt: skip
        with pytest.raises(SpecError) as refused:
            taller(small, blocks)
        assert str(refused.value) == text
    with pytest.raises(SpecError, match=r"^tiny_resnet20 is not network with more blocks$"):
        grown(small, build(small), plain_twin(small).model_copy(update={"name": "tiny_resnet20"}))
    with pytest.raises(SpecError, match=r"^this model is not one of tiny_resnet8$"):
        grown(SMALL, build(preset("tiny_resnet20")), taller(SMALL, [2, 2, 2]))
