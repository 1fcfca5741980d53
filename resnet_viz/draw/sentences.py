"""The sentences of a verdict: short, present tense, numbers only from the rows that they are given.

A row is one contestant's reading: name, rows, first and last layer, ratio and label at initialisation and now,
the first step that is not finite. ``resnet_viz.draw.verdict`` makes the rows and decides which sentence is due.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .thresholds import CLEAR_GAP, LEARNED, NOT_LEARNING
from .wording import cut_middle, listed, percent, times

Reading = Mapping[str, Any]

_VERBS = {"exploding": "explode", "vanishing": "vanish", "dead": "are dead", "healthy": "are healthy"}
_MOST_RATIOS = 3


def breakdown(rows: Sequence[Reading]) -> str:
    """Somebody's loss or gradient is no finite number any more: who is first, and who else."""
    first, *others = sorted(rows, key=lambda r: int(r["not_finite"]))
    also = f" So does {listed([cut_middle(str(r['name'])) for r in others])}." if others else ""
    return (
        f"{cut_middle(str(first['name']))} breaks down: its {first['what']} is no finite number at step "
        f"{first['not_finite']}.{also}"
    )


def at_start(rows: Sequence[Reading]) -> str:
    """Before the first evaluation: nobody has learned yet, only the gradients can be compared.

    A recorded training loop is never evaluated by us.
    """
    later = "Before the first evaluation" if any(r.get("evaluated", True) for r in rows) else "At this step"
    when = "At initialisation" if all(r["rows"] == 1 for r in rows) else later
    groups = {kind: [cut_middle(str(r["name"])) for r in rows if r["now_label"] == kind] for kind in _VERBS}
    groups = {kind: names for kind, names in groups.items() if names}
    if not groups:
        return f"{when} there is no gradient ratio to compare."
    if len(groups) == 1 and len(rows) > 1:
        ((kind, names),) = groups.items()
        who = "both nets" if len(names) == 2 else f"all {len(names)} nets"
        return f"{when} the gradients of {who} {_VERBS[kind]}: no clear effect yet."
    parts = [f"{'those' if i else 'gradients'} of {listed(names)} {_VERBS[kind]}"
             for i, (kind, names) in enumerate(groups.items())]  # fmt: skip
    return f"{when} the {listed(parts)}."


def learning(errors: Mapping[str, float], source: str, chance: float) -> str:
    """Who learns, from train errors (fractions) taken at one common moment."""
    noun = "minibatch error" if source == "minibatch" else "train error"
    order = sorted(errors, key=lambda name: errors[name])
    best, worst = order[0], order[-1]
    low, high = errors[best], errors[worst]
    blind = NOT_LEARNING * chance
    if len(order) == 1:
        return f"{cut_middle(best)} {_status(low, blind)}: {noun} {percent(low)}."
    span = f"{noun} {percent(low)} {'and' if len(order) == 2 else 'to'} {percent(high)}"
    if low >= blind:
        return f"{'Neither net' if len(order) == 2 else f'None of the {len(order)} nets'} is learning yet: {span}."
    if high - low < CLEAR_GAP:
        return f"No clear effect on learning: {span}."
    stuck = [cut_middle(name) for name in order if errors[name] >= blind]
    if len(stuck) > 1:
        return f"{listed(stuck)} are not learning: {noun} {percent(high)} against {percent(low)} of {cut_middle(best)}."
    how = "is not learning" if stuck else "is behind"
    whose = f" of {cut_middle(best)}" if len(order) > 2 else ""
    return f"{cut_middle(worst)} {how}: {noun} {percent(high)} against {percent(low)}{whose}."


def ratios(rows: Sequence[Reading]) -> str:
    """The gradient ratios: the first contestant's in full, the others' in short, at most three of them."""
    known = [r for r in rows if r["init"] is not None or r["now"] is not None]
    if not known:
        return "There is no gradient ratio: it takes two layers with finite gradients, the last one not zero."
    telling = [r for r in known if {r["init_label"], r["now_label"]} != {"healthy"}]
    shown = known if len(known) <= _MOST_RATIOS else telling[:_MOST_RATIOS]
    rest = len(known) - len(shown)
    if not shown:
        return f"All {rest} nets have healthy first-to-last gradient ratios, at initialisation and now."
    parts = [_in_full(shown[0]), *(_in_short(r) for r in shown[1:])]
    if rest:
        parts.append(f"{rest} more: healthy." if len(telling) == len(shown) else f"{rest} more in the table.")
    return " ".join(parts)


def _status(error: float, blind: float) -> str:
    if error <= LEARNED:
        return "has learned"
    return "is not learning" if error >= blind else "is learning"


def _in_full(row: Reading) -> str:
    size = "block " if row["blocks"] else ""
    start = "has no gradient ratio"
    if row["init"] is not None:
        start = f"gets {times(row['init'])} the gradient of its last ({row['init_label']})"
    who = f"first {size}layer of {cut_middle(str(row['name']))}"
    return f"The {who} {start}." if row["rows"] == 1 else f"At initialisation the {who} {start}{_now(row)}."


def _in_short(row: Reading) -> str:
    start = f"{times(row['init'])} ({row['init_label']})" if row["init"] is not None else "no ratio at initialisation"
    return f"{cut_middle(str(row['name']))}: {start}{_now(row)}."


def _now(row: Reading) -> str:
    if row["rows"] == 1:
        return ""
    if row["now"] is None:
        return ", now none"
    changed = f" ({row['now_label']})" if row["now_label"] != row["init_label"] else ""
    return f", now {times(row['now'])}{changed}"
