"""The left side of a lab: what the reader predicts, and the buttons that let the experiment go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

import streamlit as st

from resnet_viz.draw.wording import NBSP
from resnet_viz.labs import Guess, Lab, Observation, queue
from resnet_viz.labs.words import words_of
from resnet_viz.runs import Store, ensure_worker

from .lab_state import RECORDING, LabAddress, write_address
from .plain_text import plain
from .run_actions import end
from .trouble import store_trouble
from .visitor import visitor

ONCE, THREE = (0,), (0, 1, 2)
SKIPPED = "lab skipped"
SHORT = 16
"""Choices of fewer characters stand beside each other."""
HINT = "Predict first, or skip it"


def predict(store: Store, address: LabAddress, observed: Observation | None) -> LabAddress:
    """The guesses and the buttons; gives the address with what was just chosen."""
    lab = address.lab
    with st.container(border=True, key="card_predict"):
        st.markdown("**1 · Predict**")
        said = {name: _guess(address, observed, name, guess) for name, guess in lab.guesses.items()}
        guesses = {name: choice for name, choice in said.items() if choice is not None}
        address = LabAddress(lab, address.run, guesses, _sketch(address, observed))
        with st.container(key="lab_observe", gap="small"):
            st.markdown("**2 · Observe**")
            _buttons(store, address, observed)
        with st.container(horizontal=True, gap="small", key="lab_asides"):
            with st.popover("Data and networks", width="stretch"):
                st.markdown(lab.beforehand if observed is None or not observed.device else observed.lab.setting)
            with st.popover("Words used here", width="stretch"):
                terms = (f"- **{plain(word.term)}**: {plain(word.meaning)}" for word in words_of(lab.slug))
                st.markdown("\n".join(terms))
    return address


def _guess(address: LabAddress, observed: Observation | None, name: str, guess: Guess) -> str | None:
    came = address.lab.outcome(name, observed.numbers) if observed is not None and observed.verdict else None
    choices, known = list(guess.choices), address.guesses.get(name)

    def words(choice: str) -> str:
        mine = f" :gray[·{NBSP}your{NBSP}prediction]" if observed is not None and choice == known else ""
        return f"{guess.choices[choice]}{mine}" + (f" :green[**✓{NBSP}observed**]" if choice == came else "")

    return st.radio(
        guess.prompt, choices, index=choices.index(known) if known else None, format_func=words,
        key=f"guess {address.lab.slug} {name}", disabled=observed is not None,
        horizontal=all(len(text) < SHORT for text in guess.choices.values()),
    )  # fmt: skip


def _sketch(address: LabAddress, observed: Observation | None) -> tuple[int, ...]:
    """The curve that the reader draws, with one slider for each of its points; it stays over the result."""
    sketch = address.lab.sketch
    if sketch is None or observed is not None:
        return address.sketch
    key = f"sketch {address.lab.slug}"
    if not st.toggle(f"Draw the curve that you expect: {sketch.prompt}", value=bool(address.sketch), key=key):
        return ()
    before = address.sketch or (50,) * len(sketch.xs)
    columns = st.columns(2, gap="small")
    return tuple(
        int(columns[i % 2].slider(name, 0, 100, before[i], 5, format="%d %%", key=f"{key} {name}"))
        for i, name in enumerate(sketch.names)
    )


def _buttons(store: Store, address: LabAddress, observed: Observation | None) -> None:
    lab = address.lab
    if observed is not None and not observed.over:
        st.button("Stop", key="lab stop", on_click=_stop, args=(store, observed.run), width="stretch")
        return
    locked = observed is None and not address.predicted and st.session_state.get(SKIPPED) != lab.slug
    hint = HINT if locked else None
    with st.container(horizontal=True, gap="small"):
        run = "Count them here" if not lab.repeats else "Run it here"
        if st.button(run, type="primary", key="lab run", disabled=locked, help=hint, width="stretch"):
            _start(store, address, ONCE)
        three = hint or "Other first weights and another order of images each time: shows what is luck"
        if lab.repeats and st.button("Three repeats", key="lab three", disabled=locked, help=three, width="stretch"):
            _start(store, address, THREE)
    with st.container(horizontal=True, gap="small"):
        if (observed is None or not observed.recorded) and st.button(
            "Show the recording", key="lab recording", type="tertiary", disabled=locked, help=hint
        ):
            _go(replace(address, run=RECORDING))
        if locked and st.button("Skip the prediction", key="lab skip", type="tertiary"):
            st.session_state[SKIPPED] = lab.slug
            st.rerun()
        if observed is not None and st.button("Predict anew", key="lab anew", type="tertiary"):
            _anew(lab)


def _start(store: Store, address: LabAddress, seeds: Sequence[int]) -> NoReturn:
    run = queue(store, address.lab, seeds, visitor=visitor())
    ensure_worker(store)
    _go(replace(address, run=run))


def _stop(store: Store, run: str | None) -> None:
    if run is not None:
        with store_trouble():  # a callback runs outside the page's own guard
            end(store, run)


def _go(address: LabAddress) -> NoReturn:
    write_address(address)
    st.rerun()


def _anew(lab: Lab) -> NoReturn:
    for key in list(st.session_state):
        if str(key).startswith((f"guess {lab.slug} ", f"sketch {lab.slug}")):
            del st.session_state[key]
    st.session_state.pop(SKIPPED, None)
    _go(LabAddress(lab))


def gone(address: LabAddress) -> None:
    """One sentence where the address names a run that is not there."""
    st.warning(
        plain(f"There is no such run of this lab here: {address.run or ''}. Run it again, or see the recording.")
    )
