"""The command line: the same numbers as the library, refusals in one sentence, exit statuses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import resnet_viz as rv
from resnet_viz.cli import cli
from resnet_viz.cli.arguments import read
from resnet_viz.runs import Store
from resnet_viz.spec import Comparison, write_spec
from tests.spec.golden_links import GOLDEN

runner = CliRunner()


def test_presets_lists_every_preset_with_its_published_figures() -> None:
    text = runner.invoke(cli, ["presets"]).stdout
    for name in rv.presets():
        line = next(line for line in text.splitlines() if line.strip().startswith(f"{name} "))
        count = rv.preset_info(name).parameters
        assert str(rv.preset(name).depth) in line.split()
        assert count is None or f"{count:,}" in line


def test_summary_prints_the_totals_that_the_library_counts() -> None:
    done = runner.invoke(cli, ["summary", "cifar_resnet20"])
    assert done.exit_code == 0
    assert "269,722 parameters" in done.stdout
    words = " ".join(done.stdout.split())
    counted = rv.summarize(rv.preset("cifar_resnet20"))
    assert f"{counted.macs_torchinfo:,}" in words
    assert f"receptive field {counted.receptive_field} with stride 4, " in words
    assert f"and {counted.forward_memory / 2**20:.1f} MiB for a forward pass at batch 1, " in words
    assert f"{counted.intensity():.1f} operations a byte." in words
    assert "Gradient paths: 2 to 20 layers, through 0 to 9 blocks, mean 4.5, standard deviation 1.5." in words


def test_summary_of_a_network_without_a_path(tmp_path: Path) -> None:
    file = tmp_path / "zero.json"
    file.write_text('{"stages": [{"block": {"alpha": 0, "beta": 0}}]}')
    done = runner.invoke(cli, ["summary", str(file)])
    assert done.stdout.endswith("Gradient paths: none, a block multiplies both its ways by zero.\n")


def test_summary_takes_a_spec_file_and_a_share_text(tmp_path: Path) -> None:
    net = rv.preset("tiny_resnet8").model_copy(update={"name": "mine"})
    file = tmp_path / "mine.json"
    file.write_text(net.model_dump_json())
    first, second = runner.invoke(cli, ["summary", str(file)]), runner.invoke(cli, ["summary", rv.encode(net)])
    assert first.exit_code == second.exit_code == 0
    assert first.stdout == second.stdout


def test_read_takes_every_kind_of_text_and_file(tmp_path: Path) -> None:
    """Links of both formats, and files of a network and of an experiment; a comparison is neither."""
    network = rv.preset("resnet18").model_copy(update={"name": "mine"})
    race = rv.Experiment(contestants={"a": rv.preset("tiny_plain8"), "b": rv.preset("tiny_resnet8")})
    old = next(text for text, held in GOLDEN if held.get("name") == "mine")
    file = tmp_path / "spec.json"
    assert old.startswith("n1.") and read(old) == read(rv.encode(network)) == network
    assert read(rv.encode(race)) == race
    for thing in (network, race):
        file.write_bytes(write_spec(thing))
        assert read(str(file)) == thing
    pair = Comparison(networks=(network, rv.preset("plain18")))
    file.write_bytes(write_spec(pair))
    for where, text in (("link", rv.encode(pair)), ("file", str(file))):
        with pytest.raises(rv.SpecError) as refusal:
            read(text)
        assert str(refusal.value) == (
            f"this {where} holds a comparison: open it on the Compare page, or name one network."
        )


def test_code_prints_or_writes_the_source_of_the_library(tmp_path: Path) -> None:
    net, file = rv.preset("tiny_resnet8"), tmp_path / "net.py"
    assert runner.invoke(cli, ["code", "tiny_resnet8"]).stdout == rv.to_source(net)
    done = runner.invoke(cli, ["code", rv.encode(net), "--style", "lazy", "--output", str(file)])
    assert done.exit_code == 0 and done.stdout == ""
    assert file.read_text(encoding="utf-8") == rv.to_source(net, "lazy")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["code", "tiny_resnet8", "--style", "short"], "style 'short' is not known: use 'explicit' or 'lazy'."),
        (
            ["summary", "resnet5"],
            "'resnet5' is no preset, no share text and no .json file: `presets` lists the presets.",
        ),
        (["summary", "n1.abc"], "This share link is damaged: ask for it once more."),
        (["train", "tiny_resnet8", "--epochs", "0"], "epochs is 0: it must be at least 1."),
        (["train", "tiny_resnet8", "--lr", "-1"], "learning_rate is -1.0: it must be above 0."),
    ],
)
def test_a_refusal_is_one_sentence_and_exit_status_2(arguments: list[str], sentence: str) -> None:
    done = runner.invoke(cli, arguments)
    assert done.exit_code == 2
    assert " ".join(done.stderr.split()) == sentence
    assert "Traceback" not in done.output


def test_a_broken_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "broken.json"
    file.write_text('{"version": 1, "stages": [')
    done = runner.invoke(cli, ["summary", str(file)])
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    assert "JSON" in done.stderr


def test_train_then_replay_in_the_terminal(tmp_path: Path) -> None:
    store = str(tmp_path / "runs")
    done = runner.invoke(cli, ["train", "tiny_plain8", "tiny_resnet8", "--epochs", "1", "--store", store])
    assert done.exit_code == 0, done.output
    run = rv.open_runs(store).list()[0]
    assert f"run {run.id}: finished" in done.stdout
    error = rv.open_runs(store).get(run.id).evals("tiny_resnet8")[-1].test_error
    assert f"{100 * error:.1f} %" in done.stdout
    again = runner.invoke(cli, ["replay", "last", "--pace", "0", "--store", store])
    assert again.exit_code == 0, again.output
    assert re.search(r"step 12/12", again.stdout)
    assert f"{100 * error:.1f} %" in again.stdout


def test_replay_of_an_unknown_run_says_what_there_is(tmp_path: Path) -> None:
    done = runner.invoke(cli, ["replay", "nothing", "--store", str(tmp_path)])
    assert done.exit_code == 2
    assert " ".join(done.stderr.split()) == "'nothing' names no run; the newest are: none yet; `train` makes one."


def test_train_takes_an_experiment_file(tmp_path: Path) -> None:
    experiment = rv.Experiment(contestants={"a": rv.preset("tiny_resnet8")}, recipe=rv.Recipe(epochs=1, batch=512))
    file = tmp_path / "experiment.json"
    file.write_text(experiment.model_dump_json())
    done = runner.invoke(cli, ["train", str(file), "--store", str(tmp_path / "runs")])
    assert done.exit_code == 0, done.output
    run = rv.open_runs(tmp_path / "runs").list()[0]
    assert len(rv.open_runs(tmp_path / "runs").get(run.id).signals("a")["loss"]) == 3


def test_resume_lets_a_run_go_on_and_has_nothing_to_do_for_a_finished_one(tmp_path: Path) -> None:
    experiment = rv.Experiment(contestants={"a": rv.preset("tiny_resnet8")}, recipe=rv.Recipe(epochs=1, batch=512))
    store = Store(tmp_path)
    run = store.create(experiment, state="interrupted")
    for _ in range(2):
        done = runner.invoke(cli, ["resume", run[:12], "--store", str(tmp_path), "--deterministic"])
        assert done.exit_code == 0, done.output
        assert f"run {run}: finished" in done.stdout
    assert len(rv.open_runs(tmp_path).get(run).signals("a")["loss"]) == 3
    assert [event.data["state"] for event in store.events(run, kind="state")] == ["running", "finished"]


def test_resume_refuses_in_one_sentence(tmp_path: Path) -> None:
    done = runner.invoke(cli, ["resume", "last", "--store", str(tmp_path)])
    assert done.exit_code == 2
    assert " ".join(done.stderr.split()) == "'last' names no run; the newest are: none yet; `train` makes one."
    run = Store(tmp_path).create(None, name="a loop", state="interrupted")
    done = runner.invoke(cli, ["resume", "last", "--store", str(tmp_path)])
    assert done.exit_code == 2
    sentence = f"The run {run} comes from a training loop of somebody's own: only that can go on."
    assert " ".join(done.stderr.split()) == sentence
