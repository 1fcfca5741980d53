"""By which way the gradient arrives at each block of a network that has learned nothing: measured when asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import streamlit as st

from resnet_viz.draw.colours import Theme
from resnet_viz.draw.route_figure import route_figure, route_rows, route_sentence, route_text
from resnet_viz.draw.wording import scientific
from resnet_viz.instruments import Start, shares_at_start
from resnet_viz.settings import settings
from resnet_viz.spec import Network, SpecError
from resnet_viz.ui.draft import Draft
from resnet_viz.ui.plain_text import plain
from resnet_viz.ui.totals import numbers

KEPT = 64
HOSTED_MEMORY = 0.15
"""Of what a measurement may take on a machine of one's own: a host of 1 GB serves others meanwhile."""
SEED = 0
_measured: OrderedDict[Network, Start | str] = OrderedDict()
"""What was found for the last networks that anyone asked for, or why nothing can be."""
_guard = Lock()


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)  # the number belongs to each thread; the other cores are for whoever trains


_bench = ThreadPoolExecutor(1, "gradient's ways", initializer=_one_thread)
"""One measurement at a time for all sessions."""


def known(network: Network) -> Start | str | None:
    """What was measured of a network, or the sentence why it is not; None where nobody asked yet."""
    with _guard:
        return _measured.get(network)


def measure(network: Network) -> None:
    """Measure it, after whatever is being measured now; :func:`known` has the answer then."""

    def work() -> None:
        if known(network) is not None:
            return
        try:
            found: Start | str = shares_at_start(network, SEED, memory=HOSTED_MEMORY if settings().hosted else 1.0)
        except SpecError as error:
            found = str(error)
        with _guard:
            _measured[network] = found
            while len(_measured) > KEPT:
                _measured.popitem(last=False)

    _bench.submit(work).result()


def gradient_view(draft: Draft, switch: Callable[[], None]) -> None:
    """The button, and what was measured of the last network that can be built."""
    found = known(draft.network)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        switch()
        words = _legend(found) if isinstance(found, Start) else "The gradient's two ways into each block"
        st.markdown(f":small[{words}{' · of the last network that can be built' if draft.attempt else ''}]")
    with st.container(key="gradient_place"):
        if found is None:
            _offer(draft.network)
        elif isinstance(found, str):
            st.error(plain(found))
        else:
            _shown(found)


@st.fragment
def _offer(network: Network) -> None:
    """The button; while it measures the rest of the page stays as it is."""
    st.markdown("How much of the gradient reaches a block around its branch, and how much through it?")
    st.caption("One bar a block appears here, from digits and starting weights, in a second or two.")
    if st.button("Measure it", key="measure_routes"):
        with st.spinner("One forward and one backward pass"):
            measure(network)
        st.rerun()


def _legend(found: Start) -> str:
    """The colours in words, in Markdown."""
    if not any(row.shortcut for row in found.shares):
        return "arrives through :gray[branch]"
    hatched = " (hatched: with weights on it)" if any(row.shortcut and not row.identity for row in found.shares) else ""
    return f"arrives through :primary[shortcut]{hatched}, :gray[branch]"


def _shown(found: Start) -> None:
    shares = found.shares
    st.markdown(f"**{plain(route_sentence(shares))}**")
    theme: Theme = "dark" if st.context.theme.type == "dark" else "light"
    st.plotly_chart(
        route_figure(shares, theme), theme=None, key="routes", alt=route_text(shares), config={"displayModeBar": False}
    )
    st.caption(plain(_under(found)))
    numbers("by block", route_rows(shares))


def _under(found: Start) -> str:
    """How it was measured, and what a share is."""
    first, last = (scientific(found.shares[i].total) for i in (0, -1))
    return (
        f"{found.images} digits drawn at {found.height} × {found.width}, starting weights of seed {found.seed}, in "
        "training mode. Share of the shortcut: ⟨g_shortcut, g⟩ / ⟨g, g⟩, with g = ∂L/∂x = g_shortcut + g_branch "
        f"(He 2016b, eq. 5); a bar below 0 pulls against the rest. ‖g‖ is {first} at the first block, {last} at the "
        "last."
    )
