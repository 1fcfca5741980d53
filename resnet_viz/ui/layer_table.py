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
ROW_HEIGHT = 30
MOST_HEIGHT = 424
STYLED = 400
"""Above so many lines none is marked: marking costs a style for each cell."""


def layer_table(draft: Draft, focus: Focus, switch: Callable[[], None]) -> None:
    """The lines for what the graph shows opened; the count is checked in the heading, which ``switch`` begins."""
    summary = summary_of(draft.network)
    focus = focus.within(draft.network)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        switch()
        checked = (
            "the count agrees with Σ numel"
            if summary.agrees
            else f"torchinfo counts {summary.params_torchinfo:,}, Σ numel is {summary.params:,}"
        )
        which = "torchinfo on the last network that can be built" if draft.attempt else "torchinfo on the real module"
        st.caption(f"{which}; {checked}")
        every = st.toggle("Every layer", key=EVERY, help="Show repeated blocks line by line")
    rows = table_rows(summary.rows, stage=focus.stage, block=focus.block, every=every)
    height = min(ROW_HEIGHT * (len(rows) + 1) + 3, MOST_HEIGHT)
    st.dataframe(
        _marked(rows, focus.selected), hide_index=True, width="stretch", height=height, row_height=ROW_HEIGHT,
        column_config={
            "layer": st.column_config.TextColumn(width=150),
            "operation": st.column_config.TextColumn(width=235),
            "output": st.column_config.TextColumn(width=110, alignment="right"),
            "parameters": st.column_config.NumberColumn(width=85, format="localized"),
            "mult-adds": st.column_config.NumberColumn(
                width=100, format="localized", help="Multiply-adds of convolutions and linear layers, one image"
            ),
            "receptive field": st.column_config.NumberColumn(
                width=105, format="localized", help="Side of the square of input pixels that an output pixel sees"
            ),
        },
    )  # fmt: skip


def frame(rows: tuple[TableRow, ...]) -> Any:
    """The lines as a pandas ``DataFrame`` with the columns that the page shows."""
    from pandas import DataFrame  # type: ignore[import-untyped]  # comes with streamlit

    return DataFrame(
        {
            "layer": [row.layer for row in rows],
            "operation": [row.operation for row in rows],
            "output": [row.output for row in rows],
            "parameters": [row.parameters for row in rows],
            "mult-adds": [row.macs for row in rows],
            "receptive field": [row.receptive_field for row in rows],
        }
    )


def _marked(rows: tuple[TableRow, ...], selected: str) -> Any:
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
