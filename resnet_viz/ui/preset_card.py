"""What the literature says of the preset that the draft started from, beside what is counted: a quiet card."""

from __future__ import annotations

from html import escape

import streamlit as st

from resnet_viz.draw.titles import amount
from resnet_viz.inspect import Summary
from resnet_viz.spec import PresetInfo, preset, preset_info
from resnet_viz.ui.draft import Draft
from resnet_viz.ui.inspection import summary_of

_RULES = """
.rv-published { font-size: 13px; line-height: 1.4; }
.rv-published p { margin: 0 0 6px; font-size: 13px; color: var(--rv-quiet); }
.rv-published p:first-child { font-size: 15px; }
.rv-published dl { margin-bottom: 8px !important; }
.rv-published .rv-also dt { padding-left: 10px !important; }
.rv-published b { color: var(--rv-text); font-weight: 600; }
"""


def preset_card(draft: Draft) -> None:
    """Published and counted figures of the preset that the draft is based on; nothing where it is based on none."""
    if not draft.base:
        return
    info = preset_info(draft.base)
    edited = preset(draft.base) != draft.network
    with st.container(border=True, key="card_published"):
        st.html(f"<style>{_RULES}</style>{markup(info, summary_of(preset(draft.base)), edited=edited)}")


def counts(info: PresetInfo, summary: Summary) -> tuple[tuple[str, str], ...]:
    """Rows of (quantity, value): each printed quantity with what is counted under it."""
    rows: list[tuple[str, str]] = []
    if info.published_parameters is not None:
        rows.append(("Parameters", f"{_printed(info.published_parameters)} M"))
    elif info.parameters is not None:
        rows.append(("Parameters", f"{info.parameters:,}"))
    if rows:
        rows.append(("counted", f"{summary.params:,}"))
    if info.published_macs is not None:
        rows += [("Multiply-adds", f"{info.published_macs:g} G"), ("counted", amount(summary.macs))]
    return tuple(rows)


def _printed(millions: float) -> str:
    return f"{millions:.1f}" if millions >= 10 else f"{millions:g}"


def errors(info: PresetInfo) -> tuple[tuple[str, str], ...]:
    """Rows of (error, protocol), each with the place that printed it."""
    first = () if info.published_error is None else ((f"{info.published_error:.2f} %", info.protocol),)
    return (*first, *((f"{figure.error:.2f} %", figure.protocol) for figure in info.figures))


def markup(info: PresetInfo, summary: Summary, *, edited: bool) -> str:
    """The card as HTML; every text in it is ours, from the presets."""
    whose = f"{info.name}, before the edits" if edited else info.name
    rows = "".join(
        f"<div class={'rv-also' if name == 'counted' else 'rv-said'}><dt>{name}</dt><dd>{value}</dd></div>"
        for name, value in counts(info, summary)
    )
    lines = [f"<b>{error} error</b>: {escape(protocol.replace('+-', '±'))}" for error, protocol in errors(info)]
    if info.counts_from:
        lines.append(f"Counts: {escape(info.counts_from)}.")
    lines += [escape(text) for text in (info.source, info.note) if text]
    table = f'<dl class="rv-facts">{rows}</dl>' if rows else ""
    paragraphs = "".join(f"<p>{line}</p>" for line in lines)
    return f'<div class="rv-published"><p><b>Published</b> · {escape(whose)}</p>{table}{paragraphs}</div>'
