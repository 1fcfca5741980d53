"""Finding the person's model: whatever is wrong with its name is one sentence; a hosted app runs nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from torch import nn
from typer.testing import CliRunner

from resnet_viz.cli import cli
from resnet_viz.cli.app import serve
from resnet_viz.inspect.loading import HOSTED, input_shape, load_model
from resnet_viz.spec import SpecError

HERE = "tests.inspect.own_models"


def test_a_factory_is_called_and_a_module_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets_of_mine.py").write_text(
        "from torch import nn\nready = nn.Linear(2, 3)\ndef make(): return ready\n"
    )
    monkeypatch.setattr(sys, "path", list(sys.path))
    made = load_model("nets_of_mine:make", tmp_path)
    assert isinstance(made, nn.Linear)
    assert load_model("nets_of_mine:ready") is made


SENTENCES = [
    ("resnet50", "'resnet50' names no model: write package.module:factory, as in my_nets.vision:build."),
    ("os;:x", "'os;:x' names no model: write package.module:factory, as in my_nets.vision:build."),
    (
        "no_such_place.nets:make",
        "There is no module 'no_such_place' here: start the app in the directory that has it, or install it.",
    ),
    (
        f"{HERE}:mpl",
        f"{HERE} has no 'mpl': it has mlp, Decides, Beside, Counting, Raises, breaks and more.",
    ),
    (f"{HERE}:number", f"{HERE}:number is an int: it must be a function that returns a torch.nn.Module."),
    (f"{HERE}:nothing", f"{HERE}:nothing returned None: it must return a torch.nn.Module."),
    (f"{HERE}:breaks", f"Calling {HERE}:breaks without arguments raised RuntimeError: no licence."),
]


@pytest.mark.parametrize(("text", "sentence"), SENTENCES)
def test_what_cannot_be_loaded_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_model(text)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("import not_there_at_all\n", "{name} needs the module 'not_there_at_all', which is not installed."),
        ("def f(:\n", "Importing {name} raised SyntaxError: invalid syntax ({name}.py, line 1)."),
        ("1 / 0\n", "Importing {name} raised ZeroDivisionError: division by zero."),
    ],
)
def test_a_module_that_does_not_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, sentence: str
) -> None:
    name = f"broken_{abs(hash(source))}"
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SpecError) as caught:
        load_model(f"{name}:make", tmp_path)
    assert str(caught.value) == sentence.format(name=name)


def test_a_hosted_app_runs_no_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "imported.py").write_text("raise SystemExit('it was imported')\n")
    monkeypatch.setenv("RESNET_VIZ_HOSTED", "1")
    with pytest.raises(SpecError) as caught:
        load_model("imported:make", tmp_path)
    assert str(caught.value) == HOSTED


@pytest.mark.parametrize(
    ("text", "shape"), [("3x224x224", (3, 224, 224)), (" 1 X 28 x 28", (1, 28, 28)), ("16", (16,))]
)
def test_input_sizes(text: str, shape: tuple[int, ...]) -> None:
    assert input_shape(text) == shape


@pytest.mark.parametrize("text", ["", "0x2", "3x-1x2", "axb", "1x2x3x4x5", "9" * 40])
def test_what_is_no_input_size(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        input_shape(text)
    sentence = f"{text[:40]!r} is no input size: write channels, height and width, as in 3x224x224."
    assert str(caught.value) == sentence


def test_an_input_that_is_too_large() -> None:
    with pytest.raises(SpecError) as caught:
        input_shape("3x99999x99999")
    assert str(caught.value) == "An input of 3x99999x99999 has 29,999,400,003 values: at most 50,000,000 are taken."


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--model", "nowhere_at_all:make"],
            "There is no module 'nowhere_at_all' here: start the app in the directory",
        ),
        (["--model", f"{HERE}:mlp", "--input", "big"], "'big' is no input size: write channels, height and width"),
    ],
)
def test_the_command_refuses_before_a_server_starts(
    arguments: list[str], sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert CliRunner().invoke(cli, ["app", *arguments]).exit_code == 2
    told = " ".join(capfd.readouterr().err.split())
    assert told.startswith(sentence)
    assert "Traceback" not in told


def test_the_command_refuses_when_hosted(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("RESNET_VIZ_HOSTED", "1")
    assert CliRunner().invoke(cli, ["app", "--model", f"{HERE}:mlp"]).exit_code == 2
    assert " ".join(capfd.readouterr().err.split()) == HOSTED


SERVES = """
import json, os, sys
import resnet_viz.cli as module

def became(path, command, environment):
    handed = {name: environment.get("RESNET_VIZ_MODEL" + name) for name in ("", "_INPUT", "_PATH")}
    loaded = [name for name in ("torch", "net_of_mine") if name in sys.modules]
    print(json.dumps([path, command[1:4], os.getcwd(), handed, loaded]))

os.execve = became
sys.argv = ["resnet_viz", "app", "--model", "net_of_mine:make", "--input", "3x8x8"]
module.main()
"""


def test_the_command_becomes_the_server_and_has_made_the_model_in_a_process_of_its_own(tmp_path: Path) -> None:
    made = tmp_path / "made"
    (tmp_path / "net_of_mine.py").write_text(
        f"from torch import nn\ndef make():\n    open({str(made)!r}, 'a').write('x')\n    return nn.Linear(2, 2)\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SERVES], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    path, command, where, handed, loaded = json.loads(done.stdout)
    assert (path, command, where) == (sys.executable, ["-m", "streamlit", "run"], str(root))
    assert handed == {"": "net_of_mine:make", "_INPUT": "3x8x8", "_PATH": str(tmp_path)}
    assert loaded == []
    assert made.read_text() == "x"


def test_where_a_process_cannot_become_another_the_command_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resnet_viz.cli.app.os", SimpleNamespace(name="nt"))
    monkeypatch.setattr("subprocess.call", lambda command, cwd, env: 3)
    with pytest.raises(typer.Exit) as caught:
        serve(["python"], Path(), {})
    assert caught.value.exit_code == 3
