"""Where parameters and multiply-adds of the compared networks sit: bars by stage, one scale for all."""

from __future__ import annotations

import streamlit as st

from resnet_viz.draw.colours import Theme
from resnet_viz.draw.contestants import Contestant
from resnet_viz.draw.cost_bars import Cost, cost_bars, cost_bars_text, cost_rows
from resnet_viz.ui.plain_text import plain_rows

COSTS: tuple[Cost, ...] = ("parameters", "multiply-adds")


def costs(compared: tuple[Contestant, ...]) -> None:
    """Two pictures beside each other, and their numbers as a table."""
    with st.container(border=True, key="card_compare_costs"):
        if not any(one.summary for one in compared):
            st.markdown("**Where the cost sits**")
            st.caption("None of these networks can be built, so there is nothing to count.")
            return
        theme: Theme = "dark" if st.context.theme.type == "dark" else "light"
        for column, cost in zip(st.columns(2, gap="small"), COSTS, strict=True):
            with column:
                st.markdown(f"**{cost.capitalize()}** :gray[· by stage]")
                st.plotly_chart(
                    cost_bars(compared, cost, theme), theme=None, key=f"compare {cost} {len(compared)}",
                    alt=cost_bars_text(compared, cost), config={"displayModeBar": False},
                )  # fmt: skip
        with st.popover("Numbers", type="tertiary", key="compare cost numbers"):
            for cost in COSTS:
                st.markdown(f"**{cost.capitalize()}**")
                st.table(plain_rows(cost_rows(compared, cost)), border="horizontal", hide_index=True)
