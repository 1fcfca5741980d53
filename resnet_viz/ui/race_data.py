"""The data set of a race: one of the package's or the person's own images, which can be added here."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from resnet_viz.data import own_images
from resnet_viz.settings import settings
from resnet_viz.spec import DATASETS, Experiment, OwnImages, SpecError

from .class_pictures import class_pictures
from .plain_text import plain
from .race_session import RaceSession
from .race_state import RaceError, with_dataset
from .sharing import uploaded

PLACE = "dataset"
MOST_UPLOAD = 400
"""Megabytes; CIFAR-10 as it is packed has 107 to 185."""


def data_set(session: RaceSession) -> None:
    """Choose the images that all contestants see; a refusal stands below."""
    now = session.experiment.dataset
    options = _options(now)
    key = f"race {session.revision} dataset"
    st.selectbox(
        "Data set", list(options), index=list(options.values()).index(now), format_func=_title, key=key,
        on_change=_choose, args=(session, key),
    )  # fmt: skip
    if isinstance(now, str):
        class_pictures(now)
    if not settings().hosted:
        with st.expander("Your own images"):
            st.caption(
                "An .npz with train_x, train_y, test_x and test_y: uint8 images N × H × W or N × H × W × C, labels "
                "from 0. They stay on this machine, under the file's name; a link or a file of the race carries their "
                "shape and checksum, never an image."
            )
            place = f"race {session.revision} images"
            st.file_uploader(
                "Add images", type=["npz"], key=place, on_change=_add, args=(session, place),
                max_upload_size=MOST_UPLOAD, label_visibility="collapsed",
            )  # fmt: skip
    if PLACE in session.refusals:
        st.markdown(f":red[{plain(session.refusals[PLACE])}]")


def _options(now: str | OwnImages) -> dict[str, str | OwnImages]:
    """What can be chosen by name; the present choice is there also where this machine lacks it."""
    found: dict[str, str | OwnImages] = {name: name for name in DATASETS}
    found |= {own.info.name: own for own in own_images.known()}
    if isinstance(now, OwnImages) and now not in found.values():
        found[f"{now.info.name} {now.sha256[:8]}"] = now
    return found


def _title(name: str) -> str:
    return DATASETS[name].title if name in DATASETS else name.partition(":")[2]


def name_of_file(file: str) -> str:
    """A name for the images of that file: its own, in small letters, digits, "-" and "_"."""
    stem = file.rpartition(".")[0] or file
    return re.sub(r"[^a-z0-9_-]+", "-", stem.lower()).strip("-_")[:40].strip("-_") or "images"


def _choose(session: RaceSession, key: str) -> None:
    chosen = _options(session.experiment.dataset).get(st.session_state[key])

    def make() -> tuple[Experiment, tuple[str, ...]]:
        if chosen is None:
            raise RaceError("These images are no longer here: choose others.", PLACE)
        return with_dataset(session.experiment, chosen)

    _change(session, make)


def _add(session: RaceSession, key: str) -> None:
    data, file = uploaded(key), st.session_state.get(key)
    if data is None or file is None or settings().hosted:
        return

    def make() -> tuple[Experiment, tuple[str, ...]]:
        try:
            own = own_images.add_beside(data, name_of_file(file.name))
        except SpecError as error:
            raise RaceError(str(error), PLACE) from error
        return with_dataset(session.experiment, own)

    _change(session, make)


def _change(session: RaceSession, make: Any) -> None:
    if session.edit(PLACE, make):
        session.redraw()
