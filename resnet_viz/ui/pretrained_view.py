"""The pretrained page: weights on request, branch against shortcut in every block, and what a picture shows."""

from __future__ import annotations

from typing import Any

import streamlit as st

from resnet_viz.data.class_names import class_names
from resnet_viz.data.download import Progress, current, download
from resnet_viz.data.images import MOST_BYTES, ImageError
from resnet_viz.data.weights import HOSTED_MEGABYTES, LICENCE, WEIGHTS, Weights, WeightsError, offered
from resnet_viz.draw.branch_figure import Line, branch_figure, branch_sentence, branch_text
from resnet_viz.draw.colours import Theme
from resnet_viz.inspect.branch_ratio import BranchRatio
from resnet_viz.settings import settings
from resnet_viz.ui.plain_text import plain
from resnet_viz.ui.pretrained_session import Measured, Picture, at_initialisation, measured, picture

NETWORK, UPLOAD = "pretrained network", "pretrained picture"
EVERY = 0.5
"""Seconds between two looks at a running download."""
START = "resnet50"


def pretrained_page() -> None:
    """Everything on the page."""
    st.markdown("### What does each block of a trained network add to its shortcut?")
    left, right = st.columns([1.3, 4.2], gap="small")
    with left, st.container(key="play_form"):
        row = _network()
        with st.container(border=True, key="card_weights"):
            here = _weights(row)
        shown = _picture(row)
    if shown is None:
        return
    with right:
        _results(row, shown, here)


def _network() -> Weights:
    with st.container(border=True, key="card_pretrained_network"):
        names = [row.preset for row in offered()]
        chosen = st.selectbox("Network", names, index=names.index(START), key=NETWORK)
        row = WEIGHTS[chosen if chosen in names else START]
        st.caption(plain(f"torchvision's first weights: {row.accuracy:.2f} % top-1 on ImageNet, one crop"))
        if settings().hosted:
            st.caption(f"This server offers networks of up to {HOSTED_MEGABYTES} MB.")
        return row


def _weights(row: Weights) -> bool:
    """What there is of the weights, and the button that gets them; True when they are here."""
    st.markdown("**Weights**")
    if row.path.is_file():
        st.caption(plain(f"Here: {row.megabytes:g} MB, {LICENCE}, by torchvision's authors, as timm hosts them"))
        return True
    if not settings().downloads:
        st.caption("This server downloads no weights: start the app on your own machine to see trained networks.")
        return False
    going = current(row.path)
    progress = going.progress() if going is not None else None
    if progress is not None and progress.state == "running":
        _watch(row)
        return False
    if progress is not None and progress.sentence:
        st.error(plain(progress.sentence))
    kept = row.source.partial.is_file()
    words = f"{'Go on with' if kept else 'Download'} {row.megabytes:g} MB{_from(row)}"
    if st.button(words, key="download", type="primary", width="stretch"):
        download(row.source)
        st.rerun()
    place = "" if settings().hosted else f"; kept in {row.path.parent}"
    st.caption(plain(f"{LICENCE}, by torchvision's authors{place}"))
    return False


def _from(row: Weights) -> str:
    """The host, which a visitor of a hosted app is not told: it may be a mirror of its own."""
    return "" if settings().hosted else f" from {row.source.host}"


@st.fragment(run_every=EVERY)
def _watch(row: Weights) -> None:
    """The running download, looked at twice a second; it goes on when nobody looks."""
    going = current(row.path)
    progress = going.progress() if going is not None else Progress("failed")
    if going is None or progress.state != "running":
        st.rerun()
    total = progress.total or row.megabytes * 1e6
    text = f"{progress.received / 1e6:,.0f} of {total / 1e6:,.0f} MB{_from(row)}"
    st.progress(min(progress.received / total, 1.0), text=plain(text))
    # Downloads are shared: on a hosted app one visitor must not end everybody's.
    if not settings().hosted and st.button("Stop", key="stop-download", width="stretch"):
        going.stop()
        going.join(2)
        st.rerun()


def _picture(row: Weights) -> Picture | None:
    with st.container(border=True, key="card_picture"):
        file = st.file_uploader(
            "Picture", type=["png", "jpg", "jpeg"], key=UPLOAD, max_upload_size=MOST_BYTES // 1_000_000
        )
        try:
            shown = picture(file.getvalue() if file is not None else None, row.resize)
        except ImageError as error:
            st.error(plain(str(error)))
            shown = picture(None, row.resize)
        st.image(_thumbnail(shown), width=224)
        words = "A generated pattern, until you choose a picture" if shown.generated else "What the network sees of it"
        st.caption(words)
        return shown


def _thumbnail(shown: Picture) -> Any:
    """The 224 x 224 that the network gets, as uint8 [224, 224, 3]."""
    import torch

    from resnet_viz.data.images import DEVIATION, MEAN

    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, DEVIATION))
    values = (shown.values[0] * deviation + mean).clamp(0, 1) * 255
    return values.round().to(torch.uint8).permute(1, 2, 0).numpy()


def _results(row: Weights, shown: Picture, here: bool) -> None:
    with st.container(border=True, key="card_ratios"):
        first = st.empty()  # one line, so that nothing below moves when the answer comes
        first.markdown("One forward pass shows what each block adds.")
        start = at_initialisation(row.preset, shown)
        trained = _trained(row, shown) if here else None
        lines = [Line("at initialisation", start.ratios, quiet=trained is not None)]
        if trained is not None:
            lines.insert(0, Line("trained", trained.ratios))
        first.markdown(f"**{plain(branch_sentence((trained or start).ratios))}**")
        which = "trained" if trained is not None else "untrained: what the ratios are at initialisation"
        where = "a generated pattern" if shown.generated else "your picture"
        signs = "diamond: projection shortcut · dashed line: both are equal"
        st.caption(plain(f"{row.preset}, {which} · L2 norms on {where} · {signs}"))
        theme: Theme = "dark" if st.context.theme.type == "dark" else "light"
        st.plotly_chart(
            branch_figure(lines, theme), theme=None, key="ratios", alt=branch_text(lines),
            config={"displayModeBar": False},
        )  # fmt: skip
        st.caption(
            "At initialisation batch norm uses this picture's own statistics: running averages do not exist yet."
        )
    if trained is not None:
        _guesses(trained, shown)
    with st.expander("The numbers"):
        st.dataframe(_table(start.ratios, trained.ratios if trained is not None else None), hide_index=True)


def _trained(row: Weights, shown: Picture) -> Measured | None:
    try:
        return measured(row.preset, shown)
    except WeightsError as error:
        st.error(plain(str(error)))
        return None


def _guesses(trained: Measured, shown: Picture) -> None:
    names, missing = class_names()
    with st.container(border=True, key="card_guesses"):
        st.markdown("**What the network takes the picture for**")
        if shown.generated:
            st.caption("A pattern is nothing that it was trained on: choose a picture of your own.")
        rows = {
            "class": [names[i] if names else f"class {i}" for i, _ in trained.guesses],
            "probability": [p for _, p in trained.guesses],
        }
        st.dataframe(
            rows, hide_index=True, width="stretch",
            column_config={
                "probability": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0)
            },
        )  # fmt: skip
        if missing:
            st.caption(plain(missing))


def _table(start: tuple[BranchRatio, ...], trained: tuple[BranchRatio, ...] | None) -> dict[str, list[Any]]:
    table: dict[str, list[Any]] = {"block": [row.path for row in start]}
    for words, rows in (("trained", trained), ("at initialisation", start)):
        if rows is not None:
            table[f"branch / shortcut, {words}"] = [row.ratio for row in rows]
            table[f"‖branch‖, {words}"] = [row.branch for row in rows]
            table[f"‖shortcut‖, {words}"] = [row.shortcut for row in rows]
    return table
