"""torch.compile takes over in the background: checked first, told, and the eager engine goes on where it cannot.

The backend is "aot_eager" here: it traces and differentiates as the real one does, and needs no compiler of C++.
"""

from __future__ import annotations

import re
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch._dynamo.backends.registry import lookup_backend

from resnet_viz.data import load
from resnet_viz.inspect import layers
from resnet_viz.nn import build
from resnet_viz.spec import DropPath, Experiment, Network, ProbePlan, Recipe, SpecError, preset
from resnet_viz.train import compilation
from resnet_viz.train.changes import Change
from resnet_viz.train.compilation import difference, unnoticed
from resnet_viz.train.compiled_engine import DRAWS, HELD, UNTIL, CompiledEngine
from resnet_viz.train.engine import EagerEngine
from resnet_viz.train.engines import INSIDE, ROUNDS, Choice, check_repeats, choose_engine

CPU = torch.device("cpu")
SMALL = preset("tiny_resnet8")
NETWORK = SMALL.model_copy(update={"stages": SMALL.stages[:2]})
RECIPE = Recipe(batch=64, device="cpu")
SHORT = 100
"""So many images: every second batch is a short one."""
AGREE = {"rtol": 1e-4, "atol": 1e-6}


class Backend:
    """ "aot_eager", which counts what it compiles and what runs; ``off`` is added to every map that comes out."""

    def __init__(self, off: float = 0.0) -> None:
        self.compiled = self.ran = 0
        self.off = off
        self.may = threading.Event()
        self.may.set()

    def __call__(self, graph, inputs):
        assert self.may.wait(60)
        self.compiled += 1
        made = lookup_backend("aot_eager")(graph, inputs)

        def run(*given):
            self.ran += 1
            return [value * (1 + self.off) for value in made(*given)]

        return run

    def __str__(self) -> str:
        return "aot_eager"


def engine(
    kind: type[EagerEngine], network: Network = NETWORK, backend: object = None, images: int = 128
) -> EagerEngine:
    found = load("digits")
    few = replace(found, train_x=found.train_x[:images], train_y=found.train_y[:images])
    torch.set_num_threads(1)  # as a contestant has it
    made = kind(network, RECIPE, few, [layer.path for layer in layers(network)], CPU)
    if backend is not None:
        made.backend = backend
    return made


def rows(made: EagerEngine, first: int, end: int) -> np.ndarray:
    for step in range(first, end):
        made.compute(step, 0.05)
        made.update(0.05)
    return made.probe.take()[1]


def ready(made: CompiledEngine) -> None:
    """Wait until what is compiled in the background is done."""
    assert made._work is not None and made._work.done.wait(60)


@pytest.fixture(scope="module")
def eager() -> np.ndarray:
    return rows(engine(EagerEngine, images=SHORT), 0, 8)


def test_it_takes_over_between_two_steps_and_agrees(eager):
    backend = Backend()
    backend.may.clear()
    made = engine(CompiledEngine, backend=backend, images=SHORT)
    before = rows(made, 0, 3)
    assert before.tobytes() == eager[:3].tobytes() and made.news() == []
    backend.may.set()
    ready(made)
    assert backend.compiled == 4  # two blocks that differ, each in two sizes of batch
    ran = backend.ran
    after = rows(made, 3, 8)
    assert (backend.compiled, backend.ran) == (4, ran + 10)
    np.testing.assert_allclose(after, eager[3:], **AGREE)
    (news,) = made.news()
    assert news.way == "compiled" and news.seconds > 0
    assert re.fullmatch(
        r"From step 3 on mine is trained with compiled blocks\. torch\.compile \(aot_eager\) took \d+\.\d s in the "
        r"background\. Block by block, on a batch, values differ from the eager ones by \S+ \(0\.001 is allowed\), "
        r"gradients by \S+ \(0\.02\)\.",
        news.said("mine", 3),
    )


def test_a_change_by_hand_is_held_by_eager_blocks_until_they_are_compiled_again():
    backend = Backend()
    made, other = engine(CompiledEngine, backend=backend), engine(EagerEngine)
    rows(made, 0, 1)
    ready(made)
    rows(made, 1, 3)
    rows(other, 0, 3)
    assert [news.way for news in made.news()] == ["compiled"]
    other.restore(made.state(computed=False), 3, computed=False)
    for one in (made, other):
        one.steer(Change(step=3, kind="weight_decay", value=0.01))  # the optimizer's
        one.steer(Change(step=3, kind="alpha", value=0.5))
    backend.may.clear()
    assert rows(made, 3, 5).tobytes() == rows(other, 3, 5).tobytes()
    (news,) = made.news()
    assert news.said("mine", 3) == f"From step 3 on mine is trained eagerly until its blocks are compiled again. {HELD}"
    backend.may.set()
    ready(made)
    ran = backend.ran
    np.testing.assert_allclose(rows(made, 5, 7), rows(other, 5, 7), **AGREE)
    assert backend.ran == ran + 4 and [news.way for news in made.news()] == ["compiled"]


def fails(graph, inputs):
    raise RuntimeError("no compiler here\nand more")


@pytest.mark.parametrize(
    ("backend", "why"),
    [
        (fails, "torch.compile failed (RuntimeError: no compiler here)."),
        (Backend(off=0.002), "Compiled blocks gave other numbers than the eager ones: values differ by "),
        (Backend(off=np.nan), "Compiled blocks gave other numbers than the eager ones: values differ by nan (0.001 is"),
    ],
    ids=["fails", "differs", "not finite"],
)
def test_where_it_fails_or_differs_the_eager_engine_goes_on(eager, backend, why):
    made = engine(CompiledEngine, backend=backend, images=SHORT)
    rows(made, 0, 1)
    ready(made)
    assert rows(made, 1, 5).tobytes() == eager[1:5].tobytes()
    (news,) = made.news()
    assert news.way == "eager" and news.why.startswith(why)
    assert news.said("mine", 1).startswith("From step 1 on mine stays with the eager engine. ")


def test_what_draws_random_numbers_is_not_compiled():
    made = engine(CompiledEngine, NETWORK.model_copy(update={"drop_path": DropPath(survival=0.5)}), Backend())
    rows(made, 0, 1)
    assert [news.why for news in made.news()] == [DRAWS] and made._work is None


def test_nobody_compiles_for_a_contestant_that_has_ended():
    backend = Backend()
    with compilation._alone:
        made = engine(CompiledEngine, backend=backend)
        rows(made, 0, 1)
        work = made._work
        made.close()
    assert work.done.wait(60) and backend.compiled == 0


class Waits(torch.nn.Module):
    """Its trace lasts as long as somebody wishes."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.go = threading.Event(), threading.Event()

    def forward(self, x):
        self.inside.set()
        assert self.go.wait(60)
        return x + 1


def test_a_network_that_trains_does_not_feel_what_another_thread_traces():
    model, waits, traced = build(NETWORK), Waits(), []

    def trace() -> None:
        with unnoticed():
            traced.append(torch.fx.symbolic_trace(waits))

    thread = threading.Thread(target=trace)
    images = torch.randn(4, 1, 8, 8)
    expected = model(images)
    thread.start()
    try:
        assert waits.inside.wait(60)
        assert torch.equal(model(images), expected)
    finally:
        waits.go.set()
        thread.join(60)
    assert torch.equal(traced[0](images), images + 1)
    assert torch.equal(model(images), expected)


def test_the_difference_is_that_of_the_worst_tensor_and_rounding_of_zero_is_none():
    one, tiny, nan = torch.tensor([3.0, 4.0]), torch.tensor([1e-8]), torch.tensor([torch.nan])
    assert difference([one, one], [one, one * 1.01]) == pytest.approx(0.01)
    assert difference([one, tiny], [one, -tiny]) == pytest.approx(2e-8 / 5e-3)
    assert np.isnan(difference([one], [nan])) and difference([], []) == 0


def test_when_it_is_chosen_and_why_not():
    def race(**recipe) -> Experiment:
        return Experiment(contestants={"a": NETWORK}, recipe=Recipe(**recipe))

    assert choose_engine("compile", race(), CPU) == choose_engine("compile", race(), torch.device("cuda"))
    assert choose_engine("compile", race(), CPU) == Choice("compile", UNTIL)
    assert choose_engine("compile", race(probes=ProbePlan.full(10)), CPU) == Choice("eager", INSIDE)
    said = Choice("eager", "torch.compile is used on a CPU or an NVIDIA GPU.")
    assert choose_engine("compile", race(), torch.device("mps")) == said
    check_repeats("compile", deterministic=False)
    check_repeats("graph", deterministic=True)
    with pytest.raises(SpecError) as refused:
        check_repeats("compile", deterministic=True)
    assert str(refused.value) == ROUNDS
