"""The block's fields: what they apply to, the few main choices in sight, the others under their headings."""

from __future__ import annotations

from typing import Any

import streamlit as st

from resnet_viz.spec import Block, Network
from resnet_viz.spec.block import inception_lanes
from resnet_viz.ui import count_view, fields, path_text, views, warming
from resnet_viz.ui import editor_words as words
from resnet_viz.ui.block_edits import Reach, Scope, differing, edited, like_its_stage
from resnet_viz.ui.draft import SESSION, Draft, changed
from resnet_viz.ui.editor_stages import selected_stage
from resnet_viz.ui.fields import Edit
from resnet_viz.ui.graph_view import Focus, read_focus, set_focus
from resnet_viz.ui.plain_text import plain

SCOPE = "playground scope"
SEEN = "playground scope seen"
BLOCK = "playground block"
PLACES = tuple(f"block.{name}" for name in (*Block.model_fields, "stride"))


def block_card(draft: Draft) -> None:
    """The block of all stages, of the chosen one, or one block of it."""
    scope = _scope(draft)
    with st.container(border=True, key="card_block"):
        _heading(draft, scope)
        with st.container():  # one place, however many elements: see fields.refusal
            _applies_to(draft, scope)
        _Fields(draft, scope).main()
        _start(draft)


def _heading(draft: Draft, scope: Scope) -> None:
    """The card's name, and beside it the proof of the count, once torch is there to be asked."""
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="block_head"
    ):
        st.markdown("**Block**", width="content")
        if not warming.is_cold():
            count_view.count_badge(draft, scope, views.show_count)


def _scope(draft: Draft) -> Scope:
    """What the fields apply to. Opening a stage narrows it to that stage, going back widens it again."""
    network = draft.shown
    focus, stage = read_focus(network), selected_stage(network)
    now = (focus.stage, focus.block)
    before = st.session_state.get(SEEN)
    reach: Reach = st.session_state.get(SCOPE, "all")
    if before is None or now[0] != before[0]:
        reach = "stage" if focus.stage else "all"
    if reach == "block" and not focus.block:
        reach = "stage"
    st.session_state[SCOPE] = reach
    st.session_state[SEEN] = now
    scope = Scope(reach, stage, focus.block if reach == "block" else 0)
    shown = f"{SEEN} fields"
    if st.session_state.get(shown) not in (None, scope):
        fields.forget(draft, PLACES)  # they show other blocks now
    st.session_state[shown] = scope
    return scope


def _applies_to(draft: Draft, scope: Scope) -> None:
    network = draft.shown
    opened = read_focus(network).block
    names = {"all": "all stages", "stage": f"stage {scope.stage}", "block": f"block {opened}" if opened else "block"}
    st.segmented_control(
        "Applies to", list(names), key=SCOPE, required=True, width="stretch", label_visibility="collapsed",
        format_func=lambda reach: names.get(reach, str(reach)), on_change=_reach_changed, args=(scope.stage,),
    )  # fmt: skip
    if scope.reach == "all":
        others = [words.label(name).lower() for name in differing(network)]
        if others:
            st.caption(plain(f"Stages differ in {', '.join(others)}. Shown is stage 1."))
    if scope.reach != "block":
        return
    st.session_state[BLOCK] = scope.block
    last = network.stages[scope.stage - 1].blocks
    st.number_input("Block", 1, last, step=1, key=BLOCK, on_change=_block_chosen, args=(scope.stage,))
    if any(override.index == scope.block for override in network.stages[scope.stage - 1].overrides):
        st.button("Make it like its stage", on_click=_alike, args=(scope,), width="stretch")


def _reach_changed(stage: int) -> None:
    draft: Draft = st.session_state[SESSION]
    if st.session_state[SCOPE] == "block" and not read_focus(draft.shown).block:
        set_focus(Focus(stage, 1))
        st.session_state[SEEN] = (stage, 1)


def _block_chosen(stage: int) -> None:
    set_focus(Focus(stage, int(st.session_state[BLOCK])))


def _alike(scope: Scope) -> None:
    draft: Draft = st.session_state[SESSION]
    draft.edit("block.branch", lambda network: like_its_stage(network, scope))


class _Fields:
    """The fields of one scope. Those that mean nothing beside the other choices are disabled, or not there."""

    def __init__(self, draft: Draft, scope: Scope) -> None:
        self.draft, self.scope = draft, scope
        self.block = scope.block_of(draft.shown)

    def main(self) -> None:
        """What is in sight, then the rest under its headings."""
        block = self.block
        paths = block.branch == "paths"
        self._pick("branch", words.BRANCHES)
        self._count("cardinality", disabled=paths)
        self._count("base_width", f"auto, {block.group_width}", disabled=paths)
        self._count("width", disabled=paths and bool(block.paths))
        self._stride()
        self._pick("merge", words.MERGES)
        self._pick("shortcut", words.SHORTCUTS, disabled=block.merge == "none")
        self._pick("order", words.ORDERS)
        self._pick("norm", words.NORMS)
        self._pick("activation", words.ACTIVATIONS)
        with st.container():
            if paths:
                with st.expander("Parallel paths", expanded=bool(block.paths), key="form_paths"):
                    self._paths()
        with st.expander("Gate and shortcut" if block.gated else "Shortcut details", key="form_around"):
            self._around()
        with st.expander("Branch details", key="form_branch"):
            self._branch()

    def _around(self) -> None:
        block = self.block
        plain_block = block.merge == "none"
        with st.container():
            if block.gated:
                self._decimal("gate_bias")
                self._pick("gate_kernel", words.GATE_KERNELS)
        self._decimal("alpha", disabled=plain_block)
        self._decimal("beta", disabled=plain_block)
        self._decimal("shortcut_dropout", disabled=plain_block)
        normless = plain_block or block.shortcut == "A" or block.norm == "none"
        set_by = block.projection_norm

        def edit(network: Network, value: Any) -> Network:
            return edited(network, self.scope, "projection_norm", None if value == words.BY_ORDER else value)

        fields.choice(
            self.draft, "block.projection_norm", words.label("projection_norm"), words.PROJECTION_NORMS,
            words.BY_ORDER if set_by is None else set_by, edit, segmented=True, disabled=normless,
        )  # fmt: skip

    def _branch(self) -> None:
        block = self.block
        bottleneck = block.branch == "bottleneck"
        self._pick("attention", words.ATTENTIONS)
        self._pick("form", words.FORMS, disabled=not bottleneck)
        self._pick("stride_on", words.STRIDE_ON, disabled=not bottleneck)
        paths = block.branch == "paths"
        by_branch = "" if paths else f"auto, {block.out_width // block.width}"
        self._count("expansion", by_branch or "none", disabled=paths)
        fields.switch(self.draft, "block.bias", words.label("bias"), block.bias, self._edit("bias"))

    def _paths(self) -> None:
        default = inception_lanes(self.block.width) if self.block.width >= 4 else ()

        def edit(network: Network, text: Any) -> Network:
            lanes = path_text.read(str(text or ""))
            paths = () if lanes == default else tuple(lane.model_dump() for lane in lanes)
            return edited(network, self.scope, "paths", paths)

        everywhere = self.scope.reach == "all"
        fields.lines(
            self.draft, "block.paths", "Paths, one a line", path_text.written(self.block.lanes), edit,
            disabled=everywhere, help="From fork to join, like: 1×1 to 16, 3×3 to 24. A pool comes first.",
        )  # fmt: skip
        st.caption("Choose a stage to edit its paths." if everywhere else "Empty: the four of Inception, from width.")

    def _stride(self) -> None:
        scope, stage = self.scope, self.draft.shown.stages[self.scope.stage - 1]
        value = self.draft.shown.stages[0].stride if scope.reach == "all" else stage.stride

        def edit(network: Network, value: Any) -> Network:
            return changed(network, {("stages", scope.stage - 1, "stride"): value})

        fields.number(self.draft, "block.stride", "Stride", value, edit, disabled=scope.reach != "stage")

    def _edit(self, name: str) -> Edit:
        return lambda network, value: edited(network, self.scope, name, value)

    def _pick(self, name: str, options: words.Options, *, disabled: bool = False) -> None:
        value = getattr(self.block, name)
        fields.choice(
            self.draft, f"block.{name}", words.label(name), options, value, self._edit(name), disabled=disabled,
            segmented=fields.fits_in_a_row(options),
        )  # fmt: skip

    def _count(self, name: str, placeholder: str = "", *, disabled: bool = False) -> None:
        fields.number(
            self.draft, f"block.{name}", words.label(name), getattr(self.block, name), self._edit(name),
            placeholder=placeholder, optional=bool(placeholder), disabled=disabled,
        )  # fmt: skip

    def _decimal(self, name: str, *, disabled: bool = False) -> None:
        value = getattr(self.block, name)
        fields.decimal(
            self.draft, f"block.{name}", words.label(name), value, self._edit(name), disabled=disabled
        )  # fmt: skip


def _start(draft: Draft) -> None:
    """How weights start and which branches are dropped: of the whole network."""
    network = draft.shown
    fields.choice(draft, "init.scheme", "Init", words.SCHEMES, network.init.scheme, fields.at("init", "scheme"))
    with st.expander("Start at zero, drop path", key="form_start"):
        fields.switch(
            draft, "init.zero_last", "Zero-init last", network.init.zero_last, fields.at("init", "zero_last"),
            help="Every branch starts as zero (Goyal 2017)",
        )  # fmt: skip
        drop = network.drop_path
        none = network.is_plain and drop.survival == 1
        fields.decimal(
            draft, "drop_path.survival", "Survival", drop.survival, fields.at("drop_path", "survival"), disabled=none,
            help="Probability that a branch is there in a step (stochastic depth, Huang 2016)",
        )  # fmt: skip
        fields.choice(
            draft, "drop_path.decay", "Decay", words.DECAYS, drop.decay, fields.at("drop_path", "decay"),
            segmented=fields.fits_in_a_row(words.DECAYS), disabled=drop.survival == 1,
        )  # fmt: skip
