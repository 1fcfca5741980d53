"""The parameters of what is opened, written out and counted three ways; green only where all three agree."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from resnet_viz.draw.proof_table import AGREE, DIFFER, agree, part_rows, proof_rows, proof_sentence, sums
from resnet_viz.inspect import Proof
from resnet_viz.ui.block_edits import Scope
from resnet_viz.ui.draft import Draft
from resnet_viz.ui.graph_view import Focus
from resnet_viz.ui.inspection import proofs_of
from resnet_viz.ui.plain_text import plain, plain_rows

MOST_LINES = 500
"""More are not sent to the browser."""
HEIGHT = 372
READING = (
    "A convolution has k·k·(in/groups)·out weights, a bias one for each channel out, a norm a scale and a shift a "
    "channel. The formula is made from the settings; the module shares only the plan of the convolutions with it."
)


def count_view(draft: Draft, focus: Focus, switch: Callable[[], None]) -> None:
    """The table for the whole network, the opened stage or the opened block, under the verdict on it."""
    focus = focus.within(draft.network)
    chosen = within(proofs_of(draft.network), focus.stage, focus.block)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        switch()
        st.caption(_title(draft, focus))
    st.markdown(f"**{verdict(chosen)}**")
    if focus.block:
        with st.container(key="count_parts"):
            *parts, formula, pytorch, torchinfo = plain_rows(part_rows(chosen[0]))
            ways = [
                row | {key: f"**{row[key]}**" for key in ("of the block", "parameters")}
                for row in (formula, pytorch, torchinfo)
            ]
            st.table([*parts, *ways], border="horizontal", hide_index=True)
    else:
        _lines(chosen)
    st.caption(plain(READING))


def within(proofs: tuple[Proof, ...], stage: int, block: int) -> list[Proof]:
    """Those of one block, one stage, or (0, 0) all of them."""
    return [p for p in proofs if (not stage or p.stage == stage) and (not block or p.block == block)]


def verdict(proofs: list[Proof]) -> str:
    """The sentence in Markdown, with its sign: green only where all agree."""
    colour, icon = ("green", "check_circle") if agree(proofs) else ("red", "error")
    return f":{colour}[:material/{icon}: {plain(proof_sentence(proofs))}]"


def _title(draft: Draft, focus: Focus) -> str:
    held = ", in the last network that can be built" if draft.attempt else ""
    if focus.block:
        return f"Block {focus.block} of stage {focus.stage}{held}"
    which = f"Stage {focus.stage}" if focus.stage else "The whole network"
    return f"{which}{held}" if held else f"{which} · open a block in the graph to see its parts"


def _lines(proofs: list[Proof]) -> None:
    rows = proof_rows(proofs)
    if len(rows) > MOST_LINES:
        st.caption(f"The first {MOST_LINES:,} of {len(rows):,} lines: open a stage or a block to see its own.")
        rows = [*rows[: MOST_LINES - 1], rows[-1]]
    signs = {plain(AGREE): f":green[{AGREE}]", plain(DIFFER): f":red[{DIFFER}]"}
    shown = [row | {"": signs[row[""]]} for row in plain_rows(rows)]
    with st.container(key="count_lines"):
        st.table(shown, border="horizontal", hide_index=True, height="content" if len(rows) <= 9 else HEIGHT)


def count_badge(draft: Draft, scope: Scope, opened: Callable[[], None]) -> str:
    """In the block's card: how many parameters its blocks have and whether three counts agree; leads to the proof.

    Gives what is to be said under it where they do not, else "".
    """
    if draft.attempt is not None:
        st.caption("not counted: it cannot be built")
        return ""
    stage = 0 if scope.reach == "all" else scope.stage
    chosen = [p for p in within(proofs_of(draft.network), stage, scope.block) if p.block]
    same = agree(chosen)
    words = f"{sums(chosen)[1]:,} · counts agree" if same else "counts differ"
    st.button(
        words, key=f"count_{'agree' if same else 'differ'}", type="tertiary", on_click=opened,
        icon=f":material/{'check_circle' if same else 'error'}:", help=_help(len(chosen), same),
    )  # fmt: skip
    return "" if same else proof_sentence(chosen)


def _help(blocks: int, same: bool) -> str:
    which = "of this block" if blocks == 1 else f"of these {blocks:,} blocks together"
    how = "the same by formula, PyTorch and torchinfo" if same else "not the same by formula, PyTorch and torchinfo"
    return f"Parameters {which}, {how}: see how"
