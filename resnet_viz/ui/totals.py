"""What the network costs, beside the network it is compared with: totals, differences, and where they sit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from resnet_viz.draw.colours import Theme
from resnet_viz.draw.figures import (
    parts,
    path_lengths,
    path_lengths_text,
    path_rows,
    where_it_sits,
    where_it_sits_text,
    where_rows,
)
from resnet_viz.draw.titles import amount
from resnet_viz.draw.wording import size, superscript
from resnet_viz.inspect import Paths, Summary
from resnet_viz.spec import Network, SpecError, plain_twin, preset, presets
from resnet_viz.ui.draft import Draft
from resnet_viz.ui.inspection import summary_of
from resnet_viz.ui.plain_text import plain, plain_rows
from resnet_viz.ui.preset_card import preset_card

COMPARED = "playground compared"
MOST_LINES = 400
"""Lines of a picture's table that are sent to the browser."""
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
        st.plotly_chart(
            where_it_sits(rows, _theme()), theme=None, key="where_it_sits", alt=where_it_sits_text(rows),
            config={"displayModeBar": False},
        )  # fmt: skip
        numbers("by part", where_rows(rows))
    _paths_expander(summary.paths)
    preset_card(draft)


def _theme() -> Theme:
    return "dark" if st.context.theme.type == "dark" else "light"


def _paths_expander(paths: Paths) -> None:
    """How long the gradient's paths are, as a picture with its source."""
    with st.expander("Path lengths", key="path_lengths_box"):
        if not paths.shares:
            st.caption("No path: a block multiplies both its ways by zero.")
            return
        st.plotly_chart(
            path_lengths(paths, _theme()), theme=None, key="path_lengths", alt=path_lengths_text(paths),
            config={"displayModeBar": False},
        )  # fmt: skip
        st.caption(f"{paths_sentence(paths)} Counted as in Veit et al. 2016 (arXiv 1605.06431, Sect. 3); "
                   "how much gradient each carries is not counted here.")  # fmt: skip
        numbers("by length", path_rows(paths))


def numbers(name: str, rows: Sequence[Mapping[str, str]]) -> None:
    """The picture above as a table, for whoever asks for it."""
    with st.popover(f"Numbers {name}", type="tertiary", key=f"numbers_{name}"):
        if len(rows) > MOST_LINES:
            st.caption(f"The first {MOST_LINES:,} of {len(rows):,} lines.")
        shown = plain_rows(rows[:MOST_LINES])
        st.table(shown, border="horizontal", hide_index=True, height="content" if len(rows) <= 12 else 400)


def paths_sentence(paths: Paths) -> str:
    """What the picture of the path lengths shows, in a sentence."""
    if paths.fewest == paths.most:
        return f"One path, through all {paths.most} blocks."
    both = superscript(paths.most - paths.fewest)
    return f"2{both} paths, through {paths.mean:.1f} ± {paths.deviation:.1f} of {paths.most} blocks."


def _metric(label: str, value: str, told: str) -> None:
    st.metric(label, value, delta=plain(told) if told else None, delta_color="primary", delta_arrow="off")


def _compare_select() -> None:
    # The words of a choice stay the same whatever the draft is: the browser sends them back as the choice.
    st.selectbox("Compared with", [START, TWIN, *presets()], key=COMPARED)


def _facts(summary: Summary, network: Network) -> None:
    rows = {
        "Depth": f"{summary.depth} layers",
        "Blocks": f"{network.blocks:,}",
        "Memory to train": f"≥ {size(summary.memory)}",
        "Memory forward": f"≥ {size(summary.forward_memory)}",
        "Activations": f"{amount(summary.activations)} an image",
        "Operations a byte": f"{summary.intensity():.1f}",
        "Receptive field": f"{summary.receptive_field:,} px",
        "Field stride": f"{summary.field_stride:,} px",
        "Gradient paths": _path_range(summary.paths),
    }
    # A definition list of numbers of our own; nothing in it comes from a person.
    lines = "".join(f"<div><dt>{term}</dt><dd>{value}</dd></div>" for term, value in rows.items())
    st.html(f'<dl class="rv-facts">{lines}</dl>')
    st.caption("Memory at batch 1, float32")


def _path_range(paths: Paths) -> str:
    if not paths.shares:
        return "none"
    if paths.shortest == paths.longest:
        return f"{paths.longest:,} layers"
    return f"{paths.shortest:,} to {paths.longest:,} layers"
