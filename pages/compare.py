"""Compare: two to six networks side by side, what they cost and where they differ."""

import streamlit as st

from resnet_viz.ui import compare_accuracy, compare_actions, compare_budget, compare_costs, compare_view
from resnet_viz.ui.compare_state import open_selection, write_selection

selection = open_selection(arrived=compare_actions.CHOICE not in st.session_state)
write_selection(selection)
compare_view.styles()

compare_actions.action_bar(selection)
compare_view.notice(selection)
if not selection.networks:
    compare_view.empty(selection)
else:
    waiting = compare_view.waiting()
    batch = compare_view.batch()
    compared = compare_view.counted(selection, batch)
    waiting.empty()
    compare_view.cards(selection, compared)
    wide = len(compared) > 4  # so many columns need the whole page
    if wide:
        compare_view.table(compared, batch)
    left, right = st.columns([1.6, 1], gap="small")
    with left:
        if not wide:
            compare_view.table(compared, batch)
        compare_accuracy.accuracy(compared, batch)
    with right:
        compare_costs.costs(compared)
    with left if wide else right:  # the shorter column
        compare_budget.budget(selection, compared)
selection.settle()
