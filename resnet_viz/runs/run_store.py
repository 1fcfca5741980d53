"""Runs for scripts, notebooks and pages: read-only handles on what the store knows."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from .exports import Table, export
from .liveness import status
from .places import locate
from .store import Frame, RunRow, Store
from .telemetry import Distribution, Evaluation, RunData, Telemetry, run_data

if TYPE_CHECKING:
    from ..spec import Experiment


class Run:
    """One run. Every property reads the store at that moment, so a run that goes on is seen going on."""

    def __init__(self, store: Store, id: str) -> None:
        self.store = store
        self.id = id

    def __repr__(self) -> str:
        return f"<Run {self.id} {self.name!r}: {self.state}>"

    @property
    def row(self) -> RunRow:
        """The run's row in the store. Raises ``KeyError`` when it was removed for good."""
        return self.store.row(self.id)

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.row.name

    @property
    def state(self) -> str:
        """queued, running, paused, finished, stopped, interrupted or failed."""
        return status(self.row)[0]

    @property
    def reason(self) -> str | None:
        """One sentence that says why it is over, when it did not simply finish; while it goes on, where from."""
        return status(self.row)[1]

    @property
    def header(self) -> dict[str, Any]:
        """Versions, device, data set, steps, contestants with layers and signals; empty before the start."""
        return self.row.header

    @property
    def recorded(self) -> bool:
        """True for the telemetry of somebody's own training loop (:func:`~resnet_viz.runs.record`)."""
        return self.row.recorded

    @property
    def experiment(self) -> Experiment:
        """What was asked for. Raises pydantic's ``ValidationError`` for a run that was :attr:`recorded`."""
        from ..spec import Experiment

        return Experiment.model_validate_json(self.row.experiment_json)

    @property
    def data(self) -> RunData:
        """Everything of the run as it stands now, as plain data."""
        return run_data(self.store, self.id)

    def signals(self, contestant: str) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
        """Each signal as float32 [steps] by name, each step once: "loss", "train_error", "lr", "grad_norm/<layer>",
        "input_grad/<block>", and what the recipe's probes ask for besides (docs/telemetry.md has all keys). Raises
        ``KeyError`` for a contestant that is not there.
        """  # fmt: skip
        return self.data.signals(contestant)

    def histograms(self, contestant: str) -> list[Distribution]:
        """The histograms of weights and gradients that were asked for while it ran, layer by layer."""
        return self.data.histograms(contestant)

    def evals(self, contestant: str) -> list[Evaluation]:
        """Errors on the whole sets, as fractions: rows of step, epoch, train_error, test_error."""
        return self.data.evals(contestant)


class RunStore:
    """All runs of one directory."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def get(self, id: str) -> Run:
        """The run with that id. Raises ``KeyError`` when there is none."""
        self.store.row(id)
        return Run(self.store, id)

    def frames(self, id: str) -> dict[str, Telemetry]:
        """Telemetry by contestant, float32 [steps, signals]; the header names the columns. Raises ``KeyError``."""
        return run_data(self.store, id).frames

    def chunks(self, id: str, after: int = 0) -> list[Frame]:
        """The chunks as they were written, with a sequence number above ``after``."""
        return self.store.frames(id, after)

    def list(self) -> list[Run]:
        """All runs, newest first; those in the bin are left out."""
        return [Run(self.store, row.id) for row in self.store.rows()]

    def export(self, id: str, format: str, table: Table = "telemetry") -> bytes:
        """The run as the content of a "parquet" or "csv" file. Raises ``KeyError`` or ``ValueError``."""
        return export(run_data(self.store, id), format, table)


def open_runs(path: str | Path | None = None) -> RunStore:
    """The runs in that directory (created when missing); without one, in ``RESNET_VIZ_HOME`` or the user's own."""
    return RunStore(Store(locate(path).directory))


def experiment_key(experiment: Experiment) -> str:
    """A key for what this experiment takes on this machine with this version: 32 hexadecimal digits."""
    machine = (platform.node(), platform.machine(), os.cpu_count(), platform.python_version(), __version__)
    return hashlib.sha256(f"{machine} {experiment.model_dump_json()}".encode()).hexdigest()[:32]
