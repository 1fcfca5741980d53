"""Each branch of the verdict, driven with made-up telemetry; whole sentences are compared."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from resnet_viz.draw import verdict as verdict_module
from resnet_viz.draw.thresholds import EXPLANATION, THRESHOLDS
from resnet_viz.draw.verdict import Telemetry, Verdict, label, ratio_layers, verdict, verdicts
from resnet_viz.draw.wording import NBSP
from resnet_viz.runs.telemetry import Evaluation

EXPLAINED = ("layer1.0.conv1", "layer1.0.conv2", "layer2.0.conv2")


def telemetry(
    name: str = "plain-56",
    ratios: tuple[float, ...] = (1540.0, 0.04),
    evals: tuple[tuple[int, float], ...] = (),
    *,
    losses: tuple[float, ...] | None = None,
    minibatch: float | None = None,
    scale: float = 1.0,
    blocks: bool = True,
) -> Telemetry:
    """One row a ratio: the first layer's norm is ratio * scale, the last one's is scale."""
    gradients = np.array([[r * scale, scale * 0.5, scale] for r in ratios], np.float32).reshape(-1, 3)
    loss = np.array(losses if losses is not None else [2.3] * len(ratios), np.float32)
    errors = None if minibatch is None else np.full(len(ratios), minibatch, np.float32)
    return Telemetry(name, EXPLAINED, blocks, loss, errors, gradients, evals)


def judge(contestants: list[Telemetry], step: int | None = None) -> Verdict:
    """The verdict with its no-break spaces as plain ones, to be read and compared more easily."""
    said = verdict_module.judge(contestants, step)
    return replace(said, bold=said.bold.replace(NBSP, " "), rest=said.rest.replace(NBSP, " "))


@dataclass
class FakeRun:
    """The part of RunData that a verdict reads."""

    header: dict[str, Any]
    telemetry: dict[str, dict[str, Any]]
    errors: dict[str, list[Evaluation]] = field(default_factory=dict)

    def signals(self, contestant: str) -> dict[str, Any]:
        return self.telemetry[contestant]

    def evals(self, contestant: str) -> list[Evaluation]:
        return self.errors.get(contestant, [])


def test_nothing_measured() -> None:
    said = judge([telemetry(ratios=())])
    assert said.bold == "Nothing is measured yet."
    assert said.rest == "The first step gives every layer's gradient."


def test_at_initialisation_one_explodes() -> None:
    said = judge(
        [telemetry(evals=((0, 0.9),)), telemetry("residual-56", (7.4, 1.3), ((0, 0.91),))],
        step=0,
    )
    assert said.bold == "At initialisation the gradients of plain-56 explode and those of residual-56 are healthy."
    assert said.rest == (
        "The first block layer of plain-56 gets 1,540 × the gradient of its last (exploding). "
        "residual-56: 7.4 × (healthy)."
    )


def test_at_initialisation_no_clear_effect() -> None:
    said = judge([telemetry(ratios=(2.0,)), telemetry("residual-8", (1.5,))])
    assert said.bold == "At initialisation the gradients of both nets are healthy: no clear effect yet."
    three = judge([telemetry(ratios=(2.0,)), telemetry("b", (1.5,)), telemetry("c", (1.0,))])
    assert three.bold == "At initialisation the gradients of all 3 nets are healthy: no clear effect yet."


def test_before_the_first_evaluation() -> None:
    said = judge([telemetry(evals=((0, 0.9),)), telemetry("residual-56", (7.4, 1.3), ((0, 0.9),))])
    assert (
        said.bold
        == "Before the first evaluation the gradients of plain-56 vanish and those of residual-56 are healthy."
    )


def test_not_learning_against_learned() -> None:
    said = judge(
        [
            telemetry(ratios=(864.0, 0.1), evals=((0, 0.9), (12, 0.895))),
            telemetry("residual-56", (4.9, 4.3), ((0, 0.9), (12, 0.002))),
        ]
    )
    assert said.bold == "plain-56 is not learning: train error 90 % against 0.2 %."
    assert said.rest == (
        "At initialisation the first block layer of plain-56 gets 864 × the gradient of its last (exploding), "
        "now 0.1 × (healthy). residual-56: 4.9 × (healthy), now 4.3 ×."
    )
    assert said.facts["error_step"] == 12
    assert said.facts["contestants"][0]["first_layer"] == "layer1.0.conv1"


def test_behind() -> None:
    said = judge([telemetry(evals=((96, 0.656),)), telemetry("residual-56", (7.4, 1.3), ((96, 0.002),))])
    assert said.bold == "plain-56 is behind: train error 66 % against 0.2 %."


def test_the_residual_net_can_lose_too() -> None:
    said = judge([telemetry(evals=((96, 0.0),)), telemetry("residual-56", (7.4, 1.3), ((96, 0.5),))])
    assert said.bold == "residual-56 is behind: train error 50 % against 0 %."


def test_no_clear_effect_on_learning() -> None:
    said = judge([telemetry("plain-8", (2.0, 1.0), ((96, 0.0),)), telemetry("residual-8", (1.5, 1.1), ((96, 0.002),))])
    assert said.bold == "No clear effect on learning: train error 0 % and 0.2 %."


def test_neither_learns() -> None:
    said = judge([telemetry(evals=((12, 0.9),)), telemetry("residual-56", (7.4, 1.3), ((12, 0.84),))])
    assert said.bold == "Neither net is learning yet: train error 84 % and 90 %."


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (0.05, "has learned: train error 5.0 %"),
        (0.051, "is learning: train error 5.1 %"),
        (0.81, "is not learning: train error 81 %"),
    ],
)
def test_one_contestant(error: float, words: str) -> None:
    assert judge([telemetry("mine", evals=((12, error),))]).bold == f"mine {words}."


def test_six_contestants() -> None:
    nets = [
        telemetry(f"net{i}", (r, r), ((96, e),))
        for i, (r, e) in enumerate([(2.0, 0.01), (3.0, 0.02), (500.0, 0.3), (1.0, 0.05), (0.01, 0.88), (2.0, 0.9)])
    ]
    said = judge(nets)
    assert said.bold == "net4 and net5 are not learning: train error 90 % against 1.0 % of net0."
    assert said.rest == (
        "At initialisation the first block layer of net2 gets 500 × the gradient of its last (exploding), now 500 ×. "
        "net4: 0.01 × (vanishing), now 0.01 ×. 4 more: healthy."
    )
    alone = judge([*nets[:4], telemetry("net4", (1.0,), ((96, 0.88),))])
    assert alone.bold == "net4 is not learning: train error 88 % against 1.0 % of net0."
    assert judge(nets[:4]).bold == "net2 is behind: train error 30 % against 1.0 % of net0."
    calm = judge([nets[0], nets[1], nets[3], nets[5]])
    assert calm.rest == "All 4 nets have healthy first-to-last gradient ratios, at initialisation and now."
    dead = judge([telemetry(f"net{i}", evals=((12, 0.9),)) for i in range(3)])
    assert dead.bold == "None of the 3 nets is learning yet: train error 90 % to 90 %."
    wild = judge([telemetry(f"net{i}", evals=((12, 0.9),)) for i in range(5)])
    assert wild.rest.endswith(" 2 more in the table.")


def test_only_common_evaluations_are_compared() -> None:
    ahead = telemetry("ahead", (2.0, 1.0), ((0, 0.9), (12, 0.3), (24, 0.0)))
    late = telemetry("late", (2.0, 1.0), ((0, 0.9), (12, 0.28)))
    said = judge([ahead, late])
    assert said.facts["error_step"] == 12
    assert said.bold == "No clear effect on learning: train error 28 % and 30 %."


def test_the_past_knows_nothing_of_the_future() -> None:
    nets = [
        telemetry(ratios=(1540.0, 0.5, 0.04), evals=((0, 0.9), (2, 0.6))),
        telemetry("residual-56", (7.0, 2.0, 1.0), ((0, 0.9), (2, 0.0))),
    ]
    assert judge(nets, 1).facts["error_source"] == "initialisation"
    assert judge(nets, 1).facts["contestants"][0]["now"] == pytest.approx(0.5)
    assert judge(nets, 2).facts["error_source"] == "evaluation"
    assert judge(nets, 99) == judge(nets, 99)
    assert judge(nets, 99).bold == judge(nets).bold


def test_minibatches_where_there_is_no_evaluation() -> None:
    rows = (2.0,) * 10
    said = judge([telemetry("model", rows, minibatch=0.02)])
    assert said.bold == "model has learned: minibatch error 2.0 %."
    assert said.facts["error_source"] == "minibatch"
    short = judge([telemetry("model", rows[:9], minibatch=0.02)])
    assert short.bold == "Before the first evaluation the gradients of model are healthy."


def test_not_finite() -> None:
    bad = telemetry(ratios=(2.0, 3.0, 4.0), losses=(2.3, math.nan, math.nan), evals=((0, 0.9),))
    said = judge([bad, telemetry("residual-56", (2.0, 3.0, 4.0))])
    assert said.bold == "plain-56 breaks down: its loss is no finite number at step 1."
    assert judge([bad, telemetry("residual-56")], step=0).bold.startswith("At initialisation")
    gradient = telemetry("residual-56", (2.0, math.inf))
    both = judge([bad, gradient])
    assert both.bold == "plain-56 breaks down: its loss is no finite number at step 1. So does residual-56."
    assert judge([gradient]).bold == "residual-56 breaks down: its gradient is no finite number at step 1."
    assert judge([gradient]).rest.endswith("(healthy), now none.")


def test_a_dead_signal_is_not_healthy() -> None:
    dead = telemetry("tanh-free", (1.0, 1.0), ((12, 0.9),), scale=1e-7)
    assert judge([dead]).facts["contestants"][0]["now_label"] == "dead"
    assert judge([dead]).rest.endswith("gets 1.0 × the gradient of its last (healthy), now 1.0 × (dead).")
    start = judge([telemetry("tanh-free", (1.0,), scale=1e-7), telemetry("b", (1.0,))])
    assert start.bold == "At initialisation the gradients of tanh-free are dead and those of b are healthy."
    done = telemetry("done", (1.0, 1.0), ((12, 0.0),), scale=1e-7)
    assert judge([done]).facts["contestants"][0]["now_label"] == "healthy"


def test_no_ratio() -> None:
    zero = telemetry(ratios=(1.0,), scale=0.0)
    said = judge([zero])
    assert said.rest == "There is no gradient ratio: it takes two layers with finite gradients, the last one not zero."
    single = Telemetry("one", ("fc",), False, np.ones(1, np.float32), None, np.ones((1, 1), np.float32), ())
    assert judge([single]).bold == "At initialisation there is no gradient ratio to compare."


@pytest.mark.parametrize(
    ("ratio", "name"),
    [(20.0, "healthy"), (20.1, "exploding"), (0.05, "healthy"), (0.049, "vanishing"), (0.0, "vanishing"),
     (None, "unknown"), (math.nan, "unknown")],
)  # fmt: skip
def test_both_sides_of_the_thresholds(ratio: float | None, name: str) -> None:
    assert label(ratio) == name


def test_the_layers_of_the_ratio() -> None:
    def row(path: str, stage: int = 0, block: int = 0, kind: str = "conv", projection: bool = False) -> dict[str, Any]:
        return {"path": path, "kind": kind, "stage": stage, "block": block, "projection": projection}

    basic = [row("conv1"), row("layer1.0.conv1", 1, 1), row("layer1.0.conv2", 1, 1),
             row("layer2.0.conv1", 2, 1), row("layer2.0.conv2", 2, 1),
             row("layer2.0.downsample.0", 2, 1, projection=True), row("fc", kind="linear")]  # fmt: skip
    assert ratio_layers(basic) == (["layer1.0.conv1", "layer1.0.conv2", "layer2.0.conv1", "layer2.0.conv2"], True)
    bottleneck = [row(f"layer1.{b}.conv{c}", 1, b + 1) for b in range(2) for c in (1, 2, 3)]
    assert ratio_layers(bottleneck) == (["layer1.0.conv2", "layer1.1.conv2"], True)
    foreign = [row("0"), row("2"), row("5", kind="linear")]
    assert ratio_layers(foreign) == (["0", "2"], False)
    dense = [row("0", kind="linear"), row("2", kind="linear")]
    assert ratio_layers(dense) == (["0", "2"], False)


def test_a_foreign_model_has_no_3x3_promised() -> None:
    said = judge([telemetry("model", (2.0, 2.0), ((12, 0.0),), blocks=False)])
    assert (
        said.rest
        == "At initialisation the first layer of model gets 2.0 × the gradient of its last (healthy), now 2.0 ×."
    )


def test_from_run_data() -> None:
    layers = [
        {"path": p, "kind": "conv", "stage": 1, "block": i, "projection": False} for i, p in enumerate(("a", "b"), 1)
    ]
    run = FakeRun(
        {
            "dataset": "digits",
            "contestants": [{"name": "plain", "layers": layers}, {"name": "residual", "layers": layers}],
        },
        {
            "plain": {"loss": np.ones(2), "grad_norm/a": np.array([300.0, 1.0]), "grad_norm/b": np.ones(2)},
            "residual": {"loss": np.ones(2), "grad_norm/a": np.array([3.0, 1.0]), "grad_norm/b": np.ones(2)},
        },
        {n: [Evaluation(0, 0, 0.9, 0.9), Evaluation(2, 1, e, e)] for n, e in (("plain", 0.9), ("residual", 0.1))},
    )
    start, end = verdicts(run, [0, None])  # type: ignore[arg-type]
    assert start.bold == "At initialisation the gradients of plain explode and those of residual are healthy."
    assert end.bold.replace(NBSP, " ") == "plain is not learning: train error 90 % against 10 %."
    assert verdict(run) == end  # type: ignore[arg-type]
    assert end.thresholds == THRESHOLDS
    json.dumps(end.facts)


def test_long_names_are_cut_in_the_middle() -> None:
    name = "a" * 40 + "z" * 40
    said = judge([telemetry(name, evals=((12, 0.0),))])
    assert said.bold == f"{'a' * 14}…{'z' * 13} has learned: train error 0 %."


def test_the_explanation_names_every_threshold() -> None:
    text = " ".join(EXPLANATION).replace(NBSP, " ")
    for number in ("20", "0.05", "10⁻⁶", "5.0 %", "90 %", "5 points"):
        assert number in text


def test_imports_neither_torch_nor_streamlit() -> None:
    code = (
        "import resnet_viz.draw.verdict, sys; print([m for m in ('torch', 'streamlit', 'plotly') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_recorded_loop_is_read_without_errors_and_with_gaps() -> None:
    norms = np.array([[1.0, 1.0], [np.nan, 1.0], [1e-9, 1e-9]], np.float32)
    loop = Telemetry("model", ("a", "b"), False, np.ones(3, np.float32), None, norms, (), gaps=True)
    assert judge([loop]).bold == "At this step the gradients of model are healthy."
    assert judge([loop], 0).bold == "At initialisation the gradients of model are healthy."
    endless = norms.copy()
    endless[1, 0] = np.inf
    broken = Telemetry("model", ("a", "b"), False, np.ones(3, np.float32), None, endless, (), gaps=True)
    assert judge([broken]).bold == "model breaks down: its gradient is no finite number at step 1."
