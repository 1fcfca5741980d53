"""Two runs beside each other on the page of runs: curves, last numbers, and how their experiments differ."""

from __future__ import annotations

import streamlit as st

from resnet_viz.draw.colours import Theme
from resnet_viz.draw.comparison import comparison_figures, experiment_differences, last_numbers
from resnet_viz.draw.points import point_rows
from resnet_viz.draw.wording import cut_middle
from resnet_viz.runs import Event, RunRow, Store, run_data
from resnet_viz.train.changes import LIMITS, Kind

from .clock import moments, reader_zone
from .plain_text import plain, plain_rows
from .run_actions import experiment_of, find_run

PARAMETER = "compare"


def chosen_pair() -> tuple[str, str] | None:
    """The two runs that the address asks for ("?compare=first,second"), or None."""
    first, comma, second = st.query_params.get(PARAMETER, "").partition(",")
    return (first, second) if comma and first and second else None


def compare(store: Store, pair: tuple[str, str]) -> None:
    """The comparison, or one sentence when one of the two is not there."""
    rows = [find_run(store, run) for run in pair]
    first, second = rows
    with st.container(border=True, key="runs-compare"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            if first is None or second is None:
                st.markdown("One of these two runs is no longer here.", width="stretch")
            else:
                made = moments([first, second, *store.rows()], reader_zone())
                names = [f"{plain(cut_middle(row.name, 40))} ({made[row.id]})" for row in (first, second)]
                st.markdown(f"**A** {names[0]}, solid · **B** {names[1]}, dashed", width="stretch")
            st.button("Close", key="compare-close", on_click=_close)
        if first is None or second is None:
            return
        data = [run_data(store, run) for run in pair]
        theme: Theme = "dark" if st.context.theme.type == "dark" else "light"
        numbers = last_numbers(data)
        spoken = " ".join(
            f"{row['Run']} {row['Contestant']}: train error {row['Train error']}, test error {row['Test error']}."
            for row in numbers
        )
        figures = comparison_figures(data, theme)
        for column, (panel, figure) in zip(st.columns(len(figures), gap="small"), figures.items(), strict=True):
            column.plotly_chart(
                figure, key=f"compare {panel}", theme=None, config={"displaylogo": False, "displayModeBar": False},
                alt=f"{panel} of both runs by step. At the end: {spoken}",
            )  # fmt: skip
        with st.popover("Numbers of the curves", type="tertiary", key="numbers_curves"):
            panel = st.segmented_control(
                "Curves", list(figures), default=next(iter(figures)), required=True, label_visibility="collapsed"
            )
            st.dataframe(point_rows(figures[str(panel)]), hide_index=True, width="stretch", height=360)
        left, right = st.columns(2)
        with left:
            st.markdown("**Last numbers**")
            st.table(plain_rows(numbers), border="horizontal", hide_index=True)
        with right:
            st.markdown("**How the experiments differ**")
            _differences(store, first, second)


def _close() -> None:
    st.query_params.pop(PARAMETER, None)


def _by_hand(store: Store, run: str, kind: Kind) -> str:
    """What somebody changed while the run went: "0.01 from step 22"; "-" where nobody did."""
    return ", ".join(_change(event) for event in store.events(run, kind=kind)) or "-"


def _change(event: Event) -> str:
    value = f"{event.data['value']:g}"
    if event.kind == "shortcut":
        value = f"{event.data.get('block')} of {event.contestant} {'restored' if event.data['value'] else 'cut'}"
    return f"{value} from step {event.step}"


def _differences(store: Store, a: RunRow, b: RunRow) -> None:
    first, second = experiment_of(a), experiment_of(b)
    if first is None or second is None:
        st.markdown("One of them comes from a training loop of somebody's own: there is no experiment to compare.")
        return
    rows = experiment_differences(first, second)
    for kind, (_, _, name) in LIMITS.items():
        made = [_by_hand(store, run.id, kind) for run in (a, b)]
        if made[0] != made[1]:
            rows.append({"Where": "while it ran", "Field": name, "A": made[0], "B": made[1]})
    if rows:
        st.table(plain_rows(rows), border="horizontal", hide_index=True, height="content" if len(rows) <= 8 else 300)
    else:
        st.markdown("Not at all: same networks, same recipe, same seed.")
