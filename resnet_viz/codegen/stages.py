"""Stages as source: a function for those of one pattern, else their blocks in a row, equal ones in a loop."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from .blocks import Written, signature
from .kinds import ARGUMENTS, Use
from .lines import Group, Node, Piece, behind, call

AFTER_FIRST = {"stride": "1", "project": "False"}
"""What the blocks behind a stage's first one are told."""
_NEUTRAL = {argument.name: argument.neutral for argument in ARGUMENTS}
_POSITIONAL = ("in_channels", "width", "out_channels", "lanes")


def _told(written: Written, use: Use) -> dict[str, Node]:
    """The arguments of one block, those at their neutral value left out."""
    found: dict[str, Node] = {}
    for name in written.arguments:
        value = written.made.told(use, name)
        if name == "survival" or str(value) != repr(_NEUTRAL[name]):
            found[name] = value
    return found


def construct(written: Written, use: Use, survival: str = "") -> Group:
    """The call that makes one block."""
    told = _told(written, use)
    if survival and "survival" in told:
        told["survival"] = survival
    return call(written.made.name, *_spelled(told))


def _spelled(told: dict[str, Node]) -> list[Node]:
    return [value if name in _POSITIONAL else behind(f"{name}=", value) for name, value in told.items()]


def is_regular(written: Sequence[Written], uses: Sequence[Use]) -> bool:
    """Whether all blocks of a stage are of one class and differ in what enters, stride and survival alone."""
    if len({one.made.name for one in written}) > 1:
        return False
    moving = {"in_channels", "survival", *AFTER_FIRST}
    fixed = [{k: str(v) for k, v in _told(written[0], use).items() if k not in moving} for use in uses]
    # Behind the first block nothing changes any more; a lazy block that projects says so itself.
    rest = [_told(written[0], use) for use in uses[1:]]
    return all(one == fixed[0] for one in fixed) and not any(name in one for one in rest for name in AFTER_FIRST)


def make_layer(written: Written, name: str) -> Piece:
    """The function for stages of that class."""
    arguments = written.arguments
    drops = "survival" in arguments
    words = [signature(written.made, a) for a in arguments if a != "survival" and _NEUTRAL[a] is None]
    words.append("survivals: list[float]" if drops else "blocks: int")
    words += [signature(written.made, a) for a in arguments if a != "survival" and _NEUTRAL[a] is not None]
    piece = Piece()
    piece.add(call(f"def {name}", *words, close=") -> nn.Sequential:"))
    firsts = [word for word in ("stride", "project") if word in arguments]
    said = {"stride": "stride", "project": "projection"}
    which = " and ".join(said[word] for word in firsts)
    piece.add(f'    """Equal blocks; the first one has the {which}."""' if which else '    """Equal blocks."""')
    piece.add("    layers: list[nn.Module] = []")
    piece.add("    for survival in survivals:" if drops else "    for _ in range(blocks):")
    piece.add(Group("layers.append(", (call(written.made.name, *arguments),), ")"), 8)
    moves = {"in_channels": _output(written)} if "in_channels" in arguments else {}
    moves |= {word: AFTER_FIRST[word] for word in firsts}
    if moves:
        piece.add(f"        {', '.join(moves)} = {', '.join(moves.values())}")
    piece.add("    return nn.Sequential(*layers)")
    return piece


def _output(written: Written) -> str:
    """Source of the channels that enter the next block."""
    made = written.made
    if made.block.branch == "paths":
        return "sum(convs[-1][1] for _, convs in lanes)" if made.pooled else "sum(lane[-1][1] for lane in lanes)"
    if "out_channels" in written.arguments:
        return "out_channels"
    return f"width * {made.name}.expansion" if "self.expansion" in written.piece.text else "width"


def call_layer(written: Written, uses: Sequence[Use], function: str) -> Group:
    """A stage as a call of that function."""
    told = _told(written, uses[0])
    drops = "survival" in written.arguments
    told.pop("survival", None)
    words: list[Node] = [value for name, value in told.items() if name in _POSITIONAL]
    words.append(survivals(uses) if drops else f"blocks={len(uses)}")
    words += [f"{name}={value}" for name, value in told.items() if name not in _POSITIONAL]
    return call(function, *words)


def survivals(uses: Sequence[Use]) -> str:
    """The survival probabilities of those blocks."""
    return f"survivals[{uses[0].number - 1 or ''}:{uses[-1].number}]"


def in_a_row(written: Sequence[Written], uses: Sequence[Use]) -> Group:
    """A stage as its blocks one after the other; blocks made by the same call are a loop."""
    rows: list[Node] = []
    for _, same in groupby(zip(written, uses, strict=True), key=lambda pair: str(construct(pair[0], pair[1], "_"))):
        pairs = list(same)
        one, use = pairs[0]
        drops = "survival" in one.arguments
        if len(pairs) == 1:
            rows.append(construct(one, use, f"survivals[{use.number - 1}]" if drops else ""))
            continue
        over = f"for survival in {survivals([u for _, u in pairs])}" if drops else f"for _ in range({len(pairs)})"
        rows.append(Group("*[", (construct(one, use, "survival"), over), "]", "comprehension"))
    return call("nn.Sequential", *rows)


def functions_of(stages: Sequence[tuple[Sequence[Written], Sequence[Use]]]) -> dict[str, str]:
    """The function's name by class name, for each class that two or more whole stages are of.

    One stage is enough where the blocks' widths are a list, which nobody wants to read twice.
    """
    counts: dict[str, int] = {}
    for written, uses in stages:
        if is_regular(written, uses):
            name = written[0].made.name
            listed = "lanes" in written[0].arguments and len(uses) > 1
            counts[name] = counts.get(name, 0) + (2 if listed else 1)
    often = [name for name, count in counts.items() if count > 1]
    if len(often) == 1:
        return {often[0]: "make_layer"}
    return {name: f"make_layer{i}" for i, name in enumerate(often, 1)}
