"""The first page's sentences are the shipped recording's own numbers."""

from __future__ import annotations

from datetime import UTC, datetime

from resnet_viz.draw.verdict import verdict
from resnet_viz.draw.wording import percent, times
from resnet_viz.runs import load_recording
from resnet_viz.spec import Experiment
from resnet_viz.ui.landing import story
from resnet_viz.ui.race_state import default_experiment
from resnet_viz.ui.recordings import FIRST_RACE


def test_the_shipped_recording_is_the_default_race_and_small() -> None:
    data = load_recording(FIRST_RACE)
    assert data.state == "finished"
    # Recorded before later axes had their fields: it reads as the same experiment.
    assert Experiment.model_validate_json(data.experiment_json) == default_experiment()
    assert data.steps == 96
    assert FIRST_RACE.stat().st_size < 400_000


def test_its_result_is_the_one_that_the_page_promises() -> None:
    data = load_recording(FIRST_RACE)
    plain, residual = (data.evals(name)[-1].train_error for name in data.contestants)
    assert plain >= residual + 0.2


def test_the_sentences_are_computed() -> None:
    data = load_recording(FIRST_RACE)
    rows = verdict(data).facts["contestants"]
    seen, label = story(FIRST_RACE)
    for name, row in zip(data.contestants, rows, strict=True):
        error = percent(data.evals(name)[-1].train_error)
        signals = data.signals(name)
        ratio = signals["grad_norm/layer1.0.conv1"][0] / signals["grad_norm/layer3.8.conv2"][0]
        assert error in seen
        assert times(float(ratio)) in seen
        assert row["name"] in seen
    assert seen.count(". ") == 1 and seen.endswith(".")
    day = datetime.fromtimestamp(data.header["started"], UTC)
    assert label == f"A recording: {data.header['device']['cores']} CPU cores, {day.day} {day:%B %Y}"
