"""The settings of a race: who races, and the recipe. A refusal stands under its widget; what was typed stays."""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from resnet_viz.draw.wording import cut_middle
from resnet_viz.spec import Network, ProbePlan, Recipe, preset, presets
from resnet_viz.spec.experiment import MAX_CONTESTANTS

from .plain_text import plain
from .race_data import data_set
from .race_session import RaceSession
from .race_state import preset_of, read_file, with_network, with_recipe, with_twin, without
from .sharing import open_button, save_button, uploaded

PACES: dict[float, str] = {0.0: "as fast as it goes", 20.0: "20 steps a second", 5.0: "5 steps a second"}
APPLE = platform.system() == "Darwin" and platform.machine() == "arm64"
DEVICES = {"auto": "CUDA if there is one, else CPU", "cpu": "CPU", "cuda": "CUDA"} | (
    {"mps": "Apple GPU (MPS)"} if APPLE else {}
)
TELEMETRY: dict[str, ProbePlan] = {
    "gradient norms, every step": ProbePlan(),
    "everything, every 10 steps": ProbePlan.full(10),
    "everything, every step": ProbePlan.full(1),
}
NUMBERS = (("epochs", "Epochs"), ("batch", "Batch size"), ("learning_rate", "Learning rate"), ("seed", "Seed"))

CHOICES: dict[str, tuple[str, dict[str, str]]] = {
    "schedule": ("Schedule", {"constant": "constant", "step": "a tenth at 1/2, 3/4", "cosine": "half cosine"}),
    "loss": ("Loss", {"cross_entropy": "cross-entropy", "double_softmax": "softmax twice"}),
    "augment": ("Augmentation", {"none": "none", "crop_flip": "pad 4, crop, flip"}),
    "precision": ("Precision", {"fp32": "fp32", "tf32": "TF32 (GPU)", "bf16": "bf16"}),
}
SEEDS = {1: "one", 3: "3, as a band", 4: "4, as a band", 5: "5, as a band"}
MORE = (*CHOICES, "seeds", "train_images", "label_noise", "evaluate_every")


def settings(session: RaceSession) -> None:
    """All of it, to be placed in a popover."""
    data_set(session)
    _contestants(session)
    _recipe(session)


def spec_file(session: RaceSession) -> None:
    """Save the race as a spec file, open one of a race or of a network, which then races its twin."""
    save_button(session.experiment, " against ".join(session.experiment.contestants))
    key = _key(session, "file")
    open_button(key, partial(_open, session, key))
    _refusal(session, "file")


def _contestants(session: RaceSession) -> None:
    race = session.experiment
    full = len(race.contestants) >= MAX_CONTESTANTS
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown("**Contestants**", width="stretch")
        st.button(
            "Add a contestant", key=_key(session, "add"), on_click=_add, args=(session,), disabled=full,
            type="tertiary", icon=":material/add:",
            help=f"A race has at most {MAX_CONTESTANTS} contestants." if full else None,
        )  # fmt: skip
    for index, (name, network) in enumerate(race.contestants.items()):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            _choice(session, index, name, network)
            twin = "residual" if network.is_plain else "plain"
            st.button(
                f"Against its {twin} twin", key=_key(session, f"twin {index}"), on_click=_twin, args=(session, index),
                help=f"A race of this network and the same one {'with' if network.is_plain else 'without'} shortcuts, "
                "nobody else.",
            )  # fmt: skip
            st.button(
                "Remove", key=_key(session, f"remove {index}"), on_click=_remove, args=(session, index),
                disabled=len(race.contestants) == 1, type="tertiary",
            )  # fmt: skip
        _refusal(session, f"contestant {index}")
    for change in session.changes:
        st.caption(f"Fitted to the images: {plain(change)}.")


def _choice(session: RaceSession, index: int, name: str, network: Network) -> None:
    """One contestant's network: the presets, and its own when it is none of them."""
    mine = preset_of(network, session.experiment.dataset)
    own = f"{cut_middle(network.name, 30)} (own)"
    options = [*presets(), *([] if mine else [own])]
    key = _key(session, f"network {index}")
    st.selectbox(
        f"Contestant {index + 1}", options, index=options.index(mine or own), key=key, width=210,
        on_change=_exchange, args=(session, index, key),
    )  # fmt: skip


def _recipe(session: RaceSession) -> None:
    st.markdown("**Recipe** · the same for all")
    recipe = session.experiment.recipe
    columns = st.columns(4)
    for column, (field, label) in zip(columns, NUMBERS, strict=True):
        with column:
            key = _key(session, field)
            rate = field == "learning_rate"
            st.number_input(
                label, value=getattr(recipe, field), step=0.01 if rate else 1, format="%g" if rate else "%d", key=key,
                on_change=_number, args=(session, field, key),
            )  # fmt: skip
            _refusal(session, field)
    pace, device, telemetry = st.columns(3)
    paces = dict(PACES) if recipe.pace in PACES else {**PACES, recipe.pace: f"{recipe.pace:g} steps a second"}
    with pace:
        key = _key(session, "pace")
        st.selectbox(
            "Pace", list(paces), index=list(paces).index(recipe.pace), format_func=paces.__getitem__, key=key,
            on_change=_number, args=(session, "pace", key),
        )  # fmt: skip
    devices = DEVICES if recipe.device in DEVICES else {**DEVICES, recipe.device: recipe.device.upper()}
    with device:
        key = _key(session, "device")
        st.selectbox(
            "Device", list(devices), index=list(devices).index(recipe.device), format_func=devices.__getitem__, key=key,
            on_change=_number, args=(session, "device", key),
        )  # fmt: skip
        _refusal(session, "device")
    with telemetry:
        key = _key(session, "probes")
        named = TELEMETRY if recipe.probes in TELEMETRY.values() else {**TELEMETRY, "a plan of its own": recipe.probes}
        st.selectbox(
            "Telemetry", list(named), index=list(named.values()).index(recipe.probes), key=key,
            on_change=_telemetry, args=(session, key),
            help="What is measured in every layer and block; it changes no number of the training.",
        )  # fmt: skip
    _more(session)
    st.caption(
        f"SGD with momentum {recipe.momentum:g}, weight decay {recipe.weight_decay:g}, {recipe.warmup_steps} warm-up "
        f"steps, schedule {recipe.schedule}. Pace is a ceiling for watching: it changes no number."
    )


def _more(session: RaceSession) -> None:
    """What a recipe can do besides; open while something of it is not as usual."""
    recipe = session.experiment.recipe
    unusual = any(getattr(recipe, field) != Recipe.model_fields[field].default for field in MORE)
    refused = any(field in session.refusals for field in MORE)
    with st.expander("More of the recipe", expanded=unusual or refused):
        for column, (field, (label, names)) in zip(st.columns(4), CHOICES.items(), strict=True):
            key = _key(session, field)
            column.selectbox(
                label, list(names), index=list(names).index(getattr(recipe, field)), format_func=names.__getitem__,
                key=key, on_change=_number, args=(session, field, key),
            )  # fmt: skip
        seeds, images, labels, evaluations = st.columns(4)
        options = SEEDS if recipe.seeds in SEEDS else {**SEEDS, recipe.seeds: f"{recipe.seeds}, as a band"}
        key = _key(session, "seeds")
        seeds.selectbox(
            "Seeds", list(options), index=list(options).index(recipe.seeds), format_func=options.__getitem__,
            key=key, on_change=_number, args=(session, "seeds", key),
            help="So many runs of each contestant at once, from the seed on; pictures show median, least and greatest.",
        )  # fmt: skip
        with images:
            key = _key(session, "train_images")
            st.session_state.setdefault(key, recipe.train_images)  # a default of the widget's own cannot be cleared
            st.number_input(
                "Training images", value=None, step=1, placeholder="all", key=key,
                on_change=_number, args=(session, "train_images", key),
                help="Only so many, the classes in turn; the test set stays whole.",
            )  # fmt: skip
            _refusal(session, "train_images")
        with labels:
            key = _key(session, "label_noise")
            st.number_input(
                "Wrong labels", value=float(recipe.label_noise), step=0.1, format="%g", key=key,
                on_change=_number, args=(session, "label_noise", key),
                help="Their share of the training labels, 0 to 1 (after Zhang et al. 2017); the test set stays clean.",
            )  # fmt: skip
            _refusal(session, "label_noise")
        with evaluations:
            key = _key(session, "evaluate_every")
            st.number_input(
                "Evaluate every", value=recipe.evaluate_every, step=1, key=key,
                on_change=_number, args=(session, "evaluate_every", key),
                help="So many epochs. All images are taken; there is one before the first step and after the last.",
            )  # fmt: skip
            _refusal(session, "evaluate_every")


def _refusal(session: RaceSession, place: str) -> None:
    spot = st.empty()  # there also while it is empty: what follows keeps its place, see fields.refusal
    if place in session.refusals:
        spot.markdown(f":red[{plain(session.refusals[place])}]")


def _key(session: RaceSession, name: str) -> str:
    return f"race {session.revision} {name}"


# -- callbacks --------------------------------------------------------------------------------------------


def _change(session: RaceSession, place: str, make: Callable[[], Any], *, redraw: bool = True) -> None:
    if session.edit(place, make) and redraw:
        session.redraw()


def _exchange(session: RaceSession, index: int, key: str) -> None:
    chosen = st.session_state[key]
    if chosen in presets():
        _change(session, f"contestant {index}", lambda: with_network(session.experiment, index, preset(chosen)))


def _twin(session: RaceSession, index: int) -> None:
    _change(session, f"contestant {index}", lambda: with_twin(session.experiment, index))


def _remove(session: RaceSession, index: int) -> None:
    _change(session, f"contestant {index}", lambda: without(session.experiment, index))


def _add(session: RaceSession) -> None:
    count = len(session.experiment.contestants)
    _change(session, f"contestant {count}", lambda: with_network(session.experiment, count, preset("tiny_resnet20")))


def _number(session: RaceSession, field: str, key: str) -> None:
    value = st.session_state[key]
    _change(session, field, lambda: with_recipe(session.experiment, **{field: value}), redraw=False)


def _telemetry(session: RaceSession, key: str) -> None:
    plan = TELEMETRY.get(st.session_state[key])
    if plan is not None:
        _change(session, "probes", lambda: with_recipe(session.experiment, probes=plan), redraw=False)


def _open(session: RaceSession, key: str) -> None:
    data = uploaded(key)
    if data is not None:
        _change(session, "file", lambda: read_file(data))
