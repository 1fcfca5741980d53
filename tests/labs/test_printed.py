"""What a run prints is the same wherever its findings lie: in this process, in a store, in a recording."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resnet_viz.labs import Lab, Observation, labs, observe, queue, recording, run_lab
from resnet_viz.labs import catalogue as catalogue_module
from resnet_viz.labs.bench import Bench
from resnet_viz.labs.execution import execute
from resnet_viz.labs.recorded import load, save
from resnet_viz.runs import Store
from resnet_viz.runs.liveness import process_identity
from tests.labs.printed import of

ADDED = ("seed", "t", "cpu")
"""What the frame adds to a finding."""


def replayed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The lab, which measures what its recorded run has found, and takes no time for it."""
    known = recording(lab.slug)
    assert known is not None

    def measure(bench: Bench, seed: int) -> Iterator[dict[str, Any]]:
        for one in known.findings:
            if one["seed"] == seed:
                yield {name: value for name, value in one.items() if name not in ADDED}

    made = replace(lab, measure=measure)
    monkeypatch.setattr(catalogue_module, "labs", lambda: (made,))
    return made


def stored(lab: Lab, directory: Path) -> Observation:
    """Run it as the worker does, and read it from a store that is opened anew."""
    store = Store(directory)
    run = queue(store, lab, (0,))
    assert store.claim(run, *process_identity())
    assert execute(store, run) == "finished"
    return observe(Store(directory), run)


def words(seen: Observation) -> list[Any]:
    """Every text that is printed of it but where it is from."""
    return [*of(seen), str(seen.explanation), seen.agreement, seen.table(), seen.verdict, seen.lab.setting]


def printed(lab: Lab, directory: Path) -> tuple[list[Any], list[Any], list[Any]]:
    """What is printed of one run here, of one in a store, and of the first as a recording."""
    here = run_lab(lab, (0,), "cpu")
    path = save(here, directory / "one.json")
    return words(here), words(stored(lab, directory)), words(load(path))


@pytest.mark.parametrize("slug", [lab.slug for lab in labs()])
def test_store_and_recording_print_the_same(slug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lab,) = [one for one in labs() if one.slug == slug]
    here, from_store, recorded = printed(replayed(lab, monkeypatch), tmp_path)
    assert here == from_store == recorded


def test_so_they_do_for_what_was_measured_just_now(tmp_path: Path) -> None:
    (lab,) = [one for one in labs() if one.slug == "lazy"]
    here, from_store, recorded = printed(lab, tmp_path)
    assert here == from_store == recorded
