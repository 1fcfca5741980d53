"""What words on the command line name: a network, an experiment, a data set, a run; and options of several commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..spec import (
    DATASETS,
    Comparison,
    Experiment,
    Network,
    OwnImages,
    Recipe,
    SpecError,
    decode,
    fit_to_dataset,
    preset,
    presets,
    read_spec,
)
from ..spec.datasets import OWN
from ..spec.files import MAX_FILE
from .terminal import err

if TYPE_CHECKING:
    from ..runs import Run

Deterministic = Annotated[
    bool, typer.Option("--deterministic", help="Only algorithms that repeat themselves bit for bit (slower on a GPU).")
]
Store = Annotated[Path | None, typer.Option("--store", help="Directory of the runs (default: RESNET_VIZ_HOME).")]


def read(text: str) -> Network | Experiment:
    """A network or experiment from a preset's name, a share text, or a JSON file. Raises a refusal."""
    if text in presets():
        return preset(text)
    if not text.endswith(".json"):
        if re.match(r"[a-z]\d\.", text):
            return _no_comparison(decode(text), "link")
        raise SpecError(f"{text[:60]!r} is no preset, no share text and no .json file: `presets` lists the presets.")
    path = Path(text)
    if path.stat().st_size > MAX_FILE:
        raise SpecError(f"{path.name} is larger than {MAX_FILE:,} bytes: that is no spec file.")
    return _no_comparison(read_spec(path.read_bytes()), "file")


def _no_comparison(thing: Network | Experiment | Comparison, where: str) -> Network | Experiment:
    if isinstance(thing, Comparison):
        raise SpecError(f"this {where} holds a comparison: open it on the Compare page, or name one network.")
    return thing


def contest(networks: list[str], recipe: dict[str, Any], dataset: str | None = None) -> Experiment:
    """The experiment that the arguments name. Raises a refusal."""
    found = [read(text) for text in networks]
    if len(found) == 1 and isinstance(found[0], Experiment):
        if dataset is not None:
            raise SpecError("An experiment file says its data set itself: leave --dataset out.")
        merged = found[0].recipe.model_dump() | recipe
        return Experiment(contestants=found[0].contestants, dataset=found[0].dataset, recipe=Recipe(**merged))
    data = _data(dataset or "digits")
    contestants: dict[str, Network] = {}
    for net in found:
        if isinstance(net, Experiment):
            raise SpecError("An experiment file stands alone: name either one experiment or several networks.")
        fitted, changes = fit_to_dataset(net, data)
        if changes:
            err.print(f"{net.name}: " + "; ".join(changes), style="yellow", markup=False, highlight=False)
        name = net.name if net.name not in contestants else f"{net.name} ({len(contestants) + 1})"
        contestants[name] = fitted
    return Experiment(contestants=contestants, dataset=data, recipe=Recipe(**recipe))


def _data(name: str) -> str | OwnImages:
    """The data set of that name: the package's, or with "own:" before it somebody's own. Raises ``SpecError``."""
    if name in DATASETS:
        return name
    from ..data.own_images import known, own_images

    if name.startswith(OWN):
        return own_images(name.removeprefix(OWN))
    names = ", ".join([*DATASETS, *(own.info.name for own in known())])
    raise SpecError(f"there is no data set {name[:40]!r}: use one of {names}.")


def find_run(run: str, store: Path | None) -> Run:
    """The run that a word on the command line names. Raises ``SpecError`` with those that there are."""
    from ..runs import open_runs

    runs = open_runs(store)
    ids = [one.id for one in runs.list() if one.row.task is None]
    found = ids[:1] if run == "last" else [i for i in ids if i.startswith(run)]
    if len(found) != 1:
        known = ", ".join(ids[:5]) or "none yet; `train` makes one"
        raise SpecError(f"{run[:40]!r} names {'no run' if not found else 'several runs'}; the newest are: {known}.")
    return runs.get(found[0])
