"""Layers that draw at random: how often a branch survives, what stays on average, and who draws from what."""

from __future__ import annotations

import copy
import gc
import math
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from resnet_viz.nn import Unit, build, survive
from resnet_viz.nn.stochastic import Dropout, DropPath, Stochastic
from resnet_viz.spec import Block, Input, Network, Stage, Stem, preset
from resnet_viz.spec import DropPath as Dropping

DRAWS = 4000


def dropping(survival: float = 0.5, decay: str = "linear", **fields: object) -> Network:
    block = Block.model_validate({"width": 4, **fields})
    return Network(
        input=Input(channels=1, height=4, width=4), stem=Stem(width=4), stages=(Stage(blocks=4, block=block),),
        drop_path=Dropping.model_validate({"survival": survival, "decay": decay}),
    )  # fmt: skip


@pytest.mark.parametrize("survival", [0.2, 0.5, 0.9])
def test_a_branch_survives_as_often_as_said_and_keeps_its_mean(survival: float) -> None:
    """Huang 2016, eq. 2: one draw for the whole minibatch. Within five standard deviations."""
    layer = DropPath(survival)
    layer.draw_from(torch.Generator().manual_seed(1))
    x = torch.ones(2, 3, 2, 2)
    seen = torch.stack([layer(x) for _ in range(DRAWS)])
    assert all(len(one.unique()) == 1 for one in seen)
    kept = (seen[:, 0, 0, 0, 0] > 0).double().mean().item()
    assert abs(kept - survival) < 5 * math.sqrt(survival * (1 - survival) / DRAWS)
    torch.testing.assert_close(seen.max().item(), 1 / survival, rtol=1e-6, atol=0)
    assert seen.mean().item() == pytest.approx(1, abs=5 * math.sqrt((1 - survival) / survival / DRAWS))


def test_dropout_drops_single_values() -> None:
    """He 2016b, Fig. 2f: the shortcut's values, each for itself."""
    layer = Dropout(0.5)
    layer.draw_from(torch.Generator().manual_seed(2))
    y = layer(torch.ones(8, 8, 16, 16))
    assert set(y.unique().tolist()) == {0.0, 2.0}
    assert abs((y > 0).double().mean().item() - 0.5) < 5 * math.sqrt(0.25 / y.numel())


def test_dropout_stands_on_the_shortcut_only() -> None:
    made = Unit(Block(width=4, shortcut_dropout=0.5, order="preactivation"), 4).to_empty(device="cpu").double()
    for parameter in made.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.rand(2, 4, 3, 3, dtype=torch.float64) + 1
    y = made.train()(x)  # the branch gives zero
    assert set((y / x).round(decimals=9).unique().tolist()) == {0.0, 2.0}


@pytest.mark.parametrize("layer", [DropPath(0.3), Dropout(0.3)])
def test_evaluation_is_the_identity(layer: Stochastic) -> None:
    x = torch.randn(2, 3, 2, 2)
    before = layer.source.get_state()
    assert layer.eval()(x) is x
    assert torch.equal(layer.source.get_state(), before)


def test_survival_decays_linearly_with_depth() -> None:
    """Huang 2016, eq. 4: p_l = 1 - l / L (1 - p_L), the last block at p_L; the paper's 0.5 over 54 blocks."""
    network = preset("cifar_resnet110").model_copy(update={"drop_path": Dropping(survival=0.5)})
    found = [module.survival for module in build(network, "meta").modules() if isinstance(module, DropPath)]
    assert found == pytest.approx([1 - block / 54 * 0.5 for block in range(1, 55)])
    assert found[-1] == 0.5
    # "on average 40 blocks" of a training forward pass (Huang 2016, Sect. 3)
    assert round(sum(found)) == 40
    constant = [m.survival for m in build(dropping(decay="constant"), "meta").modules() if isinstance(m, DropPath)]
    assert constant == [0.5] * 4


def test_what_has_no_shortcut_is_never_dropped() -> None:
    network = dropping()
    plain = network.stages[0].model_copy(update={"block": Block(width=4, merge="none")})
    mixed = network.model_copy(update={"stages": (*network.stages, plain)})
    found = [path for path, module in build(mixed, "meta").named_modules() if isinstance(module, DropPath)]
    assert found == [f"layer1.{i}.drop_path" for i in range(4)]


def outputs(model: torch.nn.Module, steps: int = 20) -> torch.Tensor:
    x = torch.ones(2, 1, 4, 4)
    with torch.no_grad():
        return torch.stack([model(x) for _ in range(steps)])


def test_two_threads_draw_the_same_in_every_run() -> None:
    """Each network has a generator of its own; with torch's global one, runs side by side would differ."""
    networks = [dropping(0.5), dropping(0.7, shortcut_dropout=0.3)]
    alone = [outputs(build(network, seed=3)) for network in networks]
    torch.manual_seed(0)
    before = torch.get_rng_state()
    for _ in range(3):
        with ThreadPoolExecutor(2) as pool:
            together = list(pool.map(outputs, [build(network, seed=3) for network in networks]))
        assert all(torch.equal(one, other) for one, other in zip(alone, together, strict=True))
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(alone[0], outputs(build(networks[0], seed=4)))


def test_a_copy_goes_on_alike_and_apart() -> None:
    model = build(dropping(shortcut_dropout=0.2), seed=3)
    outputs(model, 3)
    twin = copy.deepcopy(model)
    sources = {id(m.source) for m in twin.modules() if isinstance(m, Stochastic)}
    assert len(sources) == 1  # one generator for the whole copy, too
    assert sources.isdisjoint(id(m.source) for m in model.modules() if isinstance(m, Stochastic))
    first = outputs(twin)
    assert torch.equal(outputs(model), first)
    assert not torch.equal(outputs(twin), first)


def test_a_trace_may_outlive_its_network() -> None:
    traced = torch.fx.symbolic_trace(build(dropping(shortcut_dropout=0.2), seed=3))
    gc.collect()
    assert outputs(traced).isfinite().all()


def test_a_layer_made_from_the_state_of_another_goes_on_where_that_was() -> None:
    """As whatever stores whole modules makes one again: its generator comes with the state, its key is its own."""
    layer, x = Dropout(0.5), torch.ones(2, 3, 4, 4)
    layer(x)
    twin = Dropout.__new__(Dropout)
    twin.__setstate__({**layer.__dict__, "source": layer.source.clone_state()})
    ahead = [twin(x) for _ in range(3)]
    assert torch.equal(torch.stack(ahead), torch.stack([layer(x) for _ in range(3)]))
    assert not torch.equal(ahead[0], ahead[1])


@pytest.mark.parametrize("decay", ["linear", "constant"])
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_a_survival_given_later_is_that_of_a_network_built_with_it(decay: str, dropout: float) -> None:
    """Also where other layers draw already: the same numbers from the same generator, in the same order."""
    built = build(dropping(0.4, decay, shortcut_dropout=dropout), seed=3)
    later = build(dropping(1.0, decay, shortcut_dropout=dropout), seed=3)
    assert not any(isinstance(module, DropPath) for module in later.modules())
    survive(later, Dropping.model_validate({"survival": 0.4, "decay": decay}), seed=3)
    assert torch.equal(outputs(later), outputs(built))
    for model in (later, built):
        survive(model, Dropping.model_validate({"survival": 0.9, "decay": decay}), seed=3)
    assert torch.equal(outputs(later), outputs(built))
