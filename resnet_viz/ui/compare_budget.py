"""The budget solver as a sentence to fill in: find the base width of a network at the cost of another one."""

from __future__ import annotations

from typing import cast

import streamlit as st
from pydantic import ValidationError

from resnet_viz.draw.contestants import Contestant
from resnet_viz.draw.wording import cut_middle
from resnet_viz.inspect.budget import FIELDS, QUANTITIES, Field, Quantity, Solution, solve
from resnet_viz.spec import Network, SpecError, preset, presets, sentence
from resnet_viz.ui import pages
from resnet_viz.ui.compare_state import SESSION, Selection
from resnet_viz.ui.draft import full_stop, hand_over
from resnet_viz.ui.plain_text import plain

KEY = "compare budget"
RESULT = f"{KEY} result"
NOTHING = "nothing else"
Told = tuple[Solution, str, str] | str
"""What was found, of which network, against which; or why nothing was."""


def budget(selection: Selection, compared: tuple[Contestant, ...]) -> None:
    """The form, and under it what was found with what can be done with it."""
    networks = _networks(compared)
    names = list(networks)
    with st.container(border=True, key="card_compare_budget"):
        st.markdown("**At the same budget**")
        left, right = st.columns(2, gap="small")
        field = left.selectbox("Find the", list(FIELDS), key=f"{KEY} field", format_func=FIELDS.__getitem__)
        whose = right.selectbox("of", names, key=f"{KEY} network", format_func=lambda n: cut_middle(n, 26))
        fixed = left.selectbox("with", [NOTHING, *FIELDS], index=list(FIELDS).index("cardinality") + 1,
                               key=f"{KEY} fixed", format_func=lambda name: FIELDS.get(name, NOTHING))  # fmt: skip
        value = right.number_input("at", 1, 100_000, value=32, key=f"{KEY} value", disabled=fixed == NOTHING)
        quantity = left.selectbox("at the", list(QUANTITIES), index=1, key=f"{KEY} quantity",
                                  format_func=lambda q: QUANTITIES[q].partition(",")[0])  # fmt: skip
        target = right.selectbox("of", names, key=f"{KEY} target", format_func=lambda n: cut_middle(n, 26))
        if st.button("Find it", key=f"{KEY} find", width="stretch"):
            with_it = {} if fixed == NOTHING else {cast(Field, fixed): int(value)}
            st.session_state[RESULT] = _solved(networks, whose, field, with_it, target, quantity)
        told: Told | None = st.session_state.get(RESULT)
        if told is None:
            st.caption("Xie 2017, Table 2: with cardinality 32 a ResNet-50 of the same cost has base width 4.")
        elif isinstance(told, str):
            st.error(plain(told))
        else:
            _found(selection, told)


def _networks(compared: tuple[Contestant, ...]) -> dict[str, Network]:
    """The compared networks by their labels, then the presets."""
    return {one.label: one.network for one in compared} | {
        name: preset(name) for name in presets() if name not in {one.label for one in compared}
    }


def _solved(
    networks: dict[str, Network], whose: str, field: Field, fixed: dict[Field, int], target: str, quantity: Quantity
) -> Told:
    try:
        return solve(networks[whose], field, networks[target], quantity, fixed=fixed), whose, target
    except (SpecError, ValidationError) as error:
        text = full_stop(sentence(error))
        return text[:1].upper() + text[1:]


def _found(selection: Selection, told: tuple[Solution, str, str]) -> None:
    found, whose, target = told
    st.markdown(
        f"**{FIELDS[found.field].capitalize()} {found.value}** :gray[of {plain(cut_middle(whose, 30))}: "
        f"{plain(cut_middle(found.network.name, 40))}]"
    )
    away = found.relative * 100
    sign = "exactly as many as" if found.total == found.target else f"{away:+.2f} % against".replace("-", "−")
    words = QUANTITIES[found.quantity].partition(",")[0]
    st.markdown(f"{found.total:,} {words}, {plain(sign)} {plain(cut_middle(target, 30))}'s {found.target:,}.")
    with st.container(horizontal=True, gap="small"):
        st.button("Add to the comparison", key=f"{KEY} add", on_click=_add, args=(found.network,))
        if st.button("Open in the Playground", key=f"{KEY} open"):
            pages.go(pages.PLAYGROUND, **hand_over(found.network))


def _add(network: Network) -> None:
    selection: Selection = st.session_state[SESSION]
    selection.add(network)
