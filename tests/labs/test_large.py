"""Labs that run larger on CIFAR-10 say so: every text is that of what was run, wherever its findings lie."""

from __future__ import annotations

import inspect
import json
import re
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from resnet_viz.inspect import summarize
from resnet_viz.labs import VERDICTS, Lab, Observation, Verdict, find, labs, run_lab
from resnet_viz.labs import bench as bench_module
from resnet_viz.labs import catalogue as catalogue_module
from resnet_viz.labs.bench import Bench
from resnet_viz.labs.claims import ELSEWHERE, PROTOTYPE, claims, thresholds
from resnet_viz.labs.handout import handout
from resnet_viz.labs.notebook import notebook
from resnet_viz.labs.questions import bottleneck
from resnet_viz.labs.recorded import load, save
from resnet_viz.spec import OwnImages
from tests.labs.test_printed import stored, words
from tests.labs.test_recomputed import compare, compare_tables

SMALL_RUN = re.compile(
    r"digit|8 × 8|16 × 16|2 × 2\b|15 × 15|\b96\b|ninety-six|1,500|\b5,000|\b500 training|width 8\b|\b8 layers"
    r"|\b(?:4|8|20|four|eight) epochs|1\.6 to 1\.8",
    re.IGNORECASE,
)
"""What is true of the small runs only."""
LARGER = [pytest.param(lab, id=lab.slug) for lab in labs() if lab.large is not None]


def module(lab: Lab) -> Any:
    return sys.modules[lab.measure.__module__]


def made_up(lab: Lab, verdict: Verdict) -> list[dict[str, Any]]:
    invented = import_module(f"tests.labs.made_up.{module(lab).__name__.rpartition('.')[2]}")
    found: list[dict[str, Any]] = invented.LARGE[verdict]
    return found


def larger(lab: Lab, verdict: Verdict = "present") -> Observation:
    """A run of the larger lab that nobody made."""
    rows = [one | {"seed": seed} for seed in (0, 1) for one in made_up(lab, verdict)]
    return Observation(lab.at(large=True), (0, 1), tuple(rows), {"kind": "cuda", "name": "NVIDIA H100"})


def told(seen: Observation) -> list[str]:
    """What is said of the run itself, but for its numbers and the column of the prototypes."""
    lab = seen.lab
    rows = [row[key] for row in claims(seen) for key in row if key not in (ELSEWHERE, seen.name)]
    rows += [row["What decides"] for row in thresholds(seen)]
    guesses = [text for guess in lab.guesses.values() for text in (guess.prompt, *guess.choices.values())]
    return [lab.setting, lab.comparable, lab.explain[seen.verdict or "absent"], seen.origin, *rows, *guesses]


def test_every_lab_that_looks_for_more_images_has_texts_for_them() -> None:
    assert len(LARGER) >= 6
    for lab in labs():
        looks = re.search(r"bench\.(large|cifar10)", inspect.getsource(module(lab)))
        assert (looks is not None) == (lab.large is not None), lab.slug


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("lab", LARGER)
def test_a_larger_run_says_nothing_of_the_small_one(lab: Lab, verdict: Verdict) -> None:
    seen = larger(lab, verdict)
    assert seen.verdict == verdict
    for text in told(seen):
        assert not (found := SMALL_RUN.search(text)), f"{found}: {text}"
    compare(seen)
    compare_tables(seen)
    rows = claims(seen)
    assert not any(row["This run"] == "not measured" for row in rows)
    assert all(PROTOTYPE not in row for row in rows)
    assert any(row[ELSEWHERE] != "-" for row in rows)
    assert seen.figure().data


@pytest.mark.parametrize("lab", LARGER)
def test_its_setting_is_that_of_its_own_constants(lab: Lab) -> None:
    setting = lab.at(large=True).setting
    assert "CIFAR-10" in setting
    assert f"{module(lab).LARGE_EPOCHS} epochs" in setting
    assert "width 16" in setting
    assert larger(lab).origin.startswith("This run: CIFAR-10, NVIDIA H100")
    assert SMALL_RUN.search(lab.setting) and "CIFAR-10" not in lab.setting
    assert lab.beforehand == f"{lab.setting}\n\nOn a GPU of a machine that has CIFAR-10, it runs larger: {setting}"
    assert lab.beforehand in json.loads(notebook(lab))["cells"][0]["source"]


def test_what_the_bottleneck_costs_there_is_what_its_text_says() -> None:
    costs = [summarize(bottleneck.small(name, depth, block, large=True)).macs
             for name, (_, depth, block, _) in bottleneck.NETS.items()]  # fmt: skip
    said = f"{min(costs) / 1e6:.0f} to {max(costs) / 1e6:.0f} million multiply-adds"
    assert said in find("bottleneck").at(large=True).setting


def test_a_lab_without_a_larger_run_is_always_itself() -> None:
    lab = find("gates")
    assert lab.at(large=True) is lab
    assert lab.beforehand == lab.setting
    assert find("degradation").at(large=False) is find("degradation")


def test_the_handout_has_the_setting_of_the_run() -> None:
    seen = larger(find("degradation"))
    page = handout(seen).replace("&#x27;", "'")
    assert "32 × 32 pixels" in page and ELSEWHERE in page
    assert "1,500" not in re.sub(r"<div class='figure'>.*</div>", "", page, flags=re.DOTALL)


@pytest.mark.parametrize("slug", ["degradation", "gates"])
def test_store_and_recording_keep_whether_it_was_the_larger_run(
    slug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = find(slug)
    rows = larger(lab).findings if lab.large else import_module("tests.labs.made_up.gates").MADE_UP["present"]
    made = replace(lab, measure=lambda bench, seed: ({k: v for k, v in one.items() if k != "seed"}
                                                    for one in rows if one["seed"] == seed))  # fmt: skip
    monkeypatch.setattr(catalogue_module, "labs", lambda: (made,))
    monkeypatch.setattr(Bench, "large", True)
    here = run_lab(made, (0,), "cpu")
    there, again = stored(made, tmp_path), load(save(here, tmp_path / "one.json"))
    assert [one.lab.enlarged for one in (here, there, again)] == [lab.large is not None] * 3
    assert words(here) == words(there) == words(again)


@pytest.mark.parametrize(("changed", "taken"), [
    ({}, True), ({"train": 5_000}, False), ({"test": 1_000}, False), ({"train": 50_001}, False),
    ({"classes": 100}, False), ({"height": 16}, False), ({"channels": 1}, False),
])  # fmt: skip
def test_other_images_under_the_name_of_cifar10_are_not_taken_for_it(
    changed: dict[str, int], taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = {"channels": 3, "height": 32, "width": 32, "classes": 10, "train": 50_000, "test": 10_000} | changed
    images = OwnImages(name="cifar10", sha256="0" * 64, **shape)
    monkeypatch.setattr(bench_module, "own_images", lambda name: images if name == "cifar10" else None)
    bench = Bench("cpu")
    assert bench.cifar10 is None and not bench.large, "on a CPU labs stay small"
    bench = Bench("cpu")
    bench.device = torch.device("cuda")
    assert bench.cifar10 == (images if taken else None)
    assert bench.large == taken
