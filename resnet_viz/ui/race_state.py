"""The race before it starts: an experiment that is always valid, its edits, and its place in the URL.

``?x=`` holds the experiment (only when it is not the default one) and ``?run=`` the run that the page shows.
An edit that cannot be is refused in one sentence and leaves the experiment as it was. No streamlit in here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import ValidationError

from resnet_viz.spec import (
    Comparison,
    Experiment,
    Network,
    OwnImages,
    Recipe,
    ShareError,
    SpecError,
    decode,
    encode,
    fit_to_dataset,
    plain_twin,
    preset,
    presets,
    read_spec,
    residual_twin,
    sentence,
)
from resnet_viz.spec.experiment import MAX_CONTESTANTS
from resnet_viz.spec.network import MAX_NAME
from resnet_viz.spec.shapes import problems

DATASET = "digits"
_RUN = re.compile(r"[0-9A-Za-z-]{1,64}")


class RaceError(ValueError):
    """An edit of the race that cannot be; ``field`` says beside which widget the sentence belongs."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Address:
    """What the page's URL asks for; ``problem`` is the one sentence about what in it cannot be read."""

    experiment: Experiment | None = None
    changes: tuple[str, ...] = ()
    run: str | None = None
    problem: str | None = None


@cache
def default_experiment() -> Experiment:
    """plain-56 against residual-56 on digits with the default recipe (He 2016a, Fig. 6, in four seconds)."""
    return Experiment(
        contestants={"plain-56": preset("tiny_plain56"), "residual-56": preset("tiny_resnet56")}, dataset=DATASET
    )


def start_from(network: Network, dataset: str | OwnImages = DATASET) -> tuple[Experiment, tuple[str, ...]]:
    """A race of the network and its twin, plain against residual, fitted to the data set; and the changes that took.

    A network with shortcuts races its plain twin; one without races its residual twin. Raises
    :class:`RaceError` when the network cannot be built on it.
    """
    fitted, changes = _fitted(network, dataset)
    pair = [plain_twin(fitted), residual_twin(fitted) if fitted.is_plain else fitted]
    return _experiment(pair, Recipe(), dataset), changes


def race_of(networks: Sequence[Network]) -> Experiment:
    """A race of these networks as they are, on digits under the default recipe. Raises :class:`RaceError`."""
    return _experiment(list(networks), Recipe(), DATASET)


def with_network(experiment: Experiment, index: int, network: Network) -> tuple[Experiment, tuple[str, ...]]:
    """Contestant ``index`` (from 0) becomes the network, fitted to the data set; at the end it is added.

    Raises :class:`RaceError`.
    """
    fitted, changes = _fitted(network, experiment.dataset)
    networks = list(experiment.contestants.values())
    if index >= MAX_CONTESTANTS:
        raise RaceError(f"A race has at most {MAX_CONTESTANTS} contestants.", "contestants")
    networks[index : index + 1] = [fitted]
    return _experiment(networks, experiment.recipe, experiment.dataset), changes


def with_dataset(experiment: Experiment, dataset: str | OwnImages) -> tuple[Experiment, tuple[str, ...]]:
    """The same contestants under the same recipe on another data set: presets fitted anew, others from what they are.

    Raises :class:`RaceError`.
    """
    networks, changes = [], []
    for network in experiment.contestants.values():
        mine = preset_of(network, experiment.dataset)
        fitted, made = _fitted(preset(mine) if mine else network, dataset)
        networks.append(fitted)
        changes += [f"{fitted.name}: {change}" for change in made]
    return _experiment(networks, experiment.recipe, dataset), tuple(changes)


def with_twin(experiment: Experiment, index: int) -> Experiment:
    """Contestant ``index`` against its twin, nobody else; the recipe stays. Raises :class:`RaceError`."""
    race, _ = start_from(list(experiment.contestants.values())[index], experiment.dataset)
    return race.model_copy(update={"recipe": experiment.recipe})


def without(experiment: Experiment, index: int) -> Experiment:
    """The race without contestant ``index``. Raises :class:`RaceError` for the last one."""
    networks = [net for i, net in enumerate(experiment.contestants.values()) if i != index]
    if not networks:
        raise RaceError("A race needs at least one contestant.", "contestants")
    return _experiment(networks, experiment.recipe, experiment.dataset)


def with_recipe(experiment: Experiment, **fields: Any) -> Experiment:
    """The same contestants under a changed recipe. Raises :class:`RaceError` that names the field."""
    name = next(iter(fields), "recipe")
    try:
        recipe = Recipe.model_validate(experiment.recipe.model_dump() | fields)
        return Experiment.model_validate({**_plain(experiment), "recipe": recipe.model_dump()})
    except ValidationError as error:
        raise RaceError(_capital(sentence(error).replace(name, name.replace("_", " "), 1)), name) from error


def contestant_name(network: Network, taken: tuple[str, ...] = ()) -> str:
    """A short name that no other contestant has: "plain-56", "residual-20", else the network's own."""
    small = re.fullmatch(r"tiny_(plain|resnet)(\d+)", network.name)
    if small:
        kind = "plain" if network.is_plain else "residual"
        name = f"{kind}-{network.depth}"
    else:
        name = network.name.replace("/", "-").strip()[:MAX_NAME] or "network"
    base, count = name, 2
    while name in taken:
        tail = f" ({count})"
        name, count = base[: MAX_NAME - len(tail)] + tail, count + 1
    return name


def read_address(params: Mapping[str, str]) -> Address:
    """What ``?x=`` and ``?run=`` say. ``x`` may also hold a network: then it races its twin."""
    run, problem = params.get("run") or None, None
    if run is not None and not _RUN.fullmatch(run):
        run, problem = None, "The address names a run in a form that no run has."
    text = params.get("x")
    if not text:
        return Address(run=run, problem=problem)
    try:
        thing = decode(text)
        if isinstance(thing, Network):
            race, changes = start_from(thing)
        elif isinstance(thing, Comparison):
            raise ShareError("This link holds a comparison, not a race: open it on the Compare page.")
        else:
            race, changes = _buildable(thing), ()
        return Address(race, changes, run, problem)
    except (ShareError, RaceError) as error:
        return Address(run=run, problem=str(error))


def read_file(data: bytes) -> tuple[Experiment, tuple[str, ...]]:
    """The race of a spec file, and the changes that took; a network races its twin. Raises :class:`RaceError`."""
    try:
        thing = read_spec(data)
    except SpecError as error:
        raise RaceError(str(error), "file") from error
    if isinstance(thing, Comparison):
        raise RaceError("This file holds a comparison, not a race: open it on the Compare page.", "file")
    return start_from(thing) if isinstance(thing, Network) else (_buildable(thing), ())


def write_address(experiment: Experiment, run: str | None = None) -> dict[str, str]:
    """The query of the page's URL. A run carries its experiment itself, so ``x`` is left out beside it.

    So it is for a race that is too large for a link.
    """
    if run is not None:
        return {"run": run}
    try:
        return {} if experiment == default_experiment() else {"x": encode(experiment)}
    except ShareError:
        return {}


def preset_of(network: Network, dataset: str | OwnImages = DATASET) -> str | None:
    """The preset that was fitted into this contestant, or None when it is somebody's own."""
    if network.name in presets() and fit_to_dataset(preset(network.name), dataset)[0] == network:
        return network.name
    return None


def _fitted(network: Network, dataset: str | OwnImages) -> tuple[Network, tuple[str, ...]]:
    fitted, changes = fit_to_dataset(network, dataset)
    for problem in problems(fitted):
        raise RaceError(problem.message, "contestants")
    return fitted, changes


def _experiment(networks: list[Network], recipe: Recipe, dataset: str | OwnImages) -> Experiment:
    contestants: dict[str, Network] = {}
    for network in networks:
        contestants[contestant_name(network, tuple(contestants))] = network
    try:
        return Experiment(contestants=contestants, dataset=dataset, recipe=recipe)
    except ValidationError as error:
        raise RaceError(_capital(sentence(error)), "contestants") from error


def _buildable(experiment: Experiment) -> Experiment:
    for network in experiment.contestants.values():
        for problem in problems(network):
            raise RaceError(problem.message, "contestants")
    return experiment


def _plain(experiment: Experiment) -> dict[str, Any]:
    return {"contestants": experiment.contestants, "dataset": experiment.dataset}


def _capital(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith(".") else text + "."
