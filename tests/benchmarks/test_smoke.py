"""The GPU's benchmarks work, tried on a CPU with made-up images; their figures mean nothing there."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks import curves, figure6, gpu
from resnet_viz.data.own_images import load
from resnet_viz.spec import OwnImages


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESNET_VIZ_HOME", str(tmp_path))
    load.cache_clear()


def test_figure_and_table_of_fig_6_are_written(tmp_path: Path) -> None:
    figure6.main(["--smoke", "--output", str(tmp_path / "out")])
    text = (tmp_path / "out" / "figure6.md").read_text()
    assert [line.split("|")[1:3] for line in text.splitlines() if line.startswith("| plain-")] == [[" plain-8 ", " 2 "]]
    assert "engine eager, fp32, batch 8" in text
    drawing = ET.fromstring((tmp_path / "out" / "figure6.svg").read_text())
    lines = drawing.findall("{http://www.w3.org/2000/svg}polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [2, 3, 2, 3]  # two epochs; three evaluations


def test_table_6_is_done_in_slices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--smoke", "--table6", "--store", str(tmp_path / "runs"), "--output", str(tmp_path / "out")]
    with pytest.raises(SystemExit, match="Call the same command again to go on"):
        figure6.main([*command, "--minutes", "0"])
    assert not (tmp_path / "out").exists()
    for _ in range(2):  # the second time there is nothing left to train
        figure6.main([*command, "--minutes", "9"])
    assert "| resnet-8 | 2 |" in (tmp_path / "out" / "table6.md").read_text()
    assert capsys.readouterr().out.count("1 of 1: finished") == 1


def test_the_races_are_the_papers() -> None:
    images = OwnImages(
        name="c", channels=3, height=32, width=32, classes=10, train=50_000, test=10_000, sha256="0" * 64
    )
    found = figure6.races(figure6.DEPTHS, ("plain", "resnet"), images, "cifar", epochs=10)
    assert [list(race.contestants) for race in found] == [
        ["plain-20", "resnet-20", "plain-32", "resnet-32"],
        ["plain-44", "resnet-44", "plain-56", "resnet-56"],
        ["plain-110", "resnet-110"],
    ]
    assert [race.recipe.warmup_steps for race in found] == [0, 0, 400]
    assert {name.rpartition("-")[2]: net.depth for race in found for name, net in race.contestants.items()} == {
        str(depth): depth for depth in figure6.DEPTHS
    }
    (shallow, deepest) = figure6.races(figure6.DEPTHS, ("resnet",), images, "cifar", epochs=164, schedule="step")
    assert len(shallow.contestants) == 4 and deepest.steps == 64_124


def test_curves_reach_the_corners() -> None:
    text = curves.drawn([curves.Curve("a", 8, True, [(0, 40), (2, 0)])], "a")
    assert 'points="46.0,90.0 446.0,314.0"' in text


def test_everything_is_compared_on_a_cpu(tmp_path: Path) -> None:
    found = gpu.main(["--smoke", "--output", str(tmp_path / "figures.json")])["tiny_resnet8"]
    assert {"graph, all telemetry", "graph, no telemetry", "race, graph", "race, eager"} <= set(
        found["images_per_second"]
    )
    assert all(value > 0 for value in found["images_per_second"].values())
    assert found["ratios"]["telemetry costs: with / without"][0] > 0
    assert (tmp_path / "figures.json").exists()
