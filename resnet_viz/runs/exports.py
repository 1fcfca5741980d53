"""Telemetry as files that other programs read: one wide table, or the evaluations, as Parquet or CSV."""

from __future__ import annotations

import io
import json
from typing import Literal

import numpy as np

from .telemetry import SPREAD, RunData

FORMATS = ("parquet", "csv")
TABLES = ("telemetry", "evaluations")
Table = Literal["telemetry", "evaluations"]


def export(data: RunData, format: str, table: Table = "telemetry") -> bytes:
    """The run as a file's content.

    "telemetry" has one row for each contestant and step: ``contestant``, ``step``, then every signal by its name; a
    signal that a contestant does not have is empty. "evaluations" has ``contestant``, ``step``, ``epoch``,
    ``train_error``, ``test_error``, which of several seeds are medians; then there are columns for least and greatest
    ("min/" and "max/" before a signal's name, "_min" and "_max" behind an error's). Parquet carries the run's id, name,
    header and experiment in its metadata (key "resnet_viz"). Raises ``ValueError`` for another format or table.
    """
    if format not in FORMATS:
        raise ValueError(f"there is no export as {format!r}: use one of {', '.join(FORMATS)}")
    if table not in TABLES:
        raise ValueError(f"there is no table {table!r}: use one of {', '.join(TABLES)}")
    import pyarrow as pa

    rows = pa.table(_telemetry(data) if table == "telemetry" else _evaluations(data))
    sink = io.BytesIO()
    if format == "csv":
        from pyarrow import csv

        csv.write_csv(rows, sink)
    else:
        from pyarrow import parquet

        experiment = json.loads(data.experiment_json)
        about = {"id": data.id, "name": data.name, "header": data.header, "experiment": experiment}
        parquet.write_table(rows.replace_schema_metadata({"resnet_viz": json.dumps(about)}), sink)
    return sink.getvalue()


def _telemetry(data: RunData) -> dict[str, object]:
    signals = {name: data.signals(name) for name in data.contestants}
    lengths = {name: len(found["loss"]) for name, found in signals.items()}
    columns: dict[str, object] = {
        "contestant": [name for name, length in lengths.items() for _ in range(length)],
        "step": np.concatenate([np.arange(length) for length in lengths.values()] or [np.empty(0, np.int64)]),
    }
    for signal in dict.fromkeys(signal for found in signals.values() for signal in found):
        parts = [found.get(signal, np.full(lengths[name], np.nan, dtype=np.float32)) for name, found in signals.items()]
        columns[signal] = np.concatenate(parts)
    return columns


def _evaluations(data: RunData) -> dict[str, object]:
    rows = [(name, *row) for name in data.contestants for row in data.evals(name)]
    names = ("contestant", "step", "epoch", "train_error", "test_error")
    table: dict[str, object] = {name: [row[column] for row in rows] for column, name in enumerate(names)}
    spread = {(e.contestant, e.step): e.data for e in data.events if e.kind == "eval" and SPREAD[0] in e.data}
    if spread:
        table |= {name: [spread.get((row[0], row[1]), {}).get(name) for row in rows] for name in SPREAD}
    return table
