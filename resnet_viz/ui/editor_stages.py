"""The list of stages: choose one, change its number of blocks, add one, take one away."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from resnet_viz.draw.titles import size_text
from resnet_viz.spec import Block, Network, Stage
from resnet_viz.spec.network import MAX_STAGES
from resnet_viz.spec.shapes import block_shapes
from resnet_viz.ui import fields
from resnet_viz.ui.block_edits import with_blocks
from resnet_viz.ui.draft import SESSION, Draft
from resnet_viz.ui.fields import Edit
from resnet_viz.ui.graph_view import Focus, read_focus, set_focus

STAGE = "playground stage"


def selected_stage(network: Network) -> int:
    """The stage (from 1) that is chosen: the one opened in the graph, else the last one chosen."""
    opened = read_focus(network).stage
    if opened:
        st.session_state[STAGE] = opened
    return max(1, min(int(st.session_state.get(STAGE, 1)), len(network.stages)))


def stages_card(draft: Draft) -> None:
    """One row a stage: choose it, change its number of blocks; add one, take one away."""
    network = draft.shown
    chosen = selected_stage(network)
    leaves = {row.stage: row.leaves for row in block_shapes(network)}
    with st.container(border=True, key="card_stages"):
        st.markdown("**Stages**")
        for i, stage in enumerate(network.stages, 1):
            with st.container(key=f"stage_row_{i}{'_chosen' if i == chosen else ''}"):
                st.button(
                    f"{i}", key=f"choose stage {i}", type="tertiary", on_click=_choose, args=(i,),
                    help=f"Show and edit stage {i}",
                )  # fmt: skip
                place = f"stages.{i}.blocks"
                label = f"Blocks in stage {i}"
                fields.number(draft, place, label, stage.blocks, _set_blocks(i), hidden=True, told=False)
                st.caption(f"blocks **{size_text(leaves[i])}**")
            fields.refusal(draft, place)
        with st.container(horizontal=True, key="stage_buttons"):
            full, single = len(network.stages) >= MAX_STAGES, len(network.stages) == 1
            st.button("Add stage", on_click=_structure, args=(_add_stage, len(network.stages) + 1), disabled=full)
            remove = f"Remove stage {chosen}"
            st.button(remove, on_click=_structure, args=(_remove_stage(chosen), chosen - 1), disabled=single)
        fields.refusal(draft, "stages")


def _set_blocks(stage: int) -> Edit:
    return lambda network, value: with_blocks(network, stage, value)


def _choose(stage: int) -> None:
    st.session_state[STAGE] = stage
    set_focus(Focus(stage))


def _structure(make: Callable[[Network], Network], stage: int) -> None:
    draft: Draft = st.session_state[SESSION]
    if draft.edit("stages", make):
        for i in range(1, MAX_STAGES + 1):
            fields.forget(draft, [f"stages.{i}.blocks"])
        st.session_state[STAGE] = max(stage, 1)
        set_focus(Focus())


def _add_stage(network: Network) -> Network:
    """A stage more, at twice the width and half the size of the last: where no pixels are left, at the same size."""
    last = network.stages[-1]
    smallest = min(block_shapes(network)[-1].leaves[1:])
    block = {**last.block.model_dump(), "width": last.block.width * 2}
    stage = Stage(blocks=last.blocks, stride=2 if smallest > 1 else 1, block=Block.model_validate(block))
    return Network.model_validate({**network.model_dump(), "stages": (*network.stages, stage)})


def _remove_stage(stage: int) -> Callable[[Network], Network]:
    def make(network: Network) -> Network:
        left = network.stages[: stage - 1] + network.stages[stage:]
        return Network.model_validate({**network.model_dump(), "stages": left})

    return make
