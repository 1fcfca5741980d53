"""The network's own fields: where it starts from, its input, stem and classes."""

from __future__ import annotations

from typing import Any

import streamlit as st

from resnet_viz.spec import Network, preset, preset_groups
from resnet_viz.ui import fields
from resnet_viz.ui.draft import SESSION, Draft, changed
from resnet_viz.ui.editor_words import STEMS
from resnet_viz.ui.graph_view import Focus, set_focus


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
        fields.number(draft, "stem.width", "Stem width", stem.width, fields.at("stem", "width"))
        fields.number(draft, "head.classes", "Classes", network.head.classes, fields.at("head", "classes"))
        with st.expander("Name, stem bias", key="form_name"):
            fields.text(draft, "name", "Name", network.name, fields.at("name"))
            fields.switch(draft, "stem.bias", "Stem bias", stem.bias, fields.at("stem", "bias"))


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
            fields.number(draft, f"input.{name}", label, value, fields.at("input", name), hidden=True, told=False)
    fields.refusal(draft, "input.channels", "input.height", "input.width")
