"""Published error against cost, for one protocol at a time; the compared networks stand among the literature's."""

from __future__ import annotations

import streamlit as st

from resnet_viz.draw.accuracy import AXES, Axis, Mark, accuracy_figure, accuracy_rows, accuracy_text
from resnet_viz.draw.colours import Theme
from resnet_viz.draw.contestants import Contestant
from resnet_viz.draw.published import Protocol, best_protocol, protocol_of, protocols, source_lines
from resnet_viz.draw.wording import cut_middle, listed
from resnet_viz.inspect import Summary
from resnet_viz.spec import preset, preset_info
from resnet_viz.ui.inspection import summary_of
from resnet_viz.ui.plain_text import plain, plain_rows

CHOICE = "compare protocol"


def accuracy(compared: tuple[Contestant, ...], batch: int) -> None:
    """Three pictures with one error scale, the choice of protocol above, sources on hover and in the table."""
    groups = protocols()
    options = list(groups)
    with st.container(border=True, key="card_compare_accuracy"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="compare_accuracy_head"):
            st.markdown("**Published error against cost**", width="stretch")
            names = {str(option): option for option in options}
            start = best_protocol(one.preset for one in compared)
            chosen = names[st.selectbox(
                "Protocol", list(names), index=options.index(start), key=CHOICE, width=330,
                label_visibility="collapsed", help="Figures of different protocols never share a picture",
            )]  # fmt: skip
            found = marks(compared, chosen, groups[chosen], batch)
            with st.popover("Figures and sources", type="tertiary", key="compare accuracy numbers"):
                st.table(plain_rows(accuracy_rows(found)), border="horizontal", hide_index=True)
        theme: Theme = "dark" if st.context.theme.type == "dark" else "light"
        for column, axis in zip(st.columns(len(AXES), gap="small"), AXES, strict=True):
            column.plotly_chart(
                accuracy_figure(found, axis, theme), theme=None, key=f"compare {axis} picture",
                alt=accuracy_text(found, axis, str(chosen)), config={"displayModeBar": False},
            )  # fmt: skip
        st.caption(_under(compared, chosen, batch))


def marks(compared: tuple[Contestant, ...], protocol: Protocol, names: tuple[str, ...], batch: int) -> list[Mark]:
    """The presets with a figure of that protocol, then the compared networks, each once.

    A compared preset whose figure is on another data set is left out: its cost is for other images.
    """
    taken = {one.preset for one in compared if one.preset}
    found = [
        Mark(name, _costs(summary_of(preset(name), batch)), preset_info(name).published_error, None,
             source_lines(preset_info(name)))
        for name in names if name not in taken
    ]  # fmt: skip
    for one in compared:
        its = _protocol(one)
        if one.summary is None or (its is not None and its.dataset != protocol.dataset):
            continue
        info = preset_info(one.preset) if its == protocol else None
        error, told = (info.published_error, source_lines(info)) if info else (None, ())
        found.append(Mark(one.label, _costs(one.summary), error, one.role, told))
    return found


def _protocol(one: Contestant) -> Protocol | None:
    return protocol_of(preset_info(one.preset)) if one.preset else None


def _costs(summary: Summary) -> dict[Axis, int]:
    return {"parameters": summary.params, "multiply-adds": summary.macs, "memory": summary.memory}


def _under(compared: tuple[Contestant, ...], protocol: Protocol, batch: int) -> str:
    """What the dashed lines mean and for whom, who is not in the picture, and what the cost axes count."""
    unknown: list[str] = []
    other: list[str] = []
    away: list[str] = []
    for one in compared:
        its, name = _protocol(one), cut_middle(one.label, 30)
        if one.summary is None or its == protocol:
            continue
        if its is None:
            unknown.append(name)
        else:
            (other if its.dataset == protocol.dataset else away).append(f"{name} ({its})")
    told = [f"Errors as published; costs counted here, memory for a training step at batch {batch}."]
    if unknown or other:
        told.append("A dashed line is a cost without an error.")
    if unknown:
        told.append(f"No error is published for {listed(unknown)}.")
    if other:
        told.append(f"Published by another protocol: {listed(other)}.")
    if away:
        told.append(f"Published on another data set, so not here: {listed(away)}.")
    return plain(" ".join(told))
