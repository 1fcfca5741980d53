"""The table of layers under the graph, with the selected node's row marked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from resnet_viz.draw.colours import PALETTE, Theme
from resnet_viz.draw.table import TableRow, table_rows
from resnet_viz.ui.draft import Draft
from resnet_viz.ui.graph_view import Focus
from resnet_viz.ui.inspection import summary_of

EVERY = "playground every layer"
MORE = "playground more columns"
COLUMNS = ("layer", "operation", "output", "parameters", "mult-adds", "receptive field")
"""What is shown without the toggle "More columns"."""

ROW_HEIGHT = 30
MOST_HEIGHT = 424
MOST_LINES = 5_000
"""More are not sent to the browser at once."""

STYLED = 400
"""Above so many lines none is marked: marking costs a style for each cell."""


def layer_table(draft: Draft, focus: Focus, switch: Callable[[], None]) -> None:
    """The lines for what the graph shows opened; the count is checked in the heading, which ``switch`` begins."""
    summary = summary_of(draft.network)
    focus = focus.within(draft.network)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        switch()
        checked = (
            "torchinfo = Σ numel"
            if summary.agrees
            else f"torchinfo counts {summary.params_torchinfo:,}, Σ numel is {summary.params:,}"
        )
        st.caption(f"the last network that can be built; {checked}" if draft.attempt else checked)
        with st.container(horizontal=True, width="content"):
            more = st.toggle("More columns", key=MORE)
            every = st.toggle("Every layer", key=EVERY, help="Show repeated blocks line by line")
    own = {(i, o.index) for i, stage in enumerate(draft.network.stages, 1) for o in stage.overrides}
    rows = table_rows(summary.rows, stage=focus.stage, block=focus.block, every=every, own=own)
    if len(rows) > MOST_LINES:
        st.caption(f"The first {MOST_LINES:,} of {len(rows):,} lines: open a stage or a block to see its own.")
        rows = rows[:MOST_LINES]
    height = min(ROW_HEIGHT * (len(rows) + 1) + 3, MOST_HEIGHT)
    st.dataframe(
        marked(rows, focus.selected), hide_index=True, width="stretch", height=height, row_height=ROW_HEIGHT,
        column_order=None if more else COLUMNS, column_config=_columns(more),
    )  # fmt: skip


def _columns(more: bool) -> dict[str, Any]:
    """Widths that fit 1366 pixels, with and without the columns that are asked for."""
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "layer": text(width=173),
        "operation": text(width=160 if more else 247),
        "output": text(width=118 if more else 122, alignment="right"),
        "parameters": number(width=82 if more else 86, format="localized"),
        "mult-adds": number(
            width=95 if more else 100, format="localized",
            help="Multiply-adds of convolutions and linear layers, one image",
        ),
        "receptive field": number(
            "field", width=50 if more else 56, format="localized",
            help="Receptive field: side of the square of input pixels that an output pixel sees",
        ),
        "field stride": number(
            "stride", width=54, format="localized",
            help="Input pixels between the receptive fields of neighbouring output pixels",
        ),
        "ops a byte": number(
            "ops/B", width=54, format="%.1f",
            help="Arithmetic intensity at batch 1: 2 operations a multiply-add of convolutions and linear layers, over "
            "the bytes of weights, input and output in float32, each once",
        ),
    }  # fmt: skip


def frame(rows: tuple[TableRow, ...]) -> Any:
    """The lines as a pandas ``DataFrame`` with all columns that the page may show."""
    from pandas import DataFrame  # type: ignore[import-untyped]

    return DataFrame(
        {
            "layer": [row.layer for row in rows],
            "operation": [row.operation for row in rows],
            "output": [row.output for row in rows],
            "parameters": [row.parameters for row in rows],
            "mult-adds": [row.macs for row in rows],
            "receptive field": [row.receptive_field for row in rows],
            "field stride": [row.field_stride for row in rows],
            "ops a byte": [row.intensity for row in rows],
        }
    )


def marked(rows: tuple[TableRow, ...], selected: str) -> Any:
    """The data frame, as a pandas ``Styler`` where a line is marked."""
    data = frame(rows)
    path = selected.partition(":")[0]
    chosen = [i for i, row in enumerate(rows) if path and (row.layer == path or row.layer.startswith(f"{path} "))]
    if not chosen or len(rows) > STYLED:
        return data
    theme: Theme = "dark" if st.context.theme.type == "dark" else "light"
    colours = PALETTE[theme]
    style = f"background-color: {colours['selected']}; color: {colours['text']}"
    return data.style.apply(lambda line: [style if line.name in chosen else ""] * len(line), axis=1)
