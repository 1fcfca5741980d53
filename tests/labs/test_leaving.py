"""What leaves a lab: recording, slide, handout, notebook, thumbnail; and the check of all labs."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from resnet_viz.cli import cli
from resnet_viz.draw.thumbnail import thumbnail
from resnet_viz.labs import Lab, Observation, Source, find, labs, recording
from resnet_viz.labs.check import Checked, needed
from resnet_viz.labs.claims import claims, thresholds
from resnet_viz.labs.handout import handout
from resnet_viz.labs.notebook import notebook
from resnet_viz.labs.recorded import load, place, save
from resnet_viz.labs.slide import export_config, slide
from tests.labs.made_up import degradation as made_up

ALL = [pytest.param(lab, id=lab.slug) for lab in labs()]


@pytest.fixture
def seen() -> Observation:
    return Observation(find("degradation"), (0,), tuple(made_up.MADE_UP["present"]), {"kind": "cpu", "cores": 2})


@pytest.mark.parametrize("lab", ALL)
def test_every_lab_has_a_recording_that_shows_what_it_promises(lab: Lab) -> None:
    known = recording(lab.slug)
    assert known is not None, f"run: python -m resnet_viz labs --record --only {lab.slug}"
    assert known.recorded
    assert known.verdict == lab.expected
    assert len(known.seeds) == (3 if lab.repeats else 1)
    assert known.versions["torch"]
    assert known.started > 0
    assert lab.answer.format_map(known.numbers)
    assert place(lab).stat().st_size < 400_000
    ET.fromstring(thumbnail(known.figure("light"), "light", lab.question))
    assert "<path" in thumbnail(known.figure("dark"), "dark") or "<rect" in thumbnail(known.figure("dark"), "dark")


def test_a_recording_comes_back_as_it_was(seen: Observation, tmp_path: Path) -> None:
    path = save(seen, tmp_path / "one.json")
    back = load(path)
    assert back.findings == seen.findings
    assert back.numbers == seen.numbers
    assert back.recorded
    assert back.origin == "Recording: 2 CPU cores, seed 0"


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"version": 2}', "\x00", '{"lab": "nothing"}'])
def test_a_damaged_recording_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"^bad\.json is damaged or is not a recording of a lab\.$"):
        load(path)


def test_a_recording_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^none\.json cannot be read: No such file or directory\.$"):
        load(tmp_path / "none.json")


def test_a_slide_has_question_and_source(seen: Observation) -> None:
    figure = slide(seen, "dark")
    assert (figure.layout.width, figure.layout.height) == (1280, 720)
    assert "Do shortcuts help" in figure.layout.title.text
    assert any("He et al. 2016a" in note.text for note in figure.layout.annotations)
    assert export_config(seen, "png")["toImageButtonOptions"] == {
        "format": "png", "filename": "resnet-viz-degradation", "width": 1280, "height": 720, "scale": 2,
    }  # fmt: skip


def test_a_handout_is_escaped_and_has_prediction_and_run(seen: Observation) -> None:
    evil = replace(seen.lab, setting="<script>alert(1)</script> *here*", sources=(Source("<img src=x>", "a&b", "u"),))
    page = handout(replace(seen, lab=evil), {"curve": "stays"})
    head = page.partition("<div class='figure'>")[0]
    tail = page.rpartition("</div>")[2]
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; <i>here</i>" in head
    assert "&lt;img src=x&gt;, a&amp;b" in tail
    assert "Predicted: It stays about the same" in head
    assert "Observed: It rises" in head
    assert "</b> From 8 to 56 layers its training error goes from" in tail
    assert page.startswith("<!doctype html>")
    assert "Predicted: ____" in handout(seen, {"curve": "nonsense", "<b>": "x"})


@pytest.mark.parametrize("lab", ALL)
def test_a_notebook_is_valid_and_its_code_compiles(lab: Lab) -> None:
    made = json.loads(notebook(lab))
    assert (made["nbformat"], made["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in made["cells"]}) == len(made["cells"])
    for cell in made["cells"]:
        assert isinstance(cell["source"], str)
        if cell["cell_type"] == "code":
            compile(cell["source"], "cell", "exec")
            assert cell["outputs"] == []


def test_a_notebook_runs_top_to_bottom() -> None:
    names: dict[str, object] = {}
    for cell in json.loads(notebook(find("table-1")))["cells"]:
        if cell["cell_type"] == "code":
            exec(cell["source"], names)
    assert names["seen"].verdict == "present"  # type: ignore[attr-defined]


def test_claims_stand_beside_the_evidence(seen: Observation) -> None:
    rows = {row["What"]: row for row in claims(seen)}
    assert rows["plain, 56 layers, train error"]["This run"] == f"{seen.numbers['plain_56_train']:percent}"
    assert rows["plain, 20 layers, train error"]["This run"] == "not measured"
    assert rows["residual, 56 layers, test error"]["Published"] == "6.97 % on CIFAR-10 (He 2016a, Table 6)"
    assert [row["Clear effect from"] for row in thresholds(seen)] == ["10\u00a0points", "10\u00a0points"]


@pytest.mark.parametrize(("repeats", "least"), [(1, 1), (2, 2), (3, 2), (10, 9), (20, 18)])
def test_how_many_repeats_have_to_show_it(repeats: int, least: int) -> None:
    assert needed(repeats) == least


def test_a_check_counts_the_repeats_that_show_it(seen: Observation) -> None:
    found = [one | {"seed": seed, "t": 2.0 + seed} for seed in (1, 2) for one in seen.findings]
    found += [one | {"seed": 3, "t": 1.0} for one in made_up.MADE_UP["absent"]]
    one = Checked(replace(seen, seeds=(1, 2, 3), findings=tuple(found), seconds={1: 3.0, 2: 4.0, 3: 1.0}))
    assert (one.shown, one.good, one.seconds) == (2, True, 4.0)
    assert one.words == "present in 2 of 3, absent in 1 of 3"
    missing = Checked(replace(seen, seeds=(1, 2, 3), findings=tuple(found[:-4])))
    assert missing.words == "present in 2 of 3, not finished in 1 of 3"


def test_the_command_lists_checks_and_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    run = CliRunner()
    listed = run.invoke(cli, ["labs"])
    assert listed.exit_code == 0
    assert all(lab.slug in listed.output for lab in labs())
    good = run.invoke(cli, ["labs", "--check", "--only", "table-1", "--seeds", "1,2"])
    assert good.exit_code == 0, good.output
    assert "present in 1 of 1" in good.output
    bad = run.invoke(cli, ["labs", "--check", "--only", "table-1", "--seeds", "one"])
    assert bad.exit_code == 2
    assert "--seeds takes whole numbers such as 1,2,3, not 'one'." in bad.output
    assert run.invoke(cli, ["labs", "--only", "nothing"]).exit_code == 2
    from resnet_viz.labs import catalogue

    broken = replace(find("table-1"), expected="absent")
    monkeypatch.setattr(catalogue, "labs", lambda: (broken,))
    assert run.invoke(cli, ["labs", "--check", "--only", "table-1"]).exit_code == 1
