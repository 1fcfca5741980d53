"""The recordings that come with the app, made by the app itself; ``python -m resnet_viz.ui.recordings`` remakes them.

Each is a real run, written by :func:`resnet_viz.runs.save_recording` with its device, versions and date.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from resnet_viz.runs import Store, save_recording
from resnet_viz.spec import Experiment

FIRST_RACE = Path(__file__).parent / "plain56_residual56.safetensors"
"""plain-56 against residual-56 on digits with the default recipe: what the first page replays."""


def make_recording(path: Path, experiment: Experiment) -> Path:
    """Train the experiment here and now, in a store of its own, and write the run into one file; gives its path.

    Raises ``RuntimeError`` when the run does not finish.
    """
    from resnet_viz.runs import train

    with tempfile.TemporaryDirectory() as directory:
        run = train(experiment, store=Store(directory))
        if run.state != "finished":
            raise RuntimeError(f"the run {run.state}: {run.reason}")
        return save_recording(run.data, path)
