"""Published error against cost, for one protocol at a time; the compared networks stand among the literature's."""

from __future__ import annotations

import streamlit as st

from resnet_viz.draw.accuracy import AXES, Axis, Mark, accuracy_figure, accuracy_rows, accuracy_text, other_networks
from resnet_viz.draw.colours import Role, Theme
from resnet_viz.draw.contestants import Contestant
from resnet_viz.draw.published import Protocol, Published, best_protocol, protocols, published
from resnet_viz.draw.wording import cut_middle, listed
from resnet_viz.inspect import Summary
from resnet_viz.spec import preset
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
        st.caption(_under(compared, chosen, found, batch))


def marks(compared: tuple[Contestant, ...], protocol: Protocol, names: tuple[str, ...], batch: int) -> list[Mark]:
    """The presets with a figure of that protocol, then the compared networks, each once.

    A compared preset whose figures are all on other data sets is left out: its cost is for other images.
    """
    taken = {one.preset for one in compared if one.preset}
    found = [_mark(name, None, summary_of(preset(name), batch), published(name).get(protocol))
             for name in names if name not in taken]  # fmt: skip
    for one in compared:
        its = published(one.preset)
        if one.summary is not None and (not its or any(p.dataset == protocol.dataset for p in its)):
            found.append(_mark(one.label, one.role, one.summary, its.get(protocol)))
    return found


def _mark(name: str, role: Role | None, summary: Summary, figure: Published | None) -> Mark:
    if figure is None:
        return Mark(name, _costs(summary), None, role)
    return Mark(name, _costs(summary), figure.error, role, figure.source, figure.error_of)


def _costs(summary: Summary) -> dict[Axis, int]:
    return {"parameters": summary.params, "multiply-adds": summary.macs, "memory": summary.memory}


def _under(compared: tuple[Contestant, ...], protocol: Protocol, found: list[Mark], batch: int) -> str:
    """What dots and dashed lines mean and for whom, who is not in the picture, and what the cost axes count."""
    unknown: list[str] = []
    other: list[str] = []
    away: list[str] = []
    for one in compared:
        its, name = list(published(one.preset)), cut_middle(one.label, 30)
        if one.summary is None or protocol in its:
            continue
        if not its:
            unknown.append(name)
        else:
            here = [p for p in its if p.dataset == protocol.dataset]
            (other if here else away).append(f"{name} ({(here or its)[0]})")
    told = [f"Errors as published; costs counted here, memory for a training step at batch {batch}."]
    if protocol.dataset == "CIFAR-100":
        told.append("Costs are those of the presets as they are, with 10 classes.")
    if others := other_networks(found):
        told.append(f"A point with a dot has the error of another network than the counted one: {'; '.join(others)}.")
    if unknown or other:
        told.append("A dashed line is a cost without an error.")
    if unknown:
        told.append(f"No error is published for {listed(unknown)}.")
    if other:
        told.append(f"Published by another protocol: {listed(other)}.")
    if away:
        told.append(f"Published on another data set, so not here: {listed(away)}.")
    return plain(" ".join(told))
