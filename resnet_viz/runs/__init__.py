"""Runs: the store, the worker process, and everything that reads them. Importing this package does not import torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .launch import ensure_worker, worker_alive, worker_trouble
from .liveness import status
from .places import Place, locate, store_directory
from .roles import ROLES, role_names
from .store import Event, Frame, RunRow, Store, StoreError

if TYPE_CHECKING:
    from .executor import Progress, execute
    from .recorder import Recorder, record
    from .recordings import load_recording, save_recording
    from .run_store import Run, RunStore, experiment_key, open_runs
    from .telemetry import Evaluation, RunData, merge, run_data
    from .training import resume, train

__all__ = [
    "ROLES", "Evaluation", "Event", "Frame", "Place", "Progress", "Recorder", "Run", "RunData", "RunRow",
    "RunStore", "Store", "StoreError", "ensure_worker", "execute", "experiment_key", "load_recording", "locate",
    "merge", "open_runs", "record", "resume", "role_names", "run_data", "save_recording", "status",
    "store_directory", "train", "worker_alive", "worker_trouble",
]  # fmt: skip

_LAZY = {
    "Progress": "executor", "execute": "executor",
    "Recorder": "recorder", "record": "recorder",
    "load_recording": "recordings", "save_recording": "recordings",
    "Evaluation": "telemetry", "RunData": "telemetry", "merge": "telemetry", "run_data": "telemetry",
    "Run": "run_store", "RunStore": "run_store", "experiment_key": "run_store", "open_runs": "run_store",
    "resume": "training", "train": "training",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
