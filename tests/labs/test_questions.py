"""What single labs measure, against counts and computations from elsewhere."""

from __future__ import annotations

import pytest

from resnet_viz.inspect import summarize
from resnet_viz.labs import Observation, run_lab
from resnet_viz.labs.questions.table_one import vgg19
from resnet_viz.spec import preset


@pytest.fixture(scope="module")
def counted() -> Observation:
    return run_lab("table-1", (5, 6))


def test_table_1_prints_published_counts(counted: Observation) -> None:
    assert counted.seeds == (0,), "nothing is random, so there is one repeat"
    assert {name: f"{counted.numbers[f'resnet{name}_params']:count}" for name in (18, 34, 50, 101, 152)} == {
        18: "11,689,512", 34: "21,797,672", 50: "25,557,032", 101: "44,549,160", 152: "60,192,808",
    }  # fmt: skip
    # He 2016a, Table 1: 1.8, 3.6, 3.8, 7.6, 11.3 G, cut or rounded to one decimal
    paper = {18: 1.8, 34: 3.6, 50: 3.8, 101: 7.6, 152: 11.3}
    for name, printed in paper.items():
        assert counted.numbers[f"resnet{name}_macs_paper"].median / 1e9 == pytest.approx(printed, abs=0.07)
    assert counted.verdict == "present"


def test_the_stages_add_up_to_the_network(counted: Observation) -> None:
    for one in counted.findings[:-1]:
        summary = summarize(preset(one["net"]))
        assert sum(row["macs"] for row in one["stages"]) == summary.macs == one["macs"]
        assert sum(row["params"] for row in one["stages"]) == summary.params


def test_vgg_19_is_counted_as_the_papers_have_it() -> None:
    macs, params = vgg19()
    assert params == 143_667_240  # torchvision
    assert round(macs / 1e9, 1) == 19.6  # He 2016a, Sect. 3.3
