"""What the network costs, beside the network it is compared with: totals, differences, and where they sit."""

from __future__ import annotations

import streamlit as st

from resnet_viz.draw.colours import Theme
from resnet_viz.draw.figures import parts, where_it_sits, where_it_sits_text
from resnet_viz.draw.titles import amount
from resnet_viz.draw.wording import size
from resnet_viz.inspect import Summary
from resnet_viz.spec import Network, SpecError, plain_twin, preset, presets
from resnet_viz.ui.draft import Draft
from resnet_viz.ui.inspection import summary_of
from resnet_viz.ui.plain_text import plain
from resnet_viz.ui.preset_card import preset_card

COMPARED = "playground compared"
START, TWIN = "where it started", "its plain twin"


def compared(draft: Draft) -> Network | None:
    """The network that the totals are compared with, None when there is none."""
    choice = st.session_state.get(COMPARED, START)
    if choice == TWIN:
        return plain_twin(draft.network)
    if choice in presets():
        return preset(choice)
    return preset(draft.base) if draft.base else draft.history[0]


def difference(value: int, other: int, name: str) -> str:
    """The words of a difference: "same as resnet50", "−528,128 against resnet50", "+3.5 % ..." above a million."""
    if value == other:
        return f"same as {name}"
    sign = "+" if value > other else "−"
    return f"{sign}{abs(value - other):,} against {name}"


def relative(value: int, other: int, name: str) -> str:
    """The same as a percentage, for numbers shown rounded."""
    if value == other:
        return f"same as {name}"
    if not other:
        return f"{name} has none"
    percent = (value - other) / other * 100
    sign = "+" if percent > 0 else "−"
    size_of = abs(percent)
    digits = f"{size_of:,.0f}" if size_of >= 99.5 else f"{size_of:.2g}" if size_of < 1 else f"{size_of:.1f}"
    return f"{sign}{digits} % against {name}"


def held_words(draft: Draft) -> str:
    """Of which network the totals are when it is not the one in the fields; "" when it is."""
    if draft.attempt is not None:
        return "Counts are those of the last network that can be built."
    return "Counts and race are of the last valid network." if draft.refused else ""


def totals_column(draft: Draft) -> None:
    """Parameters and multiply-adds large, the other totals small, bars by stage."""
    network = draft.network
    summary = summary_of(network)
    other = compared(draft)
    _compare_select()
    if held := held_words(draft):
        st.caption(held)
    told = ("", "")
    if other is not None:
        try:
            base = summary_of(other)
            told = (difference(summary.params, base.params, other.name), relative(summary.macs, base.macs, other.name))
        except SpecError as error:
            st.caption(plain(f"Nothing to compare with: {error}"))
    with st.container(border=True, key="card_parameters"):
        _metric("Parameters", f"{summary.params:,}", told[0])
    with st.container(border=True, key="card_macs"):
        _metric("Multiply-adds, conv + linear", amount(summary.macs), told[1])
        st.caption(f"torchinfo's own total: {amount(summary.macs_torchinfo)}, with norm and bias")
    with st.container(border=True, key="card_facts"):
        _facts(summary, network)
    with st.container(border=True, key="card_where"):
        st.markdown("**Where it sits**  \n:small[:primary[parameters], :gray[multiply-adds]]")
        rows = parts(summary.rows)
        theme: Theme = "dark" if st.context.theme.type == "dark" else "light"
        st.plotly_chart(
            where_it_sits(rows, theme), theme=None, key="where_it_sits", alt=where_it_sits_text(rows),
            config={"displayModeBar": False},
        )  # fmt: skip
    preset_card(draft)


def _metric(label: str, value: str, told: str) -> None:
    st.metric(label, value, delta=plain(told) if told else None, delta_color="primary", delta_arrow="off")


def _compare_select() -> None:
    # The words of a choice stay the same whatever the draft is: the browser sends them back as the choice.
    st.selectbox("Compared with", [START, TWIN, *presets()], key=COMPARED)


def _facts(summary: Summary, network: Network) -> None:
    rows = {
        "Depth": f"{summary.depth} layers",
        "Blocks": f"{network.blocks:,}",
        "Memory, batch 1": size(summary.memory),
        "Activations": f"{amount(summary.activations)} an image",
        "Receptive field": f"{summary.receptive_field:,} px",
    }
    # A definition list of numbers of our own; nothing in it comes from a person.
    lines = "".join(f"<div><dt>{term}</dt><dd>{value}</dd></div>" for term, value in rows.items())
    st.html(f'<dl class="rv-facts">{lines}</dl>')
