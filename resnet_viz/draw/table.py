"""The table of layers: a summary's rows, with repeated blocks folded into one line each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile

from resnet_viz.inspect.summary import Row, intensity


@dataclass(frozen=True)
class TableRow:
    """One line: a layer, or a run of blocks equal to the one above (``folded`` of them, 0 for a layer).

    ``intensity`` is in operations a byte at batch 1, 0 where there is no multiply-add.
    """

    layer: str
    operation: str
    output: str
    parameters: int
    macs: int
    receptive_field: int
    field_stride: int
    intensity: float
    folded: int = 0


def table_rows(
    rows: Sequence[Row], *, stage: int = 0, block: int = 0, every: bool = False,
    own: Collection[tuple[int, int]] = (),
) -> tuple[TableRow, ...]:  # fmt: skip
    """The lines for what is opened: the network, a stage, or a stage with one block that is never folded.

    Equal blocks that follow each other are one line, whose sums count all of them; ``every`` folds nothing. Blocks
    in ``own`` (stage and block from 1) differ from their stage, if only in what no line shows, and stay alone. Without
    a stage the lines' parameters and multiply-adds add up to the network's totals.
    """
    alone = {*own, (stage, block)}
    chosen = [row for row in rows if not stage or row.stage == stage]
    if every:
        return tuple(_line(row) for row in chosen)
    found: list[TableRow] = []
    blocks = [list(group) for _, group in groupby(chosen, key=lambda row: (row.stage, row.block))]
    at = 0
    while at < len(blocks):
        here = blocks[at]
        run = _run_length(blocks, at, alone)
        if here[0].block and (here[0].stage, here[0].block) != (stage, block) and _stands_folded(here, stage, block):
            found.append(_folded(blocks[at : at + run], None))
        else:
            found += [_line(row) for row in here]
            if run > 1:
                found.append(_folded(blocks[at + 1 : at + run], here))
        at += run
    return tuple(found)


def _stands_folded(here: list[Row], stage: int, block: int) -> bool:
    """With a block opened, all other blocks of its stage are one line a run."""
    return bool(stage and block) and here[0].stage == stage


def _run_length(blocks: list[list[Row]], at: int, alone: Collection[tuple[int, int]]) -> int:
    if not blocks[at][0].block or (blocks[at][0].stage, blocks[at][0].block) in alone:
        return 1
    end = at + 1
    while (
        end < len(blocks)
        and (blocks[end][0].stage, blocks[end][0].block) not in alone
        and blocks[end][0].block
        and _likeness(blocks[end]) == _likeness(blocks[at])
    ):
        end += 1
    return end - at


def _likeness(rows: Iterable[Row]) -> tuple[object, ...]:
    return tuple((row.stage, row.operation, row.shape, row.params, row.macs) for row in rows)


def _line(row: Row) -> TableRow:
    return TableRow(
        row.path, _short(row.operation), _shape(row.shape), row.params, row.macs, row.receptive_field,
        row.field_stride, row.intensity(),
    )  # fmt: skip


def _short(operation: str) -> str:
    """The words as the graph has them, so that a narrow column cuts none."""
    return operation.replace(" convolution", " conv").replace("stride ", "÷")


def _folded(run: list[list[Row]], like: list[Row] | None) -> TableRow:
    first, last = _block_path(run[0]), _block_path(run[-1])
    flat = [row for block in run for row in block]
    count = len(run)
    words = f"{count} more like {_block_path(like)}" if like else f"{count} equal blocks" if count > 1 else "1 block"
    return TableRow(
        first if first == last else f"{first} … {last}", words, _shape(flat[-1].shape), sum(row.params for row in flat),
        sum(row.macs for row in flat), flat[-1].receptive_field, flat[-1].field_stride, intensity(flat), count,
    )  # fmt: skip


def _block_path(rows: Sequence[Row]) -> str:
    """The deepest path that all layers of a block lie in."""
    names = [row.path.split(".")[:-1] for row in rows]
    same = takewhile(lambda here: len(set(here)) == 1, zip(*names, strict=False))
    return ".".join(here[0] for here in same)


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
