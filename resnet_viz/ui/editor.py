"""The form of the playground: network, stages and block, each field an edit of the draft."""

from __future__ import annotations

from functools import cache
from math import gcd
from pathlib import Path
from typing import Any

import streamlit as st

from resnet_viz.draw.colours import css_variables
from resnet_viz.draw.titles import size_text
from resnet_viz.spec import Block, Network, Stage, preset, preset_groups
from resnet_viz.spec.network import MAX_STAGES
from resnet_viz.spec.shapes import block_shapes
from resnet_viz.ui import fields
from resnet_viz.ui.draft import SESSION, Draft, changed
from resnet_viz.ui.draft import Path as Place
from resnet_viz.ui.fields import Edit
from resnet_viz.ui.graph_view import Focus, read_focus, set_focus

SCOPE = "playground scope"
STAGE = "playground stage"
STEMS: dict[tuple[int, int, str], str] = {
    (3, 1, "none"): "3×3",
    (3, 2, "none"): "3×3 ÷2",
    (5, 1, "none"): "5×5",
    (7, 2, "none"): "7×7 ÷2",
    (7, 2, "max"): "7×7 ÷2, max-pool",
}
BRANCHES = {"basic": "basic", "bottleneck": "bottleneck"}
MERGES = {"none": "plain", "add": "residual"}
SHORTCUTS = {"A": "A", "B": "B", "C": "C"}
ORDERS = {"original": "original", "preactivation": "pre-activation"}
NORMS = {"batch": "batch", "none": "none"}
ACTIVATIONS = {
    "relu": "ReLU", "leaky_relu": "leaky ReLU", "gelu": "GELU", "silu": "SiLU", "tanh": "tanh", "sigmoid": "sigmoid",
}  # fmt: skip
SCHEMES = {
    "kaiming_fan_out": "Kaiming, fan out", "kaiming_fan_in": "Kaiming, fan in", "xavier": "Xavier",
    "pytorch": "PyTorch's own", "orthogonal": "orthogonal",
}  # fmt: skip
STRIDE_ON = {"3x3": "3×3", "1x1": "1×1"}
BLOCK_FIELDS = (
    "branch", "merge", "shortcut", "order", "width", "cardinality", "base_width", "stride", "norm", "activation",
    "expansion", "stride_on",
)  # fmt: skip


def selected_stage(network: Network) -> int:
    """The stage (from 1) whose block the form shows: the one opened in the graph, else the last one chosen."""
    opened = read_focus(network).stage
    if opened:
        st.session_state[STAGE] = opened
    return max(1, min(int(st.session_state.get(STAGE, 1)), len(network.stages)))


def _at(*path: str | int) -> Edit:
    """An edit that puts the field's value at that path of the network."""
    return lambda network, value: changed(network, {path: value})


def network_card(draft: Draft) -> None:
    """Start from, name, input, stem, classes."""
    network = draft.shown
    with st.container(border=True, key="card_network"):
        st.markdown("**Network**")
        _start_from(draft)
        _input(draft)
        stem = network.stem
        options = {**STEMS, **({} if _stem_key(network) in STEMS else {_stem_key(network): "as in the file"})}
        fields.choice(draft, "stem", "Stem", options, _stem_key(network), _set_stem)
        fields.number(draft, "stem.width", "Stem width", stem.width, _at("stem", "width"))
        fields.number(draft, "head.classes", "Classes", network.head.classes, _at("head", "classes"))


def _stem_key(network: Network) -> tuple[int, int, str]:
    return network.stem.kernel, network.stem.stride, network.stem.pool


def _set_stem(network: Network, value: Any) -> Network:
    kernel, stride, pool = value
    return changed(network, {("stem", "kernel"): kernel, ("stem", "stride"): stride, ("stem", "pool"): pool})


def _start_from(draft: Draft) -> None:
    families = {name: family for family, names in preset_groups().items() for name in names}
    key = fields.key_of("start")
    st.session_state[key] = draft.base

    def start() -> None:
        name = st.session_state.get(key)
        current: Draft | None = st.session_state.get(SESSION)
        if name and current is not None:
            current.load(preset(name))
            set_focus(Focus())

    st.selectbox(
        "Start from", [*([] if draft.base else [""]), *families], key=key, on_change=start,
        format_func=lambda name: f"{name} · {families[name]}" if name else "a network of your own",
    )  # fmt: skip
    fields.refusal(draft, "start")


def _input(draft: Draft) -> None:
    image = draft.shown.input
    with st.container(key="row_input"):
        st.markdown("Input")
        for name, label in (("channels", "Input channels"), ("height", "Input height"), ("width", "Input width")):
            value = getattr(image, name)
            fields.number(draft, f"input.{name}", label, value, _at("input", name), hidden=True, told=False)
    fields.refusal(draft, "input.channels", "input.height", "input.width")


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
                edit = _at("stages", i - 1, "blocks")
                fields.number(draft, place, f"Blocks in stage {i}", stage.blocks, edit, hidden=True, told=False)
                st.caption(f"blocks **{size_text(leaves[i])}**")
            fields.refusal(draft, place)
        with st.container(horizontal=True, key="stage_buttons"):
            full, single = len(network.stages) >= MAX_STAGES, len(network.stages) == 1
            st.button("Add stage", on_click=_structure, args=(_add_stage, len(network.stages) + 1), disabled=full)
            remove = f"Remove stage {chosen}"
            st.button(remove, on_click=_structure, args=(_remove_stage(chosen), chosen - 1), disabled=single)
        fields.refusal(draft, "stages")


def _choose(stage: int) -> None:
    st.session_state[STAGE] = stage
    draft: Draft = st.session_state[SESSION]
    fields.forget(draft, [f"block.{name}" for name in BLOCK_FIELDS])
    set_focus(Focus(stage))


def _structure(make: Any, stage: int) -> None:
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


def _remove_stage(stage: int) -> Any:
    def make(network: Network) -> Network:
        left = network.stages[: stage - 1] + network.stages[stage:]
        return Network.model_validate({**network.model_dump(), "stages": left})

    return make


def block_card(draft: Draft) -> None:
    """The block of the chosen stage, or of all stages at once."""
    network = draft.shown
    stage = selected_stage(network)
    with st.container(border=True, key="card_block"):
        st.markdown("**Block**")
        st.session_state.setdefault(SCOPE, "stage")
        st.segmented_control(
            "Applies to", ["stage", "all"], key=SCOPE, required=True, width="stretch",
            format_func=lambda v: f"stage {stage}" if v == "stage" else "all stages",
        )  # fmt: skip
        everywhere = st.session_state[SCOPE] == "all"
        _block_fields(draft, 1 if everywhere else stage, everywhere)


def _block_fields(draft: Draft, stage: int, everywhere: bool) -> None:
    spec = draft.shown.stages[stage - 1]
    block = spec.block

    def pick(name: str, label: str, options: dict[str, str], *, segmented: bool = True, disabled: bool = False) -> None:
        edit = _block_edit(name, stage, everywhere)
        value = getattr(block, name)
        fields.choice(draft, f"block.{name}", label, options, value, edit, segmented=segmented, disabled=disabled)

    def count(name: str, label: str, placeholder: str = "") -> None:
        edit, value = _block_edit(name, stage, everywhere), getattr(block, name)
        fields.number(draft, f"block.{name}", label, value, edit, placeholder=placeholder, optional=bool(placeholder))

    pick("branch", "Branch", BRANCHES)
    pick("merge", "Merge", MERGES)
    pick("shortcut", "Shortcut", SHORTCUTS, disabled=block.merge == "none")
    pick("order", "Order", ORDERS, segmented=False)
    count("width", "Width")
    count("cardinality", "Cardinality")
    count("base_width", "Base width", f"{block.group_width}, from width")
    edit: Edit = lambda network, value: _set_stride(network, value, stage, everywhere)  # noqa: E731
    fields.number(draft, "block.stride", "Stride", spec.stride, edit, disabled=everywhere)
    pick("norm", "Norm", NORMS)
    pick("activation", "Activation", ACTIVATIONS, segmented=False)
    scheme = draft.shown.init.scheme
    fields.choice(draft, "init.scheme", "Init", SCHEMES, scheme, _at("init", "scheme"))
    with st.expander("More"):
        fields.text(draft, "name", "Name", draft.shown.name, _at("name"))
        count("expansion", "Expansion", f"{block.out_width // block.width}, by branch")
        pick("stride_on", "Stride on", STRIDE_ON, disabled=block.branch != "bottleneck")


def _set_stride(network: Network, value: Any, stage: int, everywhere: bool) -> Network:
    return network if everywhere else changed(network, {("stages", stage - 1, "stride"): value})


def _block_edit(name: str, stage: int, everywhere: bool) -> Edit:
    def make(network: Network, value: Any) -> Network:
        chosen = range(len(network.stages)) if everywhere else (stage - 1,)
        changes: dict[Place, Any] = {("stages", i, "block", name): value for i in chosen}
        if name == "width" and everywhere:
            changes = {("stages", i, "block", "width"): _scaled(network, i, value) for i in chosen}
        if name in ("norm", "activation") and everywhere:
            changes["stem", name] = value
        if name == "order" and 0 in chosen:
            # The first pre-activated block brings norm and activation itself (He 2016b, appendix).
            changes["stem", "activated"] = value != "preactivation"
        return changed(network, changes)

    return make


def _scaled(network: Network, index: int, value: Any) -> Any:
    """The width of a stage when the first one's becomes ``value``: the ratios between stages stay."""
    first, own = network.stages[0].block.width, network.stages[index].block.width
    if index == 0 or not isinstance(value, int) or value < 1:
        return value
    scaled, rest = divmod(own * value, first)
    if rest:
        raise ValueError(
            f"width {value} would give stage {index + 1} {own * value / first:.4g} channels: use a multiple of "
            f"{first // gcd(first, own)}, or edit one stage at a time"
        )
    return scaled


@cache
def _css() -> str:
    sheet = (Path(__file__).parent / "editor.css").read_text(encoding="utf-8")
    return f"<style>:root {{ {css_variables()} }}\n{sheet}</style>"


def styles() -> None:
    """The page's own style sheet: labels beside their fields, cards, numbers."""
    st.html(_css())
