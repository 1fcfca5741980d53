"""The page of the person's own model: the same graph, table and totals as the playground's, from their module."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import streamlit as st

from resnet_viz.draw.boxes import boxes
from resnet_viz.draw.colours import Theme
from resnet_viz.draw.drawing import Layout
from resnet_viz.draw.figures import Part, where_it_sits, where_it_sits_text, where_rows
from resnet_viz.draw.layout import layout
from resnet_viz.draw.table import table_rows
from resnet_viz.draw.titles import amount
from resnet_viz.inspect.foreign import Foreign, inspect_model
from resnet_viz.inspect.loading import input_shape, load_model
from resnet_viz.settings import settings
from resnet_viz.spec import SpecError
from resnet_viz.ui.graph_view import HINT, Focus, component, focus_from
from resnet_viz.ui.layer_table import MOST_HEIGHT, ROW_HEIGHT, marked
from resnet_viz.ui.plain_text import plain
from resnet_viz.ui.totals import numbers

KEY = "model_graph"
SESSION = "model focus"
EVERY = "model every layer"


@dataclass(frozen=True)
class Outcome:
    """The model taken apart, or the sentence that says why that is not possible."""

    model: Foreign | None
    problem: str = ""


@lru_cache(maxsize=1)
def _outcome(factory: str, size: str, directory: str) -> Outcome:
    """Import and take apart once for all sessions: only plain data is kept, the module is let go."""
    try:
        return Outcome(inspect_model(load_model(factory, directory or None), input_shape(size)))
    except SpecError as error:
        return Outcome(None, str(error))


@lru_cache(maxsize=256)
def _layout(factory: str, size: str, directory: str, stage: int, block: int) -> Layout:
    model = _outcome(factory, size, directory).model
    if model is None:
        raise LookupError("there is no model to draw")
    return layout(boxes(model, stage=stage, block=block), stage=stage, block=block)


def model_page() -> None:
    """Everything on the page; one sentence when no model was named, or when it cannot be looked at."""
    named = settings()
    factory = named.own_model
    if factory is None:
        st.markdown("### Your model")
        st.markdown(
            plain("No model was named: start the app with python -m resnet_viz app --model package.module:factory")
        )
        return
    asked = (factory, named.model_input, str(named.model_path or ""))
    with st.spinner(plain(f"Importing {factory}")):
        outcome = _outcome(*asked)
    if outcome.model is None:
        st.markdown("### Your model")
        st.error(plain(outcome.problem))
        return
    model = outcome.model
    focus = _focus(model)
    _heading(model, factory)
    centre, right = st.columns([5.2, 1.16], gap="small")
    with centre:
        with st.container(border=True, key="card_model_graph"):
            _graph(model, _layout(*asked, focus.stage, focus.block), focus)
        _table(model, focus)
    with right, st.container(key="play_totals"):
        _totals(model)


def _focus(model: Foreign) -> Focus:
    focus: Focus = st.session_state.get(SESSION, Focus())
    if not 1 <= focus.stage <= len(model.parts):
        return Focus(selected="" if focus.stage else focus.selected)
    return focus if focus.block <= model.parts[focus.stage - 1].blocks else Focus(focus.stage)


def _heading(model: Foreign, factory: str) -> None:
    size, output = (" × ".join(map(str, shape)) for shape in (model.shape, model.output))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.markdown(f"### {plain(model.name)}", width="content")
        st.caption(plain(f"{factory} · one input of {size} → {output}"), width="content")
    if model.note:
        st.warning(plain(model.note))


def _graph(model: Foreign, drawn: Layout, focus: Focus) -> None:
    def went() -> None:
        asked = focus_from(st.session_state[KEY].get("go"))
        if asked is not None:
            st.session_state[SESSION] = asked

    component()(
        key=KEY,
        data={
            "layout": drawn.data(),
            "stage": focus.stage,
            "block": focus.block,
            "blocks": model.parts[focus.stage - 1].blocks if focus.stage else 0,
            "selected": focus.selected,
            "name": f"Graph of {model.name}: {len(model.parts)} parts, {len(model.steps)} steps",
            "hint": HINT,
        },
        on_go_change=went,
    )


def _table(model: Foreign, focus: Focus) -> None:
    with st.container(border=True, key="card_layers"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**Layers** :gray[· {_checked(model)}]")
            every = st.toggle("Every layer", key=EVERY, help="Show repeated blocks line by line")
        rows = table_rows(model.rows, stage=focus.stage, block=focus.block, every=every)
        height = min(ROW_HEIGHT * (len(rows) + 1) + 3, MOST_HEIGHT)
        st.dataframe(
            marked(rows, focus.selected), hide_index=True, width="stretch", height=height, row_height=ROW_HEIGHT,
            column_order=("layer", "operation", "output", "parameters", "mult-adds"),
            column_config={
                "layer": st.column_config.TextColumn(width=210),
                "operation": st.column_config.TextColumn(width=280),
                "output": st.column_config.TextColumn(width=110, alignment="right"),
                "parameters": st.column_config.NumberColumn(width=85, format="localized"),
                "mult-adds": st.column_config.NumberColumn(
                    width=100, format="localized", help="Multiply-adds of convolutions and linear layers, one input"
                ),
            },
        )  # fmt: skip


def _checked(model: Foreign) -> str:
    if model.params_torchinfo is None:
        return "counted as Σ numel; torchinfo does not run on this module"
    if model.params_torchinfo == model.params:
        return "torchinfo on a copy of the module; the count agrees with Σ numel"
    return f"torchinfo counts {model.params_torchinfo:,}, Σ numel is {model.params:,}"


def _totals(model: Foreign) -> None:
    with st.container(border=True, key="card_parameters"):
        st.metric("Parameters", f"{model.params:,}")
        if model.unused:
            st.caption(f"{model.unused:,} of them are not used in this forward pass")
    with st.container(border=True, key="card_macs"):
        st.metric("Multiply-adds, conv + linear", amount(model.macs))
        if model.macs_torchinfo is not None:
            st.caption(f"torchinfo's own total: {amount(model.macs_torchinfo)}")
    with st.container(border=True, key="card_facts"):
        rows = {
            "Convolutions": sum(step.kind == "conv" for step in model.steps),
            "Linear layers": sum(step.kind == "linear" for step in model.steps),
            "Additions": "not seen" if model.note else sum(step.kind == "add" for step in model.steps),
            "Shortcuts": "not seen" if model.note else len(model.shortcuts),
        }
        # Words and numbers of our own; nothing in it comes from a person.
        lines = "".join(f"<div><dt>{term}</dt><dd>{value}</dd></div>" for term, value in rows.items())
        st.html(f'<dl class="rv-facts">{lines}</dl>')
    with st.container(border=True, key="card_where"):
        st.markdown("**Where it sits** · :primary[parameters], :gray[multiply-adds]")
        parts = _parts(model)
        theme: Theme = "dark" if st.context.theme.type == "dark" else "light"
        st.plotly_chart(
            where_it_sits(parts, theme), theme=None, key="model_where", alt=where_it_sits_text(parts),
            config={"displayModeBar": False},
        )  # fmt: skip
        numbers("by part", where_rows(parts))


MOST_PARTS = 12


def _parts(model: Foreign) -> list[Part]:
    """The parts of the graph in forward order; the smallest, and what stands outside, together as one."""
    sums: dict[str, list[int]] = {}
    for step in model.steps:
        name = model.parts[step.stage - 1].path if step.stage else step.path.rpartition(".")[2] or "functions"
        total = sums.setdefault(name, [0, 0])
        total[0] += step.params
        total[1] += step.macs
    rows = [Part(name, params, macs) for name, (params, macs) in sums.items() if params or macs]
    kept = {row.name for row in sorted(rows, key=lambda row: row.params + row.macs, reverse=True)[:MOST_PARTS]}
    rest = [row for row in rows if row.name not in kept]
    shown = [row for row in rows if row.name in kept]
    if rest:
        shown.append(Part("all others", sum(row.params for row in rest), sum(row.macs for row in rest)))
    return shown or [Part("all", model.params, model.macs)]
