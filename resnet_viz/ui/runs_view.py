"""The list of runs: newest first, each with its last errors and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from resnet_viz.draw.wording import cut_middle, percent
from resnet_viz.runs import RunRow, Store, ensure_worker, locate, role_names, status

from .clock import moments, reader_zone
from .pages import LAB, RACE, go
from .plain_text import plain
from .run_actions import ALIVE, TRAINED, can_resume, experiment_of, find_run, resume
from .run_dialogs import download, rename

PAGE = 20
SHOWN, DELETED, STOPPED = "runs shown", "runs just deleted", "runs just stopped"
WIDTHS = (0.3, 3.0, 2.2, 1.2, 1.2, 1.3, 1.6, 0.7)
HEADINGS = ("", "Run", "Contestants", "Train error", "Test error", "State", "Started", "")
COLOURS = {
    "plain": "orange", "residual": "blue", "third": "green", "fourth": "violet", "fifth": "yellow", "sixth": "gray",
}  # fmt: skip
STYLE = Path(__file__).with_name("runs.css")
LOOK_EVERY = 2.0
TICK = "runs tick "


@dataclass(frozen=True)
class Line:
    """One run as the list shows it; errors are fractions of the last evaluation, None where there is none."""

    id: str
    name: str
    contestants: tuple[str, ...]
    roles: tuple[str, ...]
    train: tuple[float | None, ...]
    test: tuple[float | None, ...]
    state: str
    reason: str | None
    made: str
    resumable: bool = False
    lab: str | None = None


def read_line(store: Store, row: RunRow, made: str) -> Line:
    """Read what the list shows of a run; ``made`` says when it was made."""
    cards = row.header.get("contestants", ())
    experiment = None if cards else experiment_of(row)
    roles = {str(card["name"]): str(card.get("role")) for card in cards}
    roles = roles or (role_names(experiment.contestants) if experiment else {})
    last = {event.contestant: event.data for event in store.events(row.id, kind="eval")}
    state, reason = status(row)
    train, test = (
        tuple(_fraction(last.get(name, {}).get(key)) for name in roles) for key in ("train_error", "test_error")
    )
    return Line(
        row.id, row.name, tuple(roles), tuple(roles.values()), train, test, state, reason, made, can_resume(row),
        str(row.task.get("lab")) if row.task else None,
    )  # fmt: skip


def runs_list(store: Store, rows: Sequence[RunRow]) -> list[str]:
    """The list with its page of rows; gives the ids that are ticked, in the list's order."""
    if any(row.state == "queued" for row in rows):
        ensure_worker(store)
    shown = int(st.session_state.get(SHOWN, PAGE))
    made = moments(rows, reader_zone())
    lines = [read_line(store, row, made[row.id]) for row in rows[:shown]]
    st.html(STYLE)  # a file of rules: Streamlit wraps it in a style element
    with st.container(key="runs-head"):
        for column, heading in zip(st.columns(WIDTHS, vertical_alignment="center"), HEADINGS, strict=True):
            column.caption(heading)
    with st.container(key="runs-list"):
        for line in lines:
            _row(store, line)
    if len(rows) > shown:
        st.button(f"Show {min(PAGE, len(rows) - shown)} more of {len(rows)}", on_click=_more, key="runs-more")
    _watch(store, tuple((line.id, line.state) for line in lines if line.state in ALIVE))
    return [line.id for line in lines if st.session_state.get(TICK + line.id)]


def _row(store: Store, line: Line) -> None:
    with st.container(key=f"runs-row-{line.id}"):
        cells = st.columns(WIDTHS, vertical_alignment="center")
        with cells[0]:
            st.checkbox(f"Choose {line.name}", key=TICK + line.id, label_visibility="collapsed")
        with cells[1]:
            if st.button(plain(cut_middle(line.name, 34)), key=f"open {line.id}", type="tertiary",
                         help=f"{'Open' if line.lab else 'Replay'} {plain(line.name)}"):  # fmt: skip
                if line.lab:
                    go(LAB, lab=line.lab, run=line.id)
                go(RACE, run=line.id)
        cells[2].markdown(
            "  \n".join(coloured(name, role) for name, role in zip(line.contestants, line.roles, strict=True))
        )
        cells[3].markdown("  \n".join(error_text(error) for error in line.train))
        cells[4].markdown("  \n".join(error_text(error) for error in line.test))
        cells[5].markdown(line.state)
        cells[6].markdown(line.made)
        with cells[7]:
            delete = delete_words([line.state])
            offered = [*(["Resume"] if line.resumable else []), "Rename", *([] if line.lab else ["Download"]), delete]
            chosen = st.menu_button("More", offered, key=f"menu {line.id}", type="tertiary")
        _why(store, line)
    if chosen == "Resume":
        resume(store, line.id)
        st.rerun()
    if chosen == "Rename":
        rename(store, line.id, line.name)
    elif chosen == "Download":
        download(store, line.id, line.name)
    elif chosen == delete:
        bin_runs(store, [line.id])
        st.rerun()


def _why(store: Store, line: Line) -> None:
    """Why a run did not finish, and beside it the way to let it."""
    if not line.reason or line.state not in ("failed", "interrupted"):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plain(line.reason), width="content")
        if line.resumable:
            st.button(
                "▶ Resume", key=f"resume {line.id}", type="tertiary", on_click=_resume, args=(store, line.id),
                help="Go on from the last checkpoint, to the same result as without the interruption",
            )  # fmt: skip


def _resume(store: Store, run: str) -> None:
    resume(store, run)


def bin_runs(store: Store, ids: Sequence[str]) -> None:
    """Put all of them into the bin, stop those that a process trains, and remember them for Undo.

    One that waits in the queue needs no stop, since no worker takes anything out of the bin: Undo lets it go on.
    """
    there, stopped = [], False
    for run in ids:
        store.delete(run)  # first: from now on no worker can take it
        row = find_run(store, run)
        if row is not None:
            there.append(run)
            if status(row)[0] in TRAINED:
                store.command(run, "stop")
                stopped = True
        st.session_state.pop(TICK + run, None)
    st.session_state[DELETED], st.session_state[STOPPED] = there, stopped


def delete_words(states: Iterable[str]) -> str:
    """What the button that deletes runs in these states says."""
    return "Stop and delete" if any(state in TRAINED for state in states) else "Delete"


def undo_line(store: Store) -> None:
    """What was just put into the bin, and Undo."""
    rows = [row for run in st.session_state.get(DELETED, []) if (row := find_run(store, run)) and row.deleted]
    ids = [row.id for row in rows]
    st.session_state[DELETED] = ids  # another tab may have emptied the bin
    if not rows:
        return
    name = f"“{plain(cut_middle(rows[0].name, 40))}” is" if len(rows) == 1 else f"{len(rows)} runs are"
    if len(rows) == 1 and st.session_state.get(STOPPED):
        name += " stopped and"
    with st.container(horizontal=True, vertical_alignment="center", key="runs-undo", width="content"):
        st.markdown(f"{name} in the bin.", width="content")
        st.button("Undo", key="undo-delete", on_click=_undo, args=(store, ids))


def bin_popover(store: Store) -> None:
    """What lies in the bin, each with Restore; and the one thing here that cannot be undone."""
    gone = store.rows(deleted=True)
    if not gone:
        return
    made = moments(gone, reader_zone())
    with st.popover(f"Bin ({len(gone)})"), st.container(width=420):
        for row in gone[:PAGE]:
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                st.markdown(f"{plain(cut_middle(row.name, 34))}  \n:small[:gray[{made[row.id]}]]", width="stretch")
                st.button("Restore", key=f"restore {row.id}", on_click=_undo, args=(store, [row.id]))
        if len(gone) > PAGE:
            st.caption(f"and {len(gone) - PAGE} older ones")
        st.button("Delete all of these for good", key="purge", on_click=_purge, args=(store,), type="tertiary",
                  help="This cannot be undone")  # fmt: skip


def coloured(name: str, role: str) -> str:
    """A contestant's name in its colour, as Markdown; .streamlit/config.toml gives these words our colours."""
    return f":{COLOURS.get(role, 'gray')}[{plain(cut_middle(name, 24))}]"


def error_text(error: float | None) -> str:
    """An error as the list writes it; a dash before the first evaluation."""
    return "–" if error is None else percent(error)


def _fraction(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _more() -> None:
    st.session_state[SHOWN] = int(st.session_state.get(SHOWN, PAGE)) + PAGE


def _undo(store: Store, ids: Sequence[str]) -> None:
    for run in ids:
        store.restore(run)
    st.session_state[DELETED] = [run for run in st.session_state.get(DELETED, []) if run not in ids]


def _purge(store: Store) -> None:
    store.purge()


def place_line() -> None:
    """Where the runs are kept, when it is not where they were asked to be."""
    reason = locate().reason
    if reason:
        st.caption(plain(reason))


def _watch(store: Store, alive: tuple[tuple[str, str], ...]) -> None:
    """While runs in the list live, look whether their state has changed, and then draw the list again.

    Where one of them waits, see that a worker lives to take it.
    """
    if alive:
        look: Callable[[], None] = st.fragment(_looks(store, alive), run_every=LOOK_EVERY)
        look()


def _looks(store: Store, alive: tuple[tuple[str, str], ...]) -> Callable[[], None]:
    def look() -> None:
        if any(state == "queued" for _, state in alive):
            ensure_worker(store)
        rows = [(find_run(store, run), state) for run, state in alive]
        if any(row is None or status(row)[0] != state for row, state in rows):
            st.rerun()

    return look
