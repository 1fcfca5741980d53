"""The labs on gates, lesions, identity and softmax: their numbers once more, from the findings of the recorded runs and
from formulas, without the labs' own code."""

from __future__ import annotations

import math
from statistics import median
from typing import Any

import pytest
import torch

from resnet_viz.draw.wording import percent
from resnet_viz.labs import Observation, recording, run_lab
from resnet_viz.labs.bench import Bench
from resnet_viz.labs.questions import gates, identity, lesion, softmax_twice

SLUGS = ("gates", "lesion", "identity", "softmax-twice")


def recorded(slug: str) -> Observation:
    found = recording(slug)
    assert found is not None
    return found


def by_seed(seen: Observation, **fields: Any) -> list[list[dict[str, Any]]]:
    """The findings that have these fields, one list for each repeat."""
    chosen = [one for one in seen.findings if all(one.get(name) == value for name, value in fields.items())]
    return [[one for one in chosen if one["seed"] == seed] for seed in seen.seeds]


@pytest.mark.parametrize("slug", SLUGS)
def test_the_recorded_run_shows_what_the_lab_promises(slug: str) -> None:
    seen = recorded(slug)
    assert seen.seeds == (0, 1, 2)
    assert seen.verdict == seen.lab.expected == "present"
    assert sum(verdict == "present" for verdict in seen.lab.verdicts(seen.findings).values()) >= 2


def test_gates_are_those_of_the_stored_run() -> None:
    seen = recorded("gates")
    ends = {
        name: tuple(rows[-1]["train_error"] for rows in by_seed(seen, net=name, epoch=8))
        for name in ("identity", "both_0", "both_3", "both_6", "half", "conv")
    }
    for name, values in ends.items():
        assert seen.numbers[f"{name}_train"].values == values
        assert percent(median(values)) in (seen.explanation or "") or name == "half"
    gaps = tuple(zero - six for zero, six in zip(ends["both_0"], ends["both_6"], strict=True))
    assert seen.numbers["closing"].values == gaps
    for name, bias in (("both_0", 0), ("both_1", -1), ("both_3", -3)):
        for (first,) in by_seed(seen, net=name, moment="start"):
            carried = 1.0
            for gate in first["gates"]:
                carried *= 1 - gate
            assert first["share"] == pytest.approx(carried, rel=1e-2)
            # W x is small at first, so that the mean gate is near sigmoid(bias)
            assert sum(first["gates"]) / 27 == pytest.approx(1 / (1 + math.exp(-bias)), rel=0.2)


def test_an_open_highway_is_the_residual_net_to_the_last_bit() -> None:
    assert gates.opened(Bench("cpu"), seed=5) == 0.0
    assert all(opened["opened"] == 0.0 for opened in recorded("gates").findings if "opened" in opened)


def test_lesions_are_those_of_the_stored_run() -> None:
    seen = recorded("lesion")
    for net in ("plain", "residual", "dropped"):
        means, worst, stale, five = [], [], [], []
        for rows in by_seed(seen, net=net):
            single = {tuple(row["blocks"]): row for row in rows if len(row.get("blocks", ())) == 1}
            assert list(single) == [(number,) for number in range(1, 16)]
            means.append(sum(row["error"] for row in single.values()) / 15)
            worst.append(max(row["error"] for row in single.values()))
            stale.append(sum(row["stale"] for row in single.values()) / 15)
            drawn = [row["error"] for row in rows if len(row.get("blocks", ())) == 5]
            five.append(sum(drawn) / len(drawn))
        for name, values in (("mean", means), ("worst", worst), ("stale", stale), ("several_5", five)):
            assert seen.numbers[f"{net}_{name}"].values == pytest.approx(values, abs=1e-9)
    chance = [{tuple(row["blocks"]) for row in rows if len(row.get("blocks", ())) > 1} for rows in by_seed(seen)]
    assert len(chance[0]) > 8, "the draws differ"
    assert chance[0] != chance[1], "each repeat draws its own"


def test_fits_are_those_of_the_stored_run() -> None:
    seen = recorded("identity")
    for name, steps in (("one_plain_batch", 200), ("one_skip_batch", 200), ("nine_skip_batch", 150)):
        values = tuple(row["error"] for rows in by_seed(seen, fit=name, step=steps) for row in rows)
        assert seen.numbers[name].values == values
    zero = [row["error"] for row in seen.findings if row.get("fit", "").endswith("_zero")]
    assert zero
    assert set(zero) == {0.0}, "branches that are zero give back the input exactly, and stay so"
    plain = [row for rows in by_seed(seen, net="plain", scale=0.0) for row in rows]
    assert all(row["spread"] == 0 for row in plain), "nothing passes a plain net whose branches are zero"
    residual = [row for rows in by_seed(seen, net="residual", scale=0.0) for row in rows]
    assert all(row["chain"] == 0 and row["spread"] > 0.01 for row in residual)
    # The mean square of a ReLU of noise is 1/2 and its mean 1 / sqrt(2 pi), so its deviation over its norm is:
    assert seen.numbers["mean"].median == pytest.approx(math.sqrt(1 - 1 / math.pi), abs=0.01)


def test_the_losses_are_those_of_the_stored_run() -> None:
    seen = recorded("softmax-twice")
    for name in ("residual_batch_xavier_once", "plain_batch_xavier_twice"):
        for rows in by_seed(seen, case=name):
            losses = [loss for row in rows for loss in row.get("losses", ())]
            assert len(losses) == 96, "each step's loss is there once"
    first = {
        softmax: [rows[0]["gradient"] for rows in by_seed(seen, case=f"residual_batch_xavier_{softmax}", epoch=0)]
        for softmax in ("once", "twice")
    }
    ratios = [once / twice for once, twice in zip(first["once"], first["twice"], strict=True)]
    assert seen.numbers["residual_xavier_shrink"].values == pytest.approx(ratios)
    twice = [row["losses"] for row in seen.findings if "_twice" in row["case"] and row.get("losses")]
    assert min(min(losses) for losses in twice) >= softmax_twice.FLOOR


def test_the_floor_of_two_softmaxes_is_where_the_right_class_has_everything() -> None:
    scores = torch.full((1, 10), -1e4)
    scores[0, 3] = 1e4
    loss = torch.nn.functional.cross_entropy(scores.softmax(1), torch.tensor([3]))
    assert float(loss) == pytest.approx(softmax_twice.FLOOR, abs=1e-6)
    assert f"{softmax_twice.FLOOR:.3f}" == "1.461"


SMALL: dict[str, tuple[Any, dict[str, Any]]] = {
    "gates": (gates, {"DEPTH": 8, "BLOCKS": 3, "EPOCHS": 1}),
    "lesion": (lesion, {"DEPTH": 14, "BLOCKS": 6, "EPOCHS": 1, "SWAPS": 1, "DRAWS": 1}),
    "identity": (identity, {"DEPTH": 8, "EPOCHS": 1, "STEPS": {1: 10, 9: 10}}),
    "softmax-twice": (softmax_twice, {"DEPTH": 8, "EPOCHS": 1}),
}


@pytest.mark.long
@pytest.mark.parametrize("slug", SLUGS)
def test_a_small_run_fills_text_table_and_pictures(slug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, settings = SMALL[slug]
    for name, value in settings.items():
        monkeypatch.setattr(module, name, value)
    seen = run_lab(slug, (4,), "cpu")
    assert seen.verdict is not None
    assert seen.explanation
    assert seen.table()
    for picture in (seen.lab.figure, *seen.lab.views.values()):
        assert picture(seen.findings, "dark").data
    if slug == "gates":
        assert seen.numbers["opened"].values == (0.0,)
