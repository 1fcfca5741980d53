"""What an engine tells while it trains is an event of the run, and stands in its header, in the terminal, in files."""

from __future__ import annotations

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from resnet_viz.cli import cli
from resnet_viz.runs import Store, execute, load_recording, resume, run_data, save_recording, train
from resnet_viz.runs.bands import Bands
from resnet_viz.runs.liveness import process_identity
from resnet_viz.serve.messages import header_message
from resnet_viz.spec import Experiment, Recipe, SpecError, preset
from resnet_viz.train import engines, race
from resnet_viz.train.checkpoints import Past
from resnet_viz.train.compiled_engine import CompiledEngine
from resnet_viz.train.engines import ROUNDS, Choice
from resnet_viz.train.race import Switched
from resnet_viz.train.seeds import members
from tests.train.recorded import RecordedEngine


class Fails(RecordedEngine):
    """Captured once; not again after a change by hand."""

    steered = False

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.probe._norms._looks = False  # as on a GPU, where a probe never asks

    def steer(self, change):
        self.steered = bool(self._steps)
        super().steer(change)

    def _capture(self, work):
        if self.steered:
            raise RuntimeError("no graphs today")
        return super()._capture(work)


@pytest.fixture
def graphs(monkeypatch):
    monkeypatch.setattr(race, "choose_engine", lambda *wanted: Choice("graph"))
    monkeypatch.setattr(engines, "GraphEngine", Fails)


def steered(store: Store) -> str:
    """A short run whose weight decay is changed at step 2."""
    recipe = Recipe(epochs=1, batch=512, device="cpu", warmup_steps=0)
    experiment = Experiment(contestants={"mine": preset("tiny_resnet8")}, recipe=recipe)
    run = store.create(experiment, owner=process_identity())
    store.add_event(run, "weight_decay", {"value": 0.01, "planned": 1}, step=2)
    assert execute(store, run) == "finished", store.row(run).reason
    return run


def test_a_failed_recapture_is_told_by_the_run(store, graphs, tmp_path):
    said = (
        "From step 2 on mine is trained eagerly, without its CUDA graphs. "
        "The step could not be captured (no graphs today)."
    )
    run = steered(store)
    (event,) = store.events(run, kind="engine")
    assert (event.contestant, event.step, event.data) == ("mine", 2, {"way": "eager", "said": said})
    for header in (store.row(run).header, header_message(store, run)["header"]):
        assert (header["engine"], header["engine_reason"]) == ("graph", said)
    data = run_data(store, run)
    again = load_recording(save_recording(data, tmp_path / "run.safetensors"))
    assert again.header["engine_reason"] == said and event in again.events
    done = CliRunner().invoke(cli, ["resume", run, "--store", str(store.directory)])
    assert f"{said} run {run}: finished" in " ".join(done.stdout.split())


def test_each_seed_tells_for_itself():
    experiment = Experiment(contestants={"mine": preset("tiny_resnet8")}, recipe=Recipe(seeds=2))
    bands = Bands(members(experiment), {"mine": ("loss",)}, Past())
    told = Switched("mine/seed 1", 2, {"way": "eager", "said": "From step 2 on mine/seed 1 is trained eagerly."})
    assert list(bands.take(told)) == [replace(told, contestant="mine")]


@pytest.fixture
def compiled(monkeypatch):
    """Blocks are ready before the second step, whatever the machine does besides."""
    begin = CompiledEngine._begin

    def waits(self):
        begin(self)
        assert self._work.done.wait(60)

    monkeypatch.setattr(CompiledEngine, "backend", "aot_eager")
    monkeypatch.setattr(CompiledEngine, "_begin", waits)


def test_a_run_whose_blocks_are_compiled_says_when_and_what_it_took(tmp_path, compiled):
    recipe = Recipe(epochs=2, batch=128, train_images=256, device="cpu")
    experiment = Experiment(contestants={"mine": preset("tiny_resnet8")}, recipe=recipe)
    run = train(experiment, tmp_path, "compile")
    header = run.store.row(run.id).header
    (event,) = run.store.events(run.id, kind="engine")
    assert (run.state, header["engine"]) == ("finished", "compile")
    assert (event.contestant, event.step, event.data["way"]) == ("mine", 1, "compiled") and event.data["seconds"] > 0
    assert header["engine_reason"] == event.data["said"]
    assert event.data["said"].startswith(
        "From step 1 on mine is trained with compiled blocks. torch.compile (aot_eager)"
    )
    for again in (
        lambda: train(experiment, tmp_path, "compile", deterministic=True),
        lambda: resume_strictly(run),
    ):
        with pytest.raises(SpecError) as refused:
            again()
        assert str(refused.value) == ROUNDS


def resume_strictly(run):
    run.store.set_state(run.id, "interrupted")
    resume(run, deterministic=True)
