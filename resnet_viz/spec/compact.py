"""Networks, experiments and comparisons as the short data of a share text, format 2, and back.

What is written is what differs from a base: the preset that the name tells ("resnet50" or "resnet50 edited"), the
one that ``of`` names, or with a number ``of`` that network of the same text (a plain twin after its residual one).
Nothing named: the models' defaults. :func:`shrink` and :func:`expand` are inverse; both walk the models' own fields
and the table :data:`WRITTEN`, which has a pair of functions for each field that is not written as it is.

What :func:`expand` returns is not validated: that is the models' work. It bounds only what it makes larger.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, cast

from .block import MAX_LANE_CONVS, MAX_LANES
from .comparison import MAX_COMPARED, Comparison
from .errors import ShareError
from .experiment import MAX_CONTESTANTS, Experiment
from .network import MAX_OVERRIDES, MAX_STAGES, Network
from .presets import preset, presets

EDITED = " edited"
"""What the playground puts behind a preset's name after the first change. Part of format 2: it stays."""
EVERY = "*"
COUNT = "n"
SHORT = 200
"""Characters of JSON below which no other base is looked for: about sixty of a link."""

Raw = dict[str, Any]
Shared = Network | Experiment | Comparison
CALLED: dict[type[Shared], str] = {Network: "network", Experiment: "race", Comparison: "comparison"}
"""What each is called in a sentence."""

MAX_VALUES = 30_000
"""Values in all that a text may hold once spread out: a reference costs the sender nothing, so it is counted here.
A network of four stages has about 120, a block of its own in a stage 25."""

POOLS: dict[str, str] = {"none": "", "max": "m", "average": "a"}
"""Letter of a lane's pool; a test holds it against :data:`~resnet_viz.spec.block.LanePool`."""


def damaged(what: str) -> ShareError:
    """The refusal of data that :func:`shrink` does not write."""
    return ShareError(f"This share link is damaged ({what}): ask for it once more.")


# -- any field: what differs, and the base with it --------------------------------------------------------


def less(value: Raw, base: Raw) -> Raw:
    """The fields of ``value`` that are not as in ``base``, which has the same fields."""
    return {key: _write(key, value[key], base[key]) for key in value if value[key] != base[key]}


def more(base: Any, delta: Any) -> Any:
    """``base`` with the differences; what has another form than the base is handed on for the models to refuse."""
    if not isinstance(base, dict) or not isinstance(delta, dict):
        return delta
    return base | {key: _read(key, part, base.get(key)) for key, part in delta.items()}


def _write(key: str, value: Any, base: Any) -> Any:
    if key in WRITTEN:
        return WRITTEN[key][0](value, base)
    return less(value, base) if isinstance(value, dict) and isinstance(base, dict) else value


def _read(key: str, delta: Any, base: Any) -> Any:
    return WRITTEN[key][1](delta, base) if key in WRITTEN else more(base, delta)


# -- the fields that have a form of their own -------------------------------------------------------------


def lanes_text(lanes: list[Raw], _base: Any = None) -> str:
    """Parallel paths as one text: "1x16/1x16,3x24/m,1x16" (kernel x width; m or a: a pool before them)."""
    return "/".join(
        ",".join(
            [POOLS[lane["pool"]]] * (lane["pool"] != "none") + [f"{c['kernel']}x{c['width']}" for c in lane["convs"]]
        )
        for lane in lanes
    )


def lanes_data(text: Any, _base: Any = None) -> list[Raw]:
    """The paths of that text."""
    if not isinstance(text, str) or len(text) > 8 * MAX_LANES * (MAX_LANE_CONVS + 1):
        raise damaged("paths")
    pools = {letter: pool for pool, letter in POOLS.items()}
    lanes = []
    for words in (lane.split(",") for lane in text.split("/") if text):
        pool = pools[words.pop(0)] if words[0] in pools else "none"
        pairs = [word.partition("x") for word in words]
        lanes.append({"pool": pool, "convs": [{"kernel": _number(k), "width": _number(w)} for k, _, w in pairs]})
    return lanes


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise damaged("a number")
    return int(text)


def stages_delta(stages: list[Raw], base: list[Raw]) -> Raw:
    """What differs stage by stage ("1" is the first); ``*`` is for all, ``n`` how many when the base has another."""
    old = _as_many(base, len(stages))
    every = _in_every(stages, old)
    pairs = enumerate(zip(stages, old, strict=True), 1)
    rows = {str(i): _stage_delta(new, more(was, every)) for i, (new, was) in pairs}
    count = {COUNT: len(stages)} if len(stages) != len(base) else {}
    return count | ({EVERY: every} if every else {}) | {key: row for key, row in rows.items() if row}


def stages_data(delta: Any, base: Any) -> list[Raw]:
    """The stages of those differences."""
    if not isinstance(delta, dict) or not isinstance(base, list):
        raise damaged("stages")
    count = delta.get(COUNT, len(base))
    if not isinstance(count, int) or not 1 <= count <= MAX_STAGES:
        raise damaged("the number of stages")
    if not delta.keys() <= {COUNT, EVERY, *map(str, range(1, count + 1))}:
        raise damaged("a stage")
    every = delta.get(EVERY, {})
    return [
        _stage_data(delta.get(str(i), {}), more(was, every)) for i, was in enumerate(_as_many(base, count), 1)
    ]  # fmt: skip


def _as_many(stages: list[Raw], count: int) -> list[Raw]:
    """That many stages; those beyond the last are like the last."""
    return [stages[min(i, len(stages) - 1)] for i in range(count)]


def _in_every(new: Sequence[Raw], old: Sequence[Raw]) -> Raw:
    """The fields that are the same in all and not so in two or more of the old ones."""
    found: Raw = {}
    for key in new[0]:
        values, before = [raw[key] for raw in new], [raw[key] for raw in old]
        if isinstance(values[0], dict):
            part = _in_every(values, before)
            if part:
                found[key] = part
        elif key != "overrides" and all(v == values[0] for v in values) and sum(v != values[0] for v in before) > 1:
            found[key] = _write(key, values[0], None)
    return found


def _stage_delta(stage: Raw, base: Raw) -> Raw:
    """Overrides are written as what differs from the stage's own block, by their block's number."""
    delta = less(_bare(stage), _bare(base))
    if stage["overrides"] != base["overrides"]:
        own = stage["block"]
        delta["overrides"] = {str(row["index"]): less(row["block"], own) for row in stage["overrides"]}
    return delta


def _stage_data(delta: Any, base: Any) -> Raw:
    if not isinstance(delta, dict) or not isinstance(base, dict):
        raise damaged("a stage")
    stage: Raw = more(base, _bare(delta))
    if "overrides" not in delta:
        return stage
    rows = delta["overrides"]
    if not isinstance(rows, dict) or len(rows) > MAX_OVERRIDES:
        raise damaged("overrides")
    block = stage.get("block")
    return stage | {"overrides": [{"index": _number(at), "block": more(block, row)} for at, row in rows.items()]}


def _bare(stage: Raw) -> Raw:
    return {key: value for key, value in stage.items() if key != "overrides"}


def contestants_delta(contestants: Raw, _base: Any = None) -> Raw:
    """Each contestant as what differs from a preset or from one before it."""
    return dict(zip(contestants, _in_a_row(list(contestants.values())), strict=True))


def contestants_data(delta: Any, _base: Any = None) -> Raw:
    """The contestants of those differences."""
    if not isinstance(delta, dict) or len(delta) > MAX_CONTESTANTS:
        raise damaged("contestants")
    return dict(zip(delta, _out_of_a_row(list(delta.values())), strict=True))


def compared_delta(networks: list[Raw], _base: Any = None) -> list[Raw]:
    """Like :func:`contestants_delta`, without names."""
    return _in_a_row(networks)


def compared_data(delta: Any, _base: Any = None) -> list[Raw]:
    """The networks of those differences."""
    if not isinstance(delta, list) or len(delta) > MAX_COMPARED:
        raise damaged("networks")
    return _out_of_a_row(delta)


def _whole(value: Any, _base: Any = None) -> Any:
    """What is written as it is, whatever the base has."""
    return value


WRITTEN: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "paths": (lanes_text, lanes_data),
    "periods": (_whole, _whole),
    "stages": (stages_delta, stages_data),
    "contestants": (contestants_delta, contestants_data),
    "networks": (compared_delta, compared_data),
}
"""How a field of that name is written and read, each given the base's value, where it is not written as it is."""


# -- networks by their base -------------------------------------------------------------------------------


@cache
def _preset(name: str) -> Raw:
    return preset(name).model_dump(mode="json")


@cache
def _default(kind: type[Shared]) -> Raw:
    """The defaults of a kind; what has none is empty."""
    if kind is Experiment:
        return Experiment.model_construct(contestants={}).model_dump(mode="json")
    if kind is Comparison:
        return Comparison.model_construct(networks=()).model_dump(mode="json")
    return Network().model_dump(mode="json")


def _told(name: Any) -> str | None:
    """The preset that a name tells."""
    base = name.removesuffix(EDITED) if isinstance(name, str) else None
    return base if base in presets() else None


def _in_a_row(networks: Sequence[Raw]) -> list[Raw]:
    return [network_delta(network, networks[:i]) for i, network in enumerate(networks)]


def _out_of_a_row(deltas: Sequence[Any]) -> list[Raw]:
    networks: list[Raw] = []
    for delta in deltas:
        networks.append(network_data(delta, networks))
    return networks


def network_delta(network: Raw, before: Sequence[Raw] = ()) -> Raw:
    """The network as what differs from the preset that its name tells, or where that is long from the nearest base."""
    told, default = _told(network["name"]), _default(Network)
    name = {"name": network["name"]}
    # Overrides read the same against every preset, and there may be hundreds.
    bare = network | name | {"stages": [stage | {"overrides": []} for stage in network["stages"]]}

    def size(base: Raw, value: Raw = bare) -> int:
        return len(json.dumps(less(value, base | name)))

    if told and size(_preset(told)) < SHORT:
        return name | less(network, _preset(told))
    bases: list[tuple[Raw, Raw]] = [({}, _preset(told)), ({"of": None}, default)] if told else [({}, default)]
    bases += [({"of": base}, _preset(base)) for base in presets() if base != told]
    said, base = min(bases, key=lambda row: size(row[1]) + len(str(row[0])))
    found = [said | less(network, base | name)]
    found += [{"of": i} | less(network, other | name) for i, other in enumerate(before)]
    return name | min(found, key=lambda delta: len(json.dumps(delta)))


def network_data(delta: Any, before: Sequence[Raw] = ()) -> Raw:
    """The network of those differences."""
    if not isinstance(delta, dict):
        raise damaged("a network")
    of = delta.get("of", _told(delta.get("name")))
    rest = {key: value for key, value in delta.items() if key != "of"}
    if of is None:
        return cast("Raw", more(_default(Network), rest))
    if isinstance(of, str) and of in presets():
        return cast("Raw", more(_preset(of), rest))
    if isinstance(of, int) and not isinstance(of, bool) and 0 <= of < len(before):
        return cast("Raw", more(before[of], rest))
    raise ShareError("This link is based on a preset that this version does not have: update ResNet Viz.")


def shrink(thing: Shared) -> Raw:
    """The short data of a network, an experiment or a comparison; :func:`expand` takes it back.

    Raises :class:`ShareError` for what :func:`expand` would refuse for its size.
    """
    raw = thing.model_dump(mode="json")
    _bounded(raw, "This is too much for a link: save it as a file instead.")
    return network_delta(raw) if isinstance(thing, Network) else less(raw, _default(type(thing)))


def expand(kind: type[Shared], data: Any) -> Any:
    """What the model of that kind validates. Raises :class:`ShareError` for data that cannot be spread out."""
    raw = network_data(data) if kind is Network else more(_default(kind), data)
    _bounded(raw, "This share link is damaged or too large: ask for it once more.")
    return raw


def _bounded(raw: Any, refusal: str) -> None:
    """Raise the refusal when there are more than :data:`MAX_VALUES` values."""
    count, waiting = 1, [raw]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (dict, list)):
            count += len(part)
            if count > MAX_VALUES:
                raise ShareError(refusal)
            waiting.extend(part.values() if isinstance(part, dict) else part)
