"""Exports and recordings: round trips, and files from elsewhere."""

import io
import json

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from safetensors.numpy import save

from resnet_viz.runs import load_recording, open_runs, run_data, save_recording, train
from resnet_viz.runs.recordings import KEY
from resnet_viz.spec import Experiment, Recipe, preset


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Networks of different depth, so that one lacks layers which the other has."""
    contestants = {"short, plain": preset("tiny_plain8"), "long": preset("tiny_resnet20")}
    experiment = Experiment(contestants=contestants, recipe=Recipe(epochs=1, device="cpu"))
    return train(experiment, store=tmp_path_factory.mktemp("runs"))


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_an_export_has_every_number(run, format):
    content = open_runs(run.store.directory).export(run.id, format)
    read = {"parquet": pyarrow.parquet.read_table, "csv": pyarrow.csv.read_csv}[format]
    table = read(io.BytesIO(content)).to_pandas()
    assert list(table.columns[:5]) == ["contestant", "step", "loss", "train_error", "lr"]
    assert len(table) == 24
    for name in ("short, plain", "long"):
        rows, signals = table[table["contestant"] == name], run.signals(name)
        assert rows["step"].tolist() == list(range(12))
        for signal, values in signals.items():
            assert np.array_equal(rows[signal].to_numpy(np.float32), values)
        missing = set(table.columns[2:]) - set(signals)
        assert rows[list(missing)].isna().all(axis=None)
    assert "grad_norm/layer1.2.conv1" in table.columns


def test_evaluations_are_a_table_too_and_parquet_carries_the_header(run):
    runs = open_runs(run.store.directory)
    table = pyarrow.csv.read_csv(io.BytesIO(runs.export(run.id, "csv", table="evaluations"))).to_pylist()
    assert [tuple(row.values()) for row in table] == [
        (name, *row) for name in ("short, plain", "long") for row in run.evals(name)
    ]
    about = json.loads(pyarrow.parquet.read_schema(io.BytesIO(runs.export(run.id, "parquet"))).metadata[b"resnet_viz"])
    assert about["header"] == run.header and about["id"] == run.id
    assert Experiment.model_validate(about["experiment"]) == run.experiment


def test_a_run_that_never_started_exports_an_empty_table(store, experiment):
    content = open_runs(store.directory).export(store.create(experiment), "csv")
    assert content.decode().split() == ['"contestant","step"']


def test_an_unknown_format_is_refused(run):
    with pytest.raises(ValueError) as refused:
        open_runs(run.store.directory).export(run.id, "xlsx")
    assert str(refused.value) == "there is no export as 'xlsx': use one of parquet, csv"


def test_a_recording_is_the_run_again(run, tmp_path):
    data = run.data
    path = save_recording(data, tmp_path / "race.safetensors")
    again = load_recording(path)
    assert [file.name for file in tmp_path.iterdir()] == ["race.safetensors"]
    assert path.stat().st_size < 60_000
    for field in ("id", "name", "state", "reason", "created", "experiment_json", "header", "events"):
        assert getattr(again, field) == getattr(data, field), field
    assert all(again.frames[name].tobytes() == data.frames[name].tobytes() for name in data.contestants)
    assert again.evals("long") == data.evals("long")
    assert isinstance(again.evals("long")[0].epoch, int)


def test_a_run_that_never_started_is_not_recorded(store, experiment, tmp_path):
    with pytest.raises(ValueError) as refused:
        save_recording(run_data(store, store.create(experiment)), tmp_path / "x")
    assert str(refused.value) == "This run never started, so there is nothing to record."


def recorded(run, tmp_path) -> tuple[dict, dict]:
    """The parts of a good recording: telemetry and what is said about it."""
    from safetensors import safe_open

    with safe_open(save_recording(run.data, tmp_path / "good"), framework="numpy") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, json.loads(file.metadata()[KEY])  # noqa: SIM118


def spoil_nothing_known(arrays, about):
    about["surprise"] = 1


def spoil_columns(arrays, about):
    arrays["0"] = arrays["0"][:, :-1].copy()


def spoil_type(arrays, about):
    arrays["0"] = arrays["0"].astype(np.float64)


def spoil_length(arrays, about):
    arrays["0"] = np.zeros((1000, arrays["0"].shape[1]), np.float32)


def spoil_extra(arrays, about):
    arrays["9"] = np.zeros(3, np.float32)


def spoil_role(arrays, about):
    about["header"]["contestants"][0]["role"] = "<script>"


def spoil_experiment(arrays, about):
    about["experiment"] = "{}"


def spoil_event(arrays, about):
    about["events"][0]["data"] = {"deep": {"er": 1}}


DAMAGED = "is damaged or is not a recording of ResNet Viz."


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (spoil_nothing_known, DAMAGED),
        (spoil_role, DAMAGED),
        (spoil_experiment, DAMAGED),
        (spoil_event, DAMAGED),
        (spoil_columns, "is damaged: the telemetry of 'short, plain' does not fit its header."),
        (spoil_type, "is damaged: the telemetry of 'short, plain' does not fit its header."),
        (spoil_length, "is damaged: the telemetry of 'short, plain' does not fit its header."),
        (spoil_extra, "is damaged: it has telemetry that belongs to no contestant."),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(run, tmp_path, spoil, sentence):
    arrays, about = recorded(run, tmp_path)
    spoil(arrays, about)
    bad = tmp_path / "bad.rec"
    bad.write_bytes(save(arrays, metadata={KEY: json.dumps(about)}))
    with pytest.raises(ValueError) as refused:
        load_recording(bad)
    assert str(refused.value) == f"bad.rec {sentence}"


def test_files_that_are_something_else_are_refused(run, tmp_path):
    good = save_recording(run.data, tmp_path / "good").read_bytes()
    cases = {
        "empty": (b"", DAMAGED),
        "letter": (b"Dear reader, " * 100, DAMAGED),
        "cut": (good[: len(good) // 2], DAMAGED),
        "header": (b"\xff" * 16, DAMAGED),
        "weights": (save({"w": np.zeros(3, np.float32)}), "is not a recording of ResNet Viz."),
    }
    for name, (content, sentence) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError) as refused:
            load_recording(tmp_path / name)
        assert str(refused.value) == f"{name} {sentence}"
    with pytest.raises(ValueError) as refused:
        load_recording(tmp_path / "nowhere")
    assert str(refused.value) == "nowhere cannot be read: No such file or directory."


def test_a_file_above_the_limit_is_not_read(tmp_path):
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(64_000_001)
    with pytest.raises(ValueError) as refused:
        load_recording(big)
    assert str(refused.value) == "big is larger than a recording may be (64 MB)."
