"""The table of a comparison: totals and every axis, one column a network, differences from the first one marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from resnet_viz.inspect import Summary
from resnet_viz.spec import Network, Stem
from resnet_viz.spec.block import REFERENCE_WIDTH, Block
from resnet_viz.spec.twins import block_fields, stem_fields

from .contestants import Contestant, change
from .published import published
from .titles import amount
from .wording import listed, size

NONE = "-"
"""What a field says that does nothing in this network, and a total of a network that cannot be built."""


@dataclass(frozen=True)
class Cell:
    """One value as text; ``differs`` from the first network's; ``change`` is the relative difference of a number."""

    text: str
    differs: bool = False
    change: str = ""


@dataclass(frozen=True)
class Line:
    """One row: what it says, and a cell for each network. ``group`` is "cost" or "axis".

    ``stays`` is True where the row says something even with no cell marked.
    """

    group: str
    label: str
    cells: tuple[Cell, ...]
    stays: bool = False

    @property
    def differs(self) -> bool:
        """True where not all networks have the same."""
        return any(cell.differs for cell in self.cells)


def lines(compared: Sequence[Contestant], batch: int) -> tuple[Line, ...]:
    """All rows: totals, published error, then the axes, each stage's value where stages differ ("3 · 4 · 6 · 3").

    ``batch`` is the one that the summaries were made with: it names the row of memory.
    """
    return (*_totals(compared, batch), _published(compared), *_axes([one.network for one in compared]))


def what_differs(rows: Sequence[Line]) -> tuple[str, ...]:
    """Labels of the axes in which the networks differ, in order."""
    return tuple(row.label for row in rows if row.group == "axis" and row.differs)


# -- totals -----------------------------------------------------------------------------------------------


def _totals(compared: Sequence[Contestant], batch: int) -> list[Line]:
    counts: tuple[tuple[str, Callable[[Summary], int], Callable[[int], str]], ...] = (
        ("parameters", lambda s: s.params, _whole),
        ("multiply-adds, conv + linear", lambda s: s.macs, _whole),
        ("multiply-adds, torchinfo's total", lambda s: s.macs_torchinfo, _whole),
        (f"memory, training step at batch {batch}", lambda s: s.memory, size),
        ("activations, one image", lambda s: s.activations, amount),
        ("depth, layers", lambda s: s.depth, _whole),
        ("receptive field, pixels", lambda s: s.receptive_field, _whole),
    )
    rows = [
        _numbers(label, [count(one.summary) if one.summary else None for one in compared], words)
        for label, count, words in counts
    ]
    return [*rows, _numbers("blocks", [one.network.blocks for one in compared], _whole)]


def _whole(value: int) -> str:
    return f"{value:,}"


def _numbers(label: str, values: Sequence[int | None], words: Callable[[int], str]) -> Line:
    """The row of a total; it stays where one of them is not known, since then nobody can say that all are equal."""
    first = values[0]
    cells = tuple(
        Cell(NONE) if value is None else
        Cell(words(value)) if first is None else Cell(words(value), value != first, change(value, first))
        for value in values
    )  # fmt: skip
    return Line("cost", label, cells, stays=None in values)


def _published(compared: Sequence[Contestant]) -> Line:
    """Error and protocol as published. Only a figure of the first one's protocol is marked, and none is a ratio."""
    found = [next(iter(published(one.preset).values()), None) for one in compared]
    first = found[0]
    cells = tuple(
        Cell(NONE) if figure is None else
        Cell(f"{figure.error:.2f} %, {figure.protocol}",
             first is not None and figure.protocol == first.protocol and figure.error != first.error)
        for figure in found
    )  # fmt: skip
    return Line("cost", "published error", cells, stays=any(found))


# -- axes -------------------------------------------------------------------------------------------------


def _axes(networks: Sequence[Network]) -> list[Line]:
    columns = [axes(network) for network in networks]
    keys = dict.fromkeys(key for column in columns for key in column)
    rows = [_axis(key, [column.get(key, NONE) for column in columns]) for key in keys]
    return [row for row in rows if any(cell.text != NONE for cell in row.cells)]


def _axis(key: str, values: Sequence[str]) -> Line:
    """The row of a field; a value that does nothing in one network marks nothing against the other one's default.

    But a shortcut or a width is worth saying.
    """
    silent = {NONE, _DEFAULTS.get(key, NONE)}
    first = values[0]
    return Line(
        "axis", key,
        tuple(Cell(v, v != first and not (NONE in (v, first) and {v, first} <= silent)) for v in values),
    )  # fmt: skip


def axes(network: Network) -> dict[str, str]:
    """Every field of the network by its words; a block's field once where all stages agree, else stage by stage.

    Values are the effective ones: what is left to the model ("expansion by branch") reads as what it becomes.
    """
    init, drop = network.init, network.drop_path
    found = {"input": str(network.input)}
    found |= {f"stem {_words(name)}": _value(value) for name, value in stem_fields(network)}
    found["blocks a stage"] = " · ".join(str(stage.blocks) for stage in network.stages)
    found["stride of the stages"] = _joined([str(stage.stride) for stage in network.stages])
    stages = [effective(stage.block) for stage in network.stages]
    found |= {name: _joined([stage[name] for stage in stages]) for name in stages[0]}
    single = [f"stage {i} block {o.index}" for i, s in enumerate(network.stages, 1) for o in s.overrides]
    found["single blocks that differ"] = _shortened(single) if single else NONE
    found["classes"] = str(network.head.classes)
    found |= {"init": _value(init.scheme), "last scale zero": _value(init.zero_last)}
    dropping = drop.survival < 1
    found["drop path, survival"] = f"{drop.survival:g}, {drop.decay}" if dropping else NONE
    return found


def effective(block: Block) -> dict[str, str]:
    """The block's fields as they act: words to text, "-" for those that do nothing in it."""
    found = dict(block_fields(block))
    if block.branch != "paths":
        found["expansion"] = block.out_width // block.width
        found["base_width"] = _base_width(block)
    if found["projection_norm"] != NONE:
        found["projection_norm"] = block.norm_on_projection
    if block.cardinality == 1:
        found["form"] = NONE
    return {_words(name): _value(value) for name, value in found.items()}


def _base_width(block: Block) -> Any:
    """Channels of a group at width 64, also where the block leaves it to ``width``."""
    if block.base_width is not None:
        return block.base_width
    whole, rest = divmod(REFERENCE_WIDTH, block.cardinality)
    return whole if not rest else NONE


def _words(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return _words(text) or NONE


def _joined(values: Sequence[str]) -> str:
    return values[0] if len(set(values)) == 1 else " · ".join(values)


def _shortened(words: Sequence[str], most: int = 3) -> str:
    return listed(words) if len(words) <= most else f"{', '.join(words[:most])} and {len(words) - most} more"


_DEFAULTS = (
    {
        name: value
        for name, value in effective(Block(branch="bottleneck", cardinality=2)).items()
        if name not in ("shortcut", "width")
    }
    | {"cardinality": "1"}
    | {f"stem {_words(name)}": _value(value) for name, value in Stem()}
)
"""What each field of block and stem reads as when nobody chose it; two groups, so that the form says something."""
