"""Bars and table: their numbers add up to the summary's totals."""

from __future__ import annotations

import pytest

from resnet_viz.draw.figures import (
    Part,
    parts,
    path_lengths,
    path_lengths_text,
    path_rows,
    where_it_sits,
    where_it_sits_text,
    where_rows,
)
from resnet_viz.draw.table import table_rows
from resnet_viz.draw.titles import amount
from resnet_viz.draw.wording import percent
from resnet_viz.inspect import Paths, summarize
from resnet_viz.spec import preset, presets


@pytest.mark.parametrize("name", presets())
def test_parts_and_table_add_up_to_the_totals(name: str) -> None:
    summary = summarize(preset(name))
    found = parts(summary.rows)
    assert [part.name for part in found] == ["stem", *(f"stage {i + 1}" for i in range(len(found) - 2)), "head"]
    for every in (False, True):
        rows = table_rows(summary.rows, every=every)
        assert sum(row.parameters for row in rows) == sum(part.params for part in found) == summary.params
        assert sum(row.macs for row in rows) == sum(part.macs for part in found) == summary.macs


def test_repeated_blocks_are_one_line() -> None:
    rows = table_rows(summarize(preset("cifar_resnet1202")).rows)
    assert len(rows) <= 31
    (fold,) = [row for row in rows if row.layer == "layer1.1 … layer1.199"]
    assert (fold.operation, fold.folded, fold.output) == ("199 more like layer1.0", 199, "16 × 32 × 32")


def test_the_opened_block_is_never_folded() -> None:
    summary = summarize(preset("resnet50"))
    rows = table_rows(summary.rows, stage=3, block=4)
    assert [row.layer for row in rows if row.folded] == ["layer3.0", "layer3.1 … layer3.2", "layer3.4 … layer3.5"]
    assert [row.operation for row in rows if row.folded] == ["1 block", "2 equal blocks", "2 equal blocks"]
    assert "layer3.3.conv2" in [row.layer for row in rows]
    assert sum(row.parameters for row in rows) == parts(summary.rows)[3].params


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (1000, "1.00 k"), (999_999, "1.00 M"), (14_450_688, "14.5 M"), (4_089_184_256, "4.09 G"),
     (10**15, "1,000 T")],
)  # fmt: skip
def test_amounts(value: int, text: str) -> None:
    assert amount(value) == text


def test_the_figure_says_what_its_text_says() -> None:
    rows = parts(summarize(preset("resnext50_32x4d")).rows)
    figure = where_it_sits(rows, "dark")
    bars = [list(bar.text) for bar in figure.data]
    assert bars[0] == ["9.54 k", "206 k", "1.20 M", "7.02 M", "14.5 M", "2.05 M"]
    text = where_it_sits_text(rows)
    assert text.startswith("Parameters and multiply-adds by part: stem 9.54 k and 118 M; stage 1 206 k and 634 M;")
    assert all(f"{a} and {b}" in text for a, b in zip(*bars, strict=True))
    assert max(figure.data[0].x) == max(figure.data[1].x) == 1


def test_no_parts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^a network has at least a stem and a head: there are no parts to draw$"):
        where_it_sits([])
    assert where_it_sits([Part("head", 0, 0)]).data[0].x == (0.006,)


def test_bars_of_path_lengths_are_the_shares() -> None:
    """54 blocks (Veit 2016): the bars that are left out have less than a thousandth of the highest one's share."""
    paths = summarize(preset("cifar_resnet110")).paths
    (bars,) = path_lengths(paths, "dark").data
    assert list(bars.y) == [paths.shares[k] for k in bars.x]
    assert sum(bars.y) > 0.999
    assert (bars.x[0], bars.x[-1]) == (14, 40)
    assert bars.customdata[13] == "11\u00a0% of the paths pass through 27 blocks"
    assert path_lengths_text(paths) == (
        "Number of blocks that the gradient's 2⁵⁴ paths pass through: mean 27.0, standard deviation 3.7; bars from 14 "
        "to 40."
    )


def test_a_plain_network_has_one_bar() -> None:
    paths = summarize(preset("tiny_plain20")).paths
    (bars,) = path_lengths(paths).data
    assert (list(bars.x), list(bars.y)) == ([9], [1.0])
    assert path_lengths_text(paths) == "One path, through all 9 blocks."


def test_no_path_is_refused() -> None:
    told = "^a block that multiplies both its ways by zero leaves no path: there are no lengths to draw$"
    with pytest.raises(ValueError, match=told):
        path_lengths(Paths(0, 0, 0, ()))


def test_lines_carry_stride_and_intensity() -> None:
    summary = summarize(preset("resnet50"))
    rows = {row.layer: row for row in table_rows(summary.rows)}
    assert (rows["conv1"].field_stride, rows["conv1"].intensity) == (2, summary.rows[0].intensity())
    assert rows["bn1"].intensity == 0
    fold = rows["layer3.2 … layer3.5"]
    inside = [row for row in summary.rows if row.stage == 3 and row.block > 2]
    read = 4 * sum(row.params + row.moved for row in inside)
    assert fold.field_stride == 16
    assert fold.intensity == pytest.approx(2 * fold.macs / read)


def test_the_numbers_of_both_pictures_are_their_bars() -> None:
    summary = summarize(preset("tiny_resnet20"))
    rows = parts(summary.rows)
    *lines, whole = where_rows(rows)
    assert [line["parameters"] for line in lines] == [f"{part.params:,}" for part in rows]
    assert whole == {"part": "together", "parameters": f"{summary.params:,}", "multiply-adds": f"{summary.macs:,}"}
    bars = path_lengths(summary.paths).data[0]
    assert [line["blocks passed through"] for line in path_rows(summary.paths)] == [str(k) for k in bars.x]
    assert [line["share of the paths"] for line in path_rows(summary.paths)] == [percent(y) for y in bars.y]
