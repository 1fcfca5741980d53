"""Both engines give the same numbers: by the functions that a graph holds, by recordings, and on a GPU by graphs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from resnet_viz.data import load
from resnet_viz.inspect import layers
from resnet_viz.spec import DropPath, Experiment, Network, ProbePlan, Recipe, SpecError, preset
from resnet_viz.train.changes import Change
from resnet_viz.train.devices import calculation
from resnet_viz.train.engine import EagerEngine, on_device
from resnet_viz.train.engines import Choice, build_engines, choose_engine
from resnet_viz.train.graph_engine import CaptureError, GraphEngine
from resnet_viz.train.news import News
from tests.train.recorded import RecordedEngine

CPU = torch.device("cpu")
STEPS = 200
PLAIN, RESIDUAL = preset("tiny_plain8"), preset("tiny_resnet8")
DROPPING = RESIDUAL.model_copy(update={"drop_path": DropPath(survival=0.5)})
RECIPE = Recipe(augment="crop_flip", batch=32)  # of 100 images: a short last batch every fourth step
TOLERANCE = 1e-3
"""On a GPU, relative, for every value of every row of 200 steps; on a CPU the engines agree to the last bit."""


def engine(kind: type[EagerEngine], network: Network, recipe: Recipe = RECIPE, device: torch.device = CPU):
    found = load("digits")
    few = replace(found, train_x=found.train_x[:100], train_y=found.train_y[:100])
    data = on_device(few, device)
    made = kind(network, recipe, data, [layer.path for layer in layers(network)], device, fused=True)
    if device.type == "cpu":
        made.probe._norms._looks = False  # as on a GPU, where a probe never asks
    return made


def prepared(kind: type[GraphEngine], network: Network, recipe: Recipe = RECIPE, device: torch.device = CPU):
    made = engine(kind, network, recipe, device)
    made.prepare()
    return made


def rows(made: EagerEngine, first: int, end: int, *, computed: bool = False) -> np.ndarray:
    """The telemetry of these steps, with a learning rate that changes at each of them."""
    found = []
    with made.on_stream():
        for step in range(first, end):
            rate = 0.05 + 0.01 * (step % 7)
            if not (computed and step == first):
                made.compute(step, rate)
            made.update(rate)
            if made.probe.waiting:
                found.append(made.probe.take()[1])
    return np.concatenate(found)


def weights(made: EagerEngine) -> bytes:
    return b"".join(value.cpu().numpy().tobytes() for value in made.model.state_dict().values())


def test_the_functions_that_a_graph_holds_give_the_eager_bits_over_200_steps():
    first, second = engine(EagerEngine, PLAIN), prepared(GraphEngine, PLAIN)
    assert rows(first, 0, STEPS).tobytes() == rows(second, 0, STEPS).tobytes()
    assert weights(first) == weights(second)
    assert first.evaluate() == second.evaluate()


@pytest.mark.parametrize("network", [PLAIN, RESIDUAL, DROPPING], ids=["plain", "residual", "drop path"])
def test_what_is_recorded_once_gives_the_eager_bits(network):
    """Whatever a capture would bake in (rates, places, draws, the size of a batch) would show here."""
    first, second = engine(EagerEngine, network), prepared(RecordedEngine, network)
    assert rows(first, 0, 13).tobytes() == rows(second, 0, 13).tobytes()
    assert first.evaluate() == second.evaluate()
    assert rows(first, 13, 18).tobytes() == rows(second, 13, 18).tobytes()
    assert weights(first) == weights(second)


@pytest.mark.parametrize("kind", [GraphEngine, RecordedEngine])
@pytest.mark.parametrize("computed", [False, True])
def test_a_checkpoint_goes_on_with_the_same_bits_in_either_engine(kind, computed):
    first = prepared(kind, DROPPING)
    rows(first, 0, 3)
    if computed:
        first.compute(3, 0.05 + 0.03)
        first.probe.take()
    tensors = first.state(computed=computed)
    expected = rows(first, 3, 9, computed=computed)
    for other in (kind, EagerEngine):
        second = engine(other, DROPPING, RECIPE.model_copy(update={"seed": 7}))
        second.batches.seed = 0
        second.restore(tensors, 3, computed=computed)
        if isinstance(second, GraphEngine):
            second.prepare()
        assert rows(second, 3, 9, computed=computed).tobytes() == expected.tobytes()
        assert weights(second) == weights(first)


def test_a_step_that_asks_for_a_value_cannot_be_captured():
    made = engine(RecordedEngine, RESIDUAL)
    made.probe._norms._looks = True
    before = weights(made)
    with pytest.raises(
        CaptureError, match=r"^The step could not be captured \(aten\._local_scalar_dense\.default makes"
    ):
        made.prepare()
    assert weights(made) == before


def test_a_capture_that_goes_wrong_is_found_before_the_first_step(monkeypatch):
    made = engine(RecordedEngine, RESIDUAL)
    faithful = made._capture
    monkeypatch.setattr(made, "_capture", lambda work: partial(torch.mul, faithful(work)(), 1.1))
    with pytest.raises(CaptureError, match=r"^The captured step gave other numbers than the eager one\.$"):
        made.prepare()


def race(**recipe) -> Experiment:
    return Experiment(contestants={"a": RESIDUAL}, recipe=Recipe(**recipe))


def test_which_engine_is_chosen_and_why():
    cuda = torch.device("cuda")
    assert choose_engine("auto", race(), CPU) == Choice("eager")
    assert choose_engine("graph", race(), CPU) == Choice("eager", "CUDA graphs need an NVIDIA GPU.")
    assert choose_engine("auto", race(), cuda) == choose_engine("graph", race(), cuda) == Choice("graph")
    assert choose_engine("eager", race(), cuda) == Choice("eager")
    said = "Quantities that are measured at periods of their own are not captured in a graph."
    assert choose_engine("auto", race(probes=ProbePlan.full(10)), cuda) == Choice("eager", said)
    with pytest.raises(SpecError, match=r"^there is no engine 'steam': use one of auto, eager, graph, compile$"):
        choose_engine("steam", race(), CPU)


def test_what_cannot_be_captured_is_trained_eagerly_with_the_reason(monkeypatch):
    def fail(self):
        raise CaptureError("The step could not be captured (no graphs today).")

    monkeypatch.setattr(GraphEngine, "prepare", fail)
    paths = {"a": [layer.path for layer in layers(RESIDUAL)]}
    engines, choice = build_engines(Choice("graph"), race(), load("digits"), paths, CPU)
    assert [made.kind for made in engines.values()] == ["eager"]
    assert choice == Choice("eager", "The step could not be captured (no graphs today).")


@pytest.mark.parametrize("kind", [GraphEngine, RecordedEngine])
def test_changes_by_hand_give_the_eager_bits(kind):
    """Each is a number in a graph, so that it is captured anew."""
    changes = {4: Change(step=4, kind="alpha", value=0.5), 6: Change(step=6, kind="weight_decay", value=0.01)}
    rows_of = []
    for made in (engine(EagerEngine, RESIDUAL), prepared(kind, RESIDUAL)):
        parts = [rows(made, 0, 4)]
        for step, change in changes.items():
            made.steer(change)
            parts.append(rows(made, step, step + 2))
        rows_of.append(np.concatenate(parts).tobytes())
    assert rows_of[0] == rows_of[1]


class Unlucky(RecordedEngine):
    """Its first captures succeed, those after the first change by hand fail, those after the second succeed again."""

    changes = 0

    def steer(self, change: Change) -> None:
        self.changes += 1
        super().steer(change)

    def _capture(self, work):
        if self.changes == 1:
            raise RuntimeError("no graphs today.\nAnd more.")
        return super()._capture(work)


def test_a_recapture_that_fails_is_told_and_costs_no_bit():
    first, second = engine(EagerEngine, RESIDUAL), prepared(Unlucky, RESIDUAL)
    expected, found = [rows(first, 0, 4)], [rows(second, 0, 4)]
    assert second.news() == []
    told = []
    for step, value in ((4, 0.5), (6, 1.0)):
        for made, kept in ((first, expected), (second, found)):
            made.steer(Change(step=step, kind="alpha", value=value))
            kept.append(rows(made, step, step + 2))
        told.append([news.said("mine", step) for news in second.news()])
    assert np.concatenate(found).tobytes() == np.concatenate(expected).tobytes()
    assert told == [
        [
            "From step 4 on mine is trained eagerly, without its CUDA graphs. "
            "The step could not be captured (no graphs today)."
        ],
        ["From step 6 on mine is trained by CUDA graphs again. The step could be captured."],
    ]
    assert first.news() == second.news() == []


def test_what_an_engine_tells_has_room_in_a_recording():
    said = News("eager", "is trained eagerly", "x" * 1000).said("mine", 3)
    assert said.startswith("From step 3 on mine is trained eagerly. xxx") and said.endswith("x…") and len(said) == 400


@pytest.mark.cuda
@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
@pytest.mark.parametrize("network", [PLAIN, RESIDUAL, DROPPING], ids=["plain", "residual", "drop path"])
def test_on_a_gpu_both_engines_agree_over_200_steps(network, precision):
    device = torch.device("cuda")
    recipe = RECIPE.model_copy(update={"precision": precision})
    with calculation(device, precision):
        first, second = engine(EagerEngine, network, recipe, device), prepared(GraphEngine, network, recipe, device)
        np.testing.assert_allclose(rows(second, 0, STEPS), rows(first, 0, STEPS), rtol=TOLERANCE)
        assert second.evaluate() == pytest.approx(first.evaluate(), abs=2 / 297)


@pytest.mark.cuda
@pytest.mark.parametrize("computed", [False, True])
def test_on_a_gpu_a_checkpoint_goes_on_with_the_same_bits(computed):
    device = torch.device("cuda")
    with calculation(device):
        first = prepared(GraphEngine, DROPPING, RECIPE, device)
        rows(first, 0, 3)
        with first.on_stream():
            if computed:
                first.compute(3, 0.05 + 0.03)
                first.probe.take()
            tensors = first.state(computed=computed)
        second = engine(GraphEngine, DROPPING, RECIPE, device)
        second.restore(tensors, 3, computed=computed)
        second.prepare()
        expected = rows(first, 3, 9, computed=computed)
        assert rows(second, 3, 9, computed=computed).tobytes() == expected.tobytes()
