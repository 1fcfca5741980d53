"""The race page's parts: the slim line above the live view, what Start and Rewind do, what is known beforehand."""

from __future__ import annotations

from typing import Any

import streamlit as st

from resnet_viz.draw.wording import cut_middle, seconds, size
from resnet_viz.runs import RunRow, Store, ensure_worker, experiment_key, role_names, worker_trouble
from resnet_viz.runs.line import Standing, standing
from resnet_viz.runs.rest import BEFORE_IT
from resnet_viz.runs.versions import versions
from resnet_viz.runs.workers import KEPT_ESTIMATE_SECONDS
from resnet_viz.spec import Experiment, Recipe

from . import pages
from .audience import audience_popover
from .clock import moments, reader_zone
from .fairness import all_differences, contract
from .live_server import open_store
from .live_view import Command, steer
from .plain_text import plain, plain_rows
from .race_session import RaceSession
from .race_settings import settings, spec_file
from .run_actions import again, can_resume, experiment_of, find_run, is_alive, resume, start, wished
from .sharing import share_popover
from .trouble import store_trouble
from .visitor import visitor

LOOK_EVERY = 0.4
"""Seconds between two looks for the estimate while a worker measures."""
LOOK_AT_QUEUE_EVERY = 2.0
FRESH_SECONDS = 300.0
NEW = "race new"


def obey(session: RaceSession, command: Command) -> None:
    """Do what the control bar asks for; what only steers the run goes to its worker."""
    with store_trouble():
        _obey(session, command)


def _obey(session: RaceSession, command: Command) -> None:
    store = open_store()
    if command["kind"] == "start":
        paused = bool(command.get("paused"))
        session.show(start(store, wished(session.experiment, command), paused=paused, visitor=visitor()))
    elif command["kind"] == "rewind":
        row = find_run(store, session.run or "")
        wish = {"paused": bool(command.get("paused")), "changes": bool(command.get("changes"))}
        found = again(store, row, **wish, visitor=visitor()) if row else None
        if found:
            session.show(found)
    elif session.run is not None:
        row = find_run(store, session.run) if command["kind"] == "resume" else None
        if row is not None and can_resume(row):
            resume(store, row.id)
        else:
            steer(session.run, command)


def follow_run(session: RaceSession) -> None:
    """The run on the screen brings its experiment; one that is not there becomes one sentence.

    One that waits or is trained gets a worker: the one that was to take it may be gone.
    """
    if session.run is None:
        return
    store = open_store()
    row = find_run(store, session.run)
    if row is None:
        session.problem = f"There is no run {session.run} here: it was deleted for good, or lies in another store."
        session.run = None
        return
    if row.task is not None:
        session.problem = f"The run {session.run} is no race: open it from Runs."
        session.run = None
        return
    if is_alive(row) and not row.deleted and not row.recorded:
        ensure_worker(store)
    experiment = experiment_of(row)
    if experiment is not None:
        session.take(experiment)


def preview(session: RaceSession, *, opened: bool = False) -> dict[str, Any]:
    """What is known of the race before it starts; asks a worker, and so warms it, for what is not.

    ``opened``: the page was just opened; then what was measured minutes ago, perhaps on a busy machine, is asked anew.
    Beside the contestants "measuring" while a worker is at it, "error" when it cannot be measured, and "trouble" when
    no worker comes up: one sentence each of the last two.
    """
    store = open_store()
    answer = _estimate(store, session.experiment, FRESH_SECONDS if opened else KEPT_ESTIMATE_SECONDS)
    if answer and "error" not in answer:
        return answer
    names = session.experiment.contestants
    roles = role_names(names)
    rows = [{"name": name, "role": roles[name], "description": "measuring…", "layers": []} for name in names]
    if answer:
        return {"contestants": [row | {"description": ""} for row in rows], "error": str(answer["error"])}
    return {"contestants": rows, "measuring": True, "trouble": worker_trouble(store)}


def _estimate(store: Store, experiment: Experiment, kept: float) -> dict[str, Any] | None:
    key = experiment_key(experiment)
    store.ask_estimate(key, experiment, kept=kept)
    ensure_worker(store)
    return store.estimate(key)


REFUSED = "A setting was refused: the race starts with the last valid ones."


def _seeds(recipe: Recipe) -> str:
    last = recipe.seed + recipe.seeds - 1
    return f"seeds {recipe.seed} to {last}" if recipe.seeds > 1 else f"seed {recipe.seed}"


def summary(experiment: Experiment, known: dict[str, Any], *, refused: bool = False) -> str:
    """Data, steps and seed, and what the race takes on this machine: one quiet line."""
    recipe = experiment.recipe
    parts = [plain(experiment.data.title), f"{experiment.steps:,} steps", _seeds(recipe)]
    if "seconds" in known:
        kind, _, device = str(known["device"]).partition(": ")
        takes = f"about {seconds(known['seconds'])} here" + (
            f" at {recipe.pace:g} steps a second" if recipe.pace else ""
        )
        parts += [takes, size(known["memory_bytes"]), kind.upper() + (f" {plain(device)}" if kind == "cuda" else "")]
    elif "error" in known:
        parts.append(plain(known["error"]))
    elif "measuring" in known:
        parts.append(plain(known.get("trouble") or "") or "measuring what it takes here…")
    if refused:
        parts.append("of the last valid settings")
    return " · ".join(parts)


def _title(session: RaceSession) -> str | None:
    """Which run is on the screen."""
    row = find_run(open_store(), session.run) if session.run else None
    if row is None:
        return None
    made = moments([row, *open_store().rows()], reader_zone())[row.id]
    said = [plain(cut_middle(row.name, 60)), made, *(["in the bin"] if row.deleted else [])]
    found = standing(open_store(), row.id)
    if found is not None and found.behind is not None:
        said[0:2] = [plain(cut_middle(row.name, 24)), line_words(found)]  # beside the button there is room for so much
    if row.reason == BEFORE_IT and is_alive(row):
        said.append("waits for a run in another precision")
    trouble = worker_trouble(open_store()) if waits(row) else None
    return " · ".join([*said, *([plain(trouble)] if trouble else [])])


def is_recorded(session: RaceSession) -> bool:
    """True while the run on the screen comes from a training loop of somebody's own: nobody here can steer it."""
    row = find_run(open_store(), session.run) if session.run else None
    return row is not None and row.recorded


def waits(row: RunRow | None) -> bool:
    """True while a run waits for its turn."""
    return row is not None and row.state == "queued" and not row.deleted


def _queue_button(session: RaceSession) -> None:
    store = open_store()
    found = standing(store, session.run) if session.run else None
    if found is not None and found.behind is not None:
        first = found.behind
        where = f"{plain(first.name)}. {line_words(found)}. Show that one"
        if found.lab and st.button(ahead_words(found), key="race-queue", type="tertiary", help=where):
            pages.go(pages.LAB, lab=str((first.task or {}).get("lab", "")), run=first.id)
        elif not found.lab:
            st.button(
                ahead_words(found), key="race-queue", type="tertiary", help=where, on_click=session.show,
                args=(first.id,),
            )  # fmt: skip


def ahead_words(found: Standing) -> str:
    """What a waiting run waits for: "A lab is ahead, about 40 s"."""
    first = found.behind
    assert first is not None  # noqa: S101  (there is such a run, or nothing to say)
    if not (found.lab or found.other):
        does = "is running" if first.state == "running" else "comes first"
        return f"Waiting: {plain(cut_middle(first.name, 24))} {does}"
    who = ("Another visitor’s " if found.other else "A ") + ("lab" if found.lab else "race")
    soon = 0 if found.seconds is None else 5 * round(found.seconds / 5)
    return f"{who} is ahead" + (f", about {seconds(soon)}" if soon else "")


def line_words(found: Standing) -> str:
    """Where a run stands in the line: "Number 2, starts in about 10 s"."""
    place = "Next" if found.position == 1 else f"Number {found.position}"
    if found.seconds is None:
        return f"{place} in line"
    soon = 5 * round(found.seconds / 5)  # an estimate to the second would change all the time
    return f"{place}, starts in about {seconds(soon)}" if soon else f"{place}, starts at any moment"


def _same_button(session: RaceSession) -> None:
    """What is about to be raced was raced before: nothing has to be computed to see it. Start races it anew."""
    if session.run is not None or session.refusals:
        return
    store = open_store()
    row = store.same(session.experiment, versions())
    if row is not None:
        made = moments([row, *store.rows()], reader_zone())[row.id]
        st.button(
            "Already run: show it", key="race-same", type="tertiary", on_click=session.show, args=(row.id,),
            help=f"Run {made}, the same experiment, seed and versions: its numbers are these. Start runs it anew.",
        )  # fmt: skip


def top_line(session: RaceSession, known: dict[str, Any] | None) -> None:
    """What is raced, and the popovers. One line high in every state, so that the pictures never move."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        st.caption(
            _title(session) or summary(session.experiment, known or {}, refused=bool(session.refusals)), width="stretch"
        )
        _queue_button(session)
        _same_button(session)
        with st.popover("Fair test"):
            if is_recorded(session):
                st.markdown("A training loop of somebody's own: it races nobody.", width="content")
            else:
                fairness(session.experiment)
        share_popover(session.experiment, "x", "race")
        audience_popover(session.run)
        with st.popover("File"):
            spec_file(session)
        with st.popover("Settings"), st.container(width=620):
            settings(session)
        st.button(
            "New race", key=NEW, on_click=_new, args=(session,), disabled=session.run is None,
            help="Back to the start; this run stays under Runs",
        )  # fmt: skip


def fairness(experiment: Experiment) -> None:
    """The contract in sentences, the differences as a table."""
    with st.container(width=560):
        st.markdown("**Equal for all**\n\n" + "\n".join(f"- {plain(line)}" for line in contract(experiment)))
        rows = all_differences(experiment)
        if not rows:
            alone = len(experiment.contestants) == 1
            st.markdown("There is one contestant only." if alone else "**No difference**: the networks are the same.")
            return
        st.markdown("**Every difference**")
        st.table(plain_rows(rows), border="horizontal", hide_index=True, height="content" if len(rows) <= 8 else 300)


def notices(session: RaceSession) -> None:
    """Sentences that stand above the pictures only when there is something to say."""
    if session.problem:
        st.warning(plain(session.problem))
    if session.changes and session.run is None:
        st.caption("Fitted to the images: " + "; ".join(plain(change) for change in session.changes) + ".")


@st.fragment(run_every=LOOK_EVERY)
def wait_for_estimate(experiment: Experiment, trouble: str | None) -> None:
    """Mounted while a worker measures: draws nothing, and runs the page again once there is something new to say."""
    with store_trouble():
        store = open_store()
        ensure_worker(store)
        if store.estimate(experiment_key(experiment)) is not None or worker_trouble(store) != trouble:
            st.rerun()


def wait_in_queue(session: RaceSession) -> None:
    """While the run on the screen waits for its turn: see that a worker lives, and say whom it waits for now."""
    store = open_store()
    row = find_run(store, session.run or "")
    if row is not None and waits(row):
        _look_at_queue(row.id, _standing(store, row))


@st.fragment(run_every=LOOK_AT_QUEUE_EVERY)
def _look_at_queue(run: str, said: tuple[object, ...]) -> None:
    with store_trouble():
        store = open_store()
        row = find_run(store, run)
        if waits(row):
            ensure_worker(store)
        if row is None or _standing(store, row) != said:
            st.rerun()


def _standing(store: Store, row: RunRow) -> tuple[object, ...]:
    """What the page says of a waiting run; when it changes, the page is drawn again."""
    found = standing(store, row.id)
    first = found.behind if found else None
    words = found and first and (line_words(found), ahead_words(found))
    return waits(row), first and (first.id, first.state), words, worker_trouble(store)


def _new(session: RaceSession) -> None:
    session.show(None)
    session.redraw()
