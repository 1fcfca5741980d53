"""Every quantity of a probe plan against its formula, in a loop of its own that knows nothing of probes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from resnet_viz.data import load
from resnet_viz.inspect import layers
from resnet_viz.nn import build
from resnet_viz.spec import Block, Network, ProbePlan, Recipe, Stage, Stem, preset
from resnet_viz.train.batches import Batches
from resnet_viz.train.engine import EagerEngine
from resnet_viz.train.measures import measure_names

CPU = torch.device("cpu")
NET = preset("tiny_resnet8")
PATHS = [layer.path for layer in layers(NET)]
RATES = (0.02, 0.05, 0.1, 0.1, 0.03, 0.1, 0.2)
WINDOW = 3


def engine(network: Network = NET, plan: ProbePlan | None = None, **recipe: Any) -> EagerEngine:
    paths = [layer.path for layer in layers(network)]
    return EagerEngine(network, Recipe(probes=plan or ProbePlan(), **recipe), load("digits"), paths, CPU)


def rows(made: EagerEngine, steps: range) -> dict[str, np.ndarray]:
    for step in steps:
        made.compute(step, RATES[step])
        made.update(RATES[step])
    _, values = made.probe.take()
    return dict(zip(made.probe.signals, values.T, strict=True))


@cache
def everything() -> dict[str, np.ndarray]:
    return rows(engine(plan=ProbePlan.full(1, WINDOW), weight_decay=0.01), range(len(RATES)))


@pytest.fixture
def measured() -> dict[str, np.ndarray]:
    """Measured once."""
    return everything()


def forward(model: Any, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, tuple[torch.Tensor, ...]]]:
    """He 2016a, Fig. 2, written out: scores, and of each block its branch, its shortcut and its two activations."""
    seen = {}
    x = functional.relu(model.bn1(model.conv1(x)))
    for s in (1, 2, 3):
        unit = getattr(model, f"layer{s}")[0]
        first = functional.relu(unit.bn1(unit.conv1(x)))
        branch = unit.bn2(unit.conv2(first))
        around = x if s == 1 else functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, branch.shape[1] - x.shape[1]))
        x = functional.relu(branch + around)
        seen[f"layer{s}.0"] = (branch, around, first, x)
    return model.fc(x.mean((2, 3))), seen


def naive_steps() -> Iterator[dict[str, float]]:
    """Plain SGD by hand; each row in double precision, from autograd's gradients and the weights before and after."""
    data = load("digits")
    model = build(NET, seed=0).to(memory_format=torch.channels_last).train()
    batches = Batches(data.train_x, data.train_y, 128, 0)
    weights = {path: model.get_parameter(f"{path}.weight") for path in PATHS}
    momentum = {name: torch.zeros_like(weight) for name, weight in model.named_parameters()}
    past: list[dict[str, np.ndarray]] = []
    for step, rate in enumerate(RATES):
        x, y = batches[step]
        scores, seen = forward(model, x.contiguous(memory_format=torch.channels_last))
        found = torch.autograd.grad(functional.cross_entropy(scores, y), list(model.parameters()))
        gradients = dict(zip((name for name, _ in model.named_parameters()), found, strict=True))
        before = {path: weight.detach().double().clone() for path, weight in weights.items()}
        with torch.no_grad():
            for name, weight in model.named_parameters():
                momentum[name].mul_(0.9).add_(gradients[name] + 0.01 * weight)
                weight -= rate * momentum[name]
        past.append({path: gradients[f"{path}.weight"].double().flatten().numpy() for path in PATHS})
        row = {}
        for path in PATHS:
            row |= naive_layer(path, [g[path] for g in past], before[path], weights[path].detach().double(), step)
        for path, (branch, around, *activations) in seen.items():
            units = torch.cat([(value == 0).all(3).all(2).all(0) for value in activations])
            row[f"branch_ratio/{path}"] = float((branch.norm() / around.norm()).detach())
            row[f"dead_units/{path}"] = float(units.double().mean())
        yield row


def naive_layer(path: str, past: list[np.ndarray], before: Any, after: Any, step: int) -> dict[str, float]:
    g = past[-1]
    row = {
        "grad_rms": np.sqrt(np.mean(g**2)), "grad_mean": g.mean(), "grad_std": g.std(), "grad_snr": np.nan,
        "weight_norm": float(before.norm()), "update_ratio": float((after - before).norm() / before.norm()),
        "grad_cosine": np.nan,
    }  # fmt: skip
    if step:
        row["grad_cosine"] = g @ past[-2] / np.linalg.norm(g) / np.linalg.norm(past[-2])
    if step % WINDOW == WINDOW - 1:
        window = np.stack(past[-WINDOW:])
        noise = np.square(window - window.mean(0)).sum() / (WINDOW - 1)
        row["grad_snr"] = np.linalg.norm(window.mean(0)) / np.sqrt(noise)
    return {f"{key}/{path}": float(value) for key, value in row.items()}


def test_every_quantity_is_its_formula_at_every_step(measured: dict[str, np.ndarray]) -> None:
    names = set(measure_names(NET, PATHS, ProbePlan.full()))
    for step, expected in enumerate(naive_steps()):
        assert expected.keys() | {f"gamma/layer{s}.0" for s in (1, 2, 3)} == names
        for name, value in expected.items():
            size = 1e-6 if name.startswith(("grad_mean", "grad_cosine")) else 0
            assert measured[name][step] == pytest.approx(value, rel=3e-4, abs=size, nan_ok=True), (name, step)


def test_gamma_is_the_mean_size_of_the_last_norms_scale() -> None:
    made = engine(plan=ProbePlan(periods={"gamma": 1}))
    for step in range(3):
        scale = made.model.get_parameter("layer2.0.bn2.weight").detach()
        scale[0] = -1.5
        expected = scale.double().abs().mean().item()
        made.compute(step, 0.3)
        made.update(0.3)
        _, values = made.probe.take()
        assert values[0][made.probe.signals.index("gamma/layer2.0")] == pytest.approx(expected, rel=1e-6)


def test_more_telemetry_changes_no_number(measured: dict[str, np.ndarray]) -> None:
    plain = rows(engine(weight_decay=0.01), range(len(RATES)))
    assert list(measured)[: len(plain)] == list(plain)
    for name, values in plain.items():
        assert values.tobytes() == measured[name].tobytes(), name


def test_between_two_measurements_there_is_nothing(measured: dict[str, np.ndarray]) -> None:
    plan = ProbePlan(periods={"grad_cosine": 3, "dead_units": 2, "weight_norm": 5, "grad_snr": 2}, window=2)
    seldom = rows(engine(plan=plan, weight_decay=0.01), range(len(RATES)))
    for name, values in seldom.items():
        key = name.partition("/")[0]
        if key in plan.periods:
            kept = [step for step in range(len(RATES)) if not np.isnan(values[step])]
            due = [step for step in range(len(RATES)) if step % plan.periods[key] == 0]
            if key == "grad_snr":  # two measured steps a window: 0 and 2, 4 and 6
                assert kept == [2, 6]
                continue
            assert kept == (due[1:] if key == "grad_cosine" else due)
            assert [values[step] for step in kept] == [measured[name][step] for step in kept]


@pytest.mark.parametrize("computed", [False, True])
@pytest.mark.parametrize("stop", [4, 5])
def test_what_spans_steps_is_part_of_the_state(computed: bool, stop: int) -> None:
    plan = ProbePlan.full(2, 2)
    whole = rows(engine(plan=plan), range(len(RATES)))
    first = engine(plan=plan)
    begun = rows(first, range(stop))
    if computed:
        first.compute(stop, RATES[stop])
    _, row = first.probe.take()
    second = engine(plan=plan)
    second.restore(first.state(computed=computed), stop, computed=computed)
    if computed:
        second.update(RATES[stop])
    rest = rows(second, range(stop + computed, len(RATES)))
    joined = {name: np.concatenate([begun[name], row[:, i], rest[name]]) for i, name in enumerate(whole)}
    assert {name: value.tobytes() for name, value in joined.items()} == {n: v.tobytes() for n, v in whole.items()}


@pytest.mark.parametrize(
    "block",
    [
        Block(width=4, order="preactivation"), Block(width=4, merge="highway"), Block(width=4, norm="none"),
        Block(width=4, norm="group", activation="tanh", attention="squeeze_excitation"), Block(width=4, merge="none"),
        Block(width=8, branch="paths"), Block(width=4, branch="bottleneck", shortcut="C", alpha=0.5, beta=0.25),
    ],
)  # fmt: skip
def test_every_kind_of_block_has_what_its_names_promise(block: Block) -> None:
    head = {"activated": not block.preactivated}
    net = Network(input=NET.input, stem=Stem(width=4, **head), stages=(Stage(blocks=2, block=block),))
    made = engine(net, ProbePlan.full(1, 2), batch=16)
    found = rows(made, range(2))
    names = measure_names(net, [layer.path for layer in layers(net)], ProbePlan.full())
    assert {name for name in found if name in names} == set(names)
    assert any(name.startswith("branch_ratio/") for name in names) == (block.merge != "none")
    assert any(name.startswith("gamma/") for name in names) == (block.norm != "none")
    for name in names:
        assert np.isfinite(found[name][1]), name
    if block.activation == "tanh":
        assert found["dead_units/layer1.0"].tolist() == [0, 0]


def test_the_ratio_has_the_strengths_in_it() -> None:
    block = Block(width=4, alpha=0.5, beta=0.25)
    net = Network(input=NET.input, stem=Stem(width=4), stages=(Stage(blocks=1, block=block),))
    made = engine(net, ProbePlan(periods={"branch_ratio": 1}))
    seen: list[float] = []
    add = made.model.get_submodule("layer1.0.add")
    add.register_forward_hook(lambda layer, args, out: seen.extend(float(a.detach().double().norm()) for a in args))
    made.compute(0, 0.1)
    _, values = made.probe.take()
    assert values[0, -1] == pytest.approx(0.25 * seen[0] / (0.5 * seen[1]), rel=1e-5)


@pytest.mark.parametrize("scale", [1e-27, 1e22])
def test_gradients_whose_squares_leave_single_precision_are_exact(scale: float) -> None:
    """As in a deep plain net without norm: all gradients multiplied by a tiny or a huge factor."""
    keys = ("grad_rms", "grad_mean", "grad_std", "grad_cosine", "grad_snr")
    plan = ProbePlan.model_validate({"periods": dict.fromkeys(keys, 1), "window": 2})
    found = []
    for factor in (1.0, scale):
        made = engine(plan=plan)
        for step in range(2):
            x, y = made.batches[step]
            made.model.zero_grad()
            functional.cross_entropy(made.model(x), y).backward()
            for weight in made.model.parameters():
                assert weight.grad is not None
                weight.grad *= factor
            made.probe.record(torch.zeros(()), torch.zeros(()), 0.0)
        found.append(dict(zip(made.probe.signals, made.probe.take()[1][1], strict=True)))
    usual, scaled = found
    for name in measure_names(NET, PATHS, plan):
        unit = 1 if name.startswith(("grad_cosine", "grad_snr")) else scale
        assert scaled[name] / unit == pytest.approx(usual[name], rel=1e-4, abs=1e-6), name
