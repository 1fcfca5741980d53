"""The pictures and the table of a comparison say what the summaries say; nobody's name becomes markup."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from torch import nn

from resnet_viz.draw.accuracy import AXES, Mark, accuracy_figure, accuracy_rows, accuracy_text, other_networks
from resnet_viz.draw.colours import PALETTE, Theme
from resnet_viz.draw.compare_table import axes, effective, lines, what_differs
from resnet_viz.draw.compare_words import differing, headline
from resnet_viz.draw.contestants import Contestant, change, contestants, labels
from resnet_viz.draw.cost_bars import PATTERN, bars_by_part, cost_bars, cost_bars_text, cost_rows
from resnet_viz.draw.published import Protocol, best_protocol, protocol_of, protocols, published
from resnet_viz.draw.wording import NBSP
from resnet_viz.inspect import summarize
from resnet_viz.nn import build
from resnet_viz.spec import Block, Input, Network, Stage, preset, preset_info, presets
from tests.strategies import networks

BROKEN = preset("resnet18").model_copy(update={"name": "too small", "input": Input(channels=3, height=2, width=2)})
HOSTILE = "<b>%{x}</b> & **me**"


def made(*names: str) -> tuple[Contestant, ...]:
    return contestants([preset(name) for name in names], summarize)


def cells(compared: tuple[Contestant, ...], label: str) -> list[tuple[str, bool, str]]:
    row = next(row for row in lines(compared, 32) if row.label == label)
    return [(cell.text, cell.differs, cell.change) for cell in row.cells]


# -- who is who -------------------------------------------------------------------------------------------


def test_equal_names_are_told_apart() -> None:
    networks = [Network(name=name) for name in ("a", "b", "a", "a (1)", "a")]
    assert labels(networks) == ("a (2)", "b", "a (3)", "a (1)", "a (4)")


def test_plain_and_residual_have_their_colours_and_the_others_take_the_next() -> None:
    compared = made("resnet50", "resnext50_32x4d", "plain34", "plain18")
    assert [(one.role, one.glyph) for one in compared] == [
        ("residual", "■"), ("third", "◆"), ("plain", "●"), ("fourth", "▲"),
    ]  # fmt: skip


def test_a_network_that_cannot_be_built_has_its_sentence() -> None:
    (one,) = contestants([BROKEN], summarize)
    assert one.summary is None and one.problem.startswith("The stem divides the size by 4, but the input is only 2 x 2")


@pytest.mark.parametrize(
    ("value", "text"),
    [(100, ""), (103.46, "+3.5 %"), (99.98, "−0.02 %"), (250, "+150 %"), (1000, "10 ×"), (1, "−99 %")],
)
def test_changes(value: float, text: str) -> None:
    assert change(value, 100) == text.replace(" ", NBSP)


# -- table ------------------------------------------------------------------------------------------------


def test_totals_are_the_summaries_and_differences_are_marked() -> None:
    compared = made("resnet50", "resnext50_32x4d")
    assert cells(compared, "parameters") == [("25,557,032", False, ""), ("25,028,904", True, f"−2.1{NBSP}%")]
    assert cells(compared, "multiply-adds, conv + linear")[1] == ("4,230,479,872", True, f"+3.5{NBSP}%")
    assert cells(compared, "multiply-adds, torchinfo's total")[0][0] == "4,089,238,376"
    assert cells(compared, "depth, layers") == [("50", False, "")] * 2
    assert cells(compared, "blocks a stage") == [("3 · 4 · 6 · 3", False, "")] * 2
    assert what_differs(lines(compared, 1)) == ("cardinality", "base width")


def test_an_idle_field_marks_nothing_but_a_shortcut_is_worth_saying() -> None:
    compared = made("plain34", "resnet34")
    assert what_differs(lines(compared, 1)) == ("merge", "shortcut")
    assert cells(compared, "shortcut") == [("-", False, ""), ("B", True, "")]
    assert cells(compared, "alpha") == [("-", False, ""), ("1", False, "")]
    assert cells(made("resnet18", "highway_19"), "cardinality") == [("1", False, ""), ("-", False, "")]


def test_errors_of_different_protocols_are_never_marked_against_each_other() -> None:
    compared = made("resnet50", "resnext50_32x4d", "resnet34")
    assert cells(compared, "published error") == [
        ("22.85 %, ImageNet top-1, 10-crop", False, ""), ("22.20 %, ImageNet top-1, 1-crop", False, ""),
        ("24.52 %, ImageNet top-1, 10-crop", True, ""),
    ]  # fmt: skip


def test_a_failing_network_has_its_axes_and_no_totals() -> None:
    for order in ((preset("resnet18"), BROKEN), (BROKEN, preset("resnet18"))):
        compared = contestants(order, summarize)
        assert ("-", False, "") in cells(compared, "parameters")
        assert next(row for row in lines(compared, 1) if row.label == "parameters").stays
        assert what_differs(lines(compared, 1)) == ("input",)


def test_effective_values_are_compared() -> None:
    """What the model leaves open reads as what it becomes, so that equal networks are equal."""
    said = Block(branch="bottleneck", width=64, expansion=4, base_width=64, projection_norm=True)
    left = Block(branch="bottleneck", width=64)
    assert axes(Network(stages=(Stage(block=said),))) == axes(Network(stages=(Stage(block=left),)))
    different = axes(preset("cifar_resnet20"))
    assert (different["width"], different["stride of the stages"]) == ("16 · 32 · 64", "1 · 2 · 2")


def test_what_a_bare_stem_or_listed_paths_leave_out_reads_as_a_dash() -> None:
    bare = axes(preset("resnetv2_50"))
    assert [bare[f"stem {name}"] for name in ("norm", "activation", "activated", "bias")] == ["-", "-", "no", "no"]
    highway = axes(preset("highway_19"))
    idle = ("width", "expansion", "cardinality", "base width", "form", "projection norm", "stride on")
    assert [highway[name] for name in idle] == ["-"] * len(idle)
    assert (highway["bias"], highway["stem bias"], highway["norm"]) == ("yes", "yes", "none")


@settings(max_examples=30, deadline=None)
@given(networks())
def test_biases_and_the_stem_are_those_of_the_built_module(network: Network) -> None:
    module, told = build(network, "meta"), axes(network)
    layers = dict(module.named_children())
    assert (told["stem norm"] in ("-", "none")) == ("bn1" not in layers)
    assert (told["stem activation"] == "-") == ("relu" not in layers)
    assert (told["stem bias"] == "yes") == (module.get_submodule("conv1").bias is not None)
    for i, stage in enumerate(network.stages, 1):
        for j, block in enumerate(stage.each):
            found = effective(block)
            unit = module.get_submodule(f"layer{i}.{j}")
            names = [n for n, layer in unit.named_modules() if isinstance(layer, nn.Conv2d)]
            main = [n for n in names if not n.startswith(("se.", "gate."))]
            assert {unit.get_submodule(n).bias is not None for n in main} == {found["bias"] == "yes"}
            assert found["projection norm"] != "-" or "downsample.1" not in dict(unit.named_modules())


# -- words ------------------------------------------------------------------------------------------------


def test_the_headline_is_computed() -> None:
    pair = made("resnet50", "resnext50_32x4d")
    told = f"Against resnet50, resnext50_32x4d has 2.1{NBSP}% fewer parameters and 3.5{NBSP}% more multiply-adds."
    assert headline(pair) == told
    twins = made("tiny_plain56", "tiny_resnet56")
    assert headline(twins) == "Against tiny_plain56, tiny_resnet56 has as many parameters and as many multiply-adds."
    many = made("resnet50", "resnext50_32x4d", "plain34")
    assert headline(many) == (
        f"21.6{NBSP}M (plain34) to 25.6{NBSP}M (resnet50) parameters; "
        f"3.64{NBSP}G (plain34) to 4.23{NBSP}G (resnext50_32x4d) multiply-adds."
    )
    assert headline(pair[:1]) == ""


def test_what_differs_is_said() -> None:
    assert differing(lines(made("resnet50", "resnet50"), 1)) == "No axis differs: they are the same network."
    assert differing(lines(made("resnet50", "resnext50_32x4d"), 1)) == "They differ in cardinality and base width."
    many = differing(lines(made("resnet50", "cifar_resnet20"), 1))
    assert many.startswith("They differ in input, stem width, stem kernel, stem stride, stem pool and ")


# -- bars -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("cost", ["parameters", "multiply-adds"])
def test_bars_add_up_and_share_one_scale(cost: Any, theme: Theme) -> None:
    compared = made("resnet50", "resnext50_32x4d", "cifar_resnet20")
    groups = bars_by_part(compared)
    assert list(groups) == ["stem", "stage 1", "stage 2", "stage 3", "stage 4", "head"]
    assert [one.label for one, _ in groups["stage 4"]] == ["resnet50", "resnext50_32x4d"]
    figure = cost_bars(compared, cost, theme)
    assert len(figure.data) == 3 * 6 - 1
    lengths = [bar.x[0] for bar in figure.data]
    assert max(lengths) == 1
    assert {bar.marker.color for bar in figure.data} == {PALETTE[theme][one.role] for one in compared}
    assert {bar.marker.pattern.shape for bar in figure.data} == {PATTERN[one.role] for one in compared}
    totals = [summarize(one.network).params if cost == "parameters" else summarize(one.network).macs
              for one in compared]  # fmt: skip
    rows = cost_rows(compared, cost)
    for one, total in zip(compared, totals, strict=True):
        numbers = [int(row[one.label].replace(",", "")) for row in rows if row[one.label] != "-"]
        assert sum(numbers) == total
    assert cost_bars_text(compared, cost).startswith(f"{cost.capitalize()} by part. stem: resnet50 ")


def test_a_name_is_no_markup_in_a_figure() -> None:
    network = preset("tiny_resnet8").model_copy(update={"name": HOSTILE})
    compared = contestants([network], summarize)
    told = str(cost_bars(compared, "parameters").to_dict())
    told += str(accuracy_figure([Mark(HOSTILE, dict.fromkeys(AXES, 10), 5.0, "third")], "memory").to_dict())
    told += str(accuracy_figure([Mark(HOSTILE, dict.fromkeys(AXES, 10), None, "third")], "memory").to_dict())
    assert "<b>%{x}" not in told and "&lt;b&gt;% {x}" in told


def test_no_network_that_can_be_built_is_an_empty_figure() -> None:
    assert len(cost_bars(contestants([BROKEN], summarize), "parameters").data) == 0


# -- published figures ------------------------------------------------------------------------------------


ONE_CROP, TEN_CROP = Protocol("ImageNet", "1-crop"), Protocol("ImageNet", "10-crop")


@pytest.mark.parametrize(
    ("words", "dataset", "told"),
    [
        ("ImageNet top-1, 10-crop, Tables 2 and 3", "", "ImageNet top-1, 10-crop"),
        ("top-1, 1-crop, Table 3", "ImageNet", "ImageNet top-1, 1-crop"),
        ("ImageNet top-1, 1-crop, torchvision's weights IMAGENET1K_V1", "ImageNet",
         "ImageNet top-1, 1-crop, torchvision's weights"),
        ("CIFAR-10 test, Table 6", "", "CIFAR-10 test, number of runs not told"),
        ("CIFAR-10 test, Table 6, best of 5 (mean 6.61 +- 0.16)", "", "CIFAR-10 test, best of several runs"),
        ("CIFAR-10 test, median of 5, batch 64", "", "CIFAR-10 test, median of several runs"),
        ("mean of 10", "CIFAR-100", "CIFAR-100 test, mean of several runs"),
        ("CIFAR-10 test, mean/std preprocessing", "", "CIFAR-10 test, number of runs not told, mean/std preprocessing"),
        ("CIFAR-10 test, ZCA whitening", "", "CIFAR-10 test, number of runs not told, ZCA whitening"),
        ("ImageNet top-1, somehow", "", "ImageNet top-1, ImageNet top-1, somehow"),
        ("", "", "Unknown data, test, unknown protocol"),
    ],
)  # fmt: skip
def test_protocols(words: str, dataset: str, told: str) -> None:
    assert str(protocol_of(words, dataset)) == told


def test_every_published_figure_is_in_its_group() -> None:
    groups = protocols()
    listed = {name for names in groups.values() for name in names}
    assert listed == {name for name in presets() if preset_info(name).published_error is not None}
    assert "resnet50" in groups[TEN_CROP] and "resnext50_32x4d" in groups[ONE_CROP]
    assert not set(groups[TEN_CROP]) & set(groups[ONE_CROP])
    for protocol, names in groups.items():
        for name in names:
            figure = published(name)[protocol]
            assert figure.error > 0 and any("arXiv" in line for line in figure.source)
    assert next(iter(groups)).dataset == "ImageNet"


def test_the_main_figure_of_a_preset_is_its_first() -> None:
    for name in presets():
        assert next(iter([p.error for p in published(name).values()]), None) == preset_info(name).published_error
    assert published("my own") == {}


def test_the_protocol_with_most_compared_figures_is_shown_first() -> None:
    assert best_protocol(["resnet50", "resnet34", "resnext50_32x4d"]) == TEN_CROP
    assert best_protocol(["cifar_resnet20"]) == Protocol("CIFAR-10", "number of runs not told")
    assert best_protocol([""]) in protocols()


MARKS = (
    Mark("resnet50", {"parameters": 25_557_032, "multiply-adds": 4_089_184_256, "memory": 10**9}, 22.85, "residual",
         ("He et al. 2016a", "10-crop")),
    Mark("resnet18", {"parameters": 11_689_512, "multiply-adds": 1_814_073_344, "memory": 5 * 10**8}, 27.88),
    Mark("mine", {"parameters": 20_000_000, "multiply-adds": 3_000_000_000, "memory": 7 * 10**8}, None, "third"),
)  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("axis", AXES)
def test_points_lines_and_sources(axis: Any, theme: Theme) -> None:
    figure = accuracy_figure(MARKS, axis, theme)
    points = [trace for trace in figure.data if trace.mode == "markers"]
    (line,) = [trace for trace in figure.data if trace.mode == "lines"]
    assert [(trace.x[0], trace.y[0]) for trace in points] == [(m.costs[axis], m.error) for m in (MARKS[1], MARKS[0])]
    assert points[1].marker.size > points[0].marker.size and points[1].marker.symbol == "square"
    assert set(line.x) == {MARKS[2].costs[axis]} and line.line.dash == "dash"
    assert "no published figure of this protocol" in line.text[0]
    assert "He et al. 2016a<br>10-crop" in points[1].text[0]
    names = [note.text for note in figure.layout.annotations]
    assert "◆ mine" in names and "resnet50" in names
    assert not figure.layout.showlegend


def test_the_text_alternative_has_every_number() -> None:
    text = accuracy_text(MARKS, "parameters", "ImageNet top-1, 10-crop")
    assert text == (
        "Published error (ImageNet top-1, 10-crop) against parameters: resnet50 22.85 % at 25.6 M; resnet18 27.88 % at "
        "11.7 M. Without a figure of this protocol: mine at 20.0 M."
    )
    rows = accuracy_rows(MARKS)
    assert rows[0]["source"] == "He et al. 2016a; 10-crop" and rows[2]["published error"] == "none by this protocol"


def test_an_error_of_another_network_is_a_point_with_a_dot() -> None:
    costs = dict.fromkeys(AXES, 1000)
    marks = [Mark("a", costs, 5.0, "residual", error_of="with shortcut A"), Mark("b", costs, 6.0, None),
             Mark("c", costs, 7.0, None, error_of="with shortcut A")]  # fmt: skip
    figure = accuracy_figure(marks, "memory")
    assert {trace.y[0]: trace.marker.symbol for trace in figure.data} == {
        5.0: "square-open-dot", 6.0: "circle-open", 7.0: "circle-open-dot",
    }  # fmt: skip
    assert other_networks(marks) == ("a and c with shortcut A",)
    assert "a with shortcut A 5.00 % at" in accuracy_text(marks, "memory", "x")


def test_what_a_figure_is_of_is_data() -> None:
    told = {name: {p.measure: one.error_of for p, one in published(name).items()} for name in presets()}
    on_1x1 = "with the stride on the first 1x1"
    assert {name: told[name]["10-crop"] for name in presets() if "10-crop" in told[name]} == {
        "resnet18": "with shortcut A", "resnet34": "", "resnet50": on_1x1, "resnet101": on_1x1, "resnet152": on_1x1,
        "plain18": "", "plain34": "",
    }  # fmt: skip
    assert told["resnet50"]["1-crop, torchvision's weights"] == ""
    assert set(told["resnext29_8x64d"].values()) == {"pre-activated"}
    for name in presets():
        info = preset_info(name)
        assert not info.error_of or info.note, f"{name}: the note has to say so too"


def test_names_that_would_meet_are_left_to_hovering() -> None:
    crowd = [Mark(f"network{i}", dict.fromkeys(AXES, 1000 + i), 5.0 + i / 100) for i in range(30)]
    figure = accuracy_figure([*crowd, Mark("far", dict.fromkeys(AXES, 10**6), 9.0, "residual")], "parameters")
    names = [note.text for note in figure.layout.annotations]
    assert "far" in names and len(names) < 12


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^there is nothing to draw: no preset has a figure and no network is comp"):
        accuracy_figure([], "parameters")
