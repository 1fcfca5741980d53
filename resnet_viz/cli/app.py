"""``app``: become the server, with a model of one's own if asked; ``check-model`` makes that in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from .terminal import refusals


def app(
    port: Annotated[int | None, typer.Option(help="Port (default: the next free one from 8501).")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    model: Annotated[str | None, typer.Option(help="Your own model: package.module:factory.")] = None,
    input: Annotated[str, typer.Option(help="The size of one input of it, without the batch.")] = "3x224x224",
) -> None:
    """Start the app in the browser, with a model of your own if you like."""
    script = Path(__file__).resolve().parents[2] / "app.py"
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.address", host]
    environment = os.environ | (own_model(model, input) if model is not None else {})
    serve(command + (["--server.port", str(port)] if port else []), script.parent, environment)


def serve(command: list[str], directory: Path, environment: dict[str, str]) -> None:
    """Become the server, so that no process waits for it; where that is not possible, wait and exit with its status."""
    if os.name != "posix":
        raise typer.Exit(subprocess.call(command, cwd=directory, env=environment))  # noqa: S603
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(directory)
    os.execve(command[0], command, environment)  # noqa: S606


def own_model(model: str, size: str) -> dict[str, str]:
    """The variables that hand a model to the server process, once it has been made in a process of its own.

    Exits with the status of that process where it refuses: what the factory takes and does ends with it.
    """
    status = subprocess.call([sys.executable, "-m", "resnet_viz", "check-model", "--", model, size])  # noqa: S603
    if status:
        raise typer.Exit(status)
    return {"RESNET_VIZ_MODEL": model, "RESNET_VIZ_MODEL_INPUT": size, "RESNET_VIZ_MODEL_PATH": str(Path.cwd())}


def check_model(model: str, size: str) -> None:
    """Make a model of one's own once, as the app will, or refuse in one sentence."""
    with refusals():
        from ..inspect.loading import input_shape, load_model

        input_shape(size)
        load_model(model, Path.cwd())
