"""Share texts: there and back for everything, and one sentence for whatever is not one."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from resnet_viz.spec import (
    Block,
    Comparison,
    DropPath,
    Experiment,
    Head,
    Init,
    Input,
    Lane,
    LaneConv,
    Network,
    Override,
    Recipe,
    ShareError,
    Stage,
    Stem,
    compact,
    decode,
    encode,
    fit_to_dataset,
    plain_twin,
    preset,
    presets,
)
from resnet_viz.spec.block import inception_lanes
from resnet_viz.spec.share import DICTIONARY, FIELDS, _canonical, _fields
from tests.spec.golden_links import read
from tests.strategies import drafts, experiments

Path = tuple[str | int, ...]

URL_SAFE = re.compile(r"[A-Za-z0-9._~-]+")

REFUSED = [
    ("", "This is not a share link of ResNet Viz: it was cut or changed. Ask for it once more."),
    ("hello", "This is not a share link of ResNet Viz: it was cut or changed. Ask for it once more."),
    ("p1.", "This is not a share link of ResNet Viz: it was cut or changed. Ask for it once more."),
    ("q1.abc", "This is not a share link of ResNet Viz: it was cut or changed. Ask for it once more."),
    ("p1.resnet19", "This link names a preset that this version does not have."),
    ("n3.abc", "This link has format 'n3', and this version reads n1 and n2: update ResNet Viz."),
    ("p2.resnet50", "This link has format 'p2', and this version reads p1: update ResNet Viz."),
    ("n2.####", "This share link is damaged: ask for it once more."),
    ("n2.AAAA", "This share link is damaged or too large: ask for it once more."),
    ("n2.A", "This share link is damaged: ask for it once more."),
    ("n1.####", "This share link is damaged: ask for it once more."),
    ("n1.AAAA", "This share link is damaged: ask for it once more."),
    ("n1." + "A" * 17_000, "This share text has more than 16000 characters: use a spec file instead."),
]


def pack(raw: bytes) -> str:
    return "n1." + base64.urlsafe_b64encode(zlib.compress(raw, 9)).decode().rstrip("=")


@pytest.mark.parametrize("name", presets())
def test_a_preset_is_its_name(name: str) -> None:
    assert encode(preset(name)) == f"p1.{name}"
    assert decode(f"p1.{name}") == preset(name)


TINY = preset("tiny_plain8")
RACE = Experiment(contestants={"a": TINY, "b": preset("tiny_resnet8")})
NO_STAGES = TINY.model_copy(update={"stages": ()})


@pytest.mark.parametrize(
    ("thing", "change"),
    [
        (RACE, {"dataset": 5}),
        (RACE, {"dataset": "nope"}),
        (RACE, {"contestants": None}),
        (RACE, {"contestants": {}}),
        (RACE, {"contestants": {"a": 3}}),
        (RACE, {"contestants": {"a": NO_STAGES}}),
        (RACE, {"contestants": {3: TINY}}),
        (RACE, {"contestants": {"a": Comparison(networks=(TINY, TINY))}}),
        (RACE, {"recipe": None}),
        (RACE, {"recipe": RACE.recipe.model_copy(update={"epochs": -3})}),
        (RACE, {"version": 9}),
        (Comparison(networks=(TINY, TINY)), {"networks": ()}),
        (Comparison(networks=(TINY, TINY)), {"networks": None}),
        (Comparison(networks=(TINY, TINY)), {"networks": (3,)}),
        (Comparison(networks=(TINY, TINY)), {"networks": (TINY,)}),
        (Comparison(networks=(TINY, TINY)), {"networks": (NO_STAGES, TINY)}),
        (TINY, {"stages": None}),
        (TINY, {"name": 5}),
    ],
)
def test_what_cannot_be_has_no_link(thing: Experiment | Comparison | Network, change: dict[str, Any]) -> None:
    """``model_copy`` validates nothing."""
    with pytest.raises(ValidationError):
        encode(thing.model_copy(update=change))


@settings(deadline=None)
@given(drafts())
def test_any_network_comes_back(network: Network) -> None:
    text = encode(network)
    assert URL_SAFE.fullmatch(text)
    assert decode(text) == network
    assert Network.model_validate_json(network.model_dump_json()) == network


@settings(max_examples=20, deadline=None)
@given(experiments())
def test_any_experiment_comes_back(experiment: Experiment) -> None:
    text = encode(experiment)
    assert URL_SAFE.fullmatch(text)
    back = decode(text)
    assert back == experiment
    assert isinstance(back, Experiment)
    assert list(back.contestants) == list(experiment.contestants)
    assert Experiment.model_validate_json(experiment.model_dump_json()) == experiment


@settings(max_examples=25, deadline=None)
@given(st.lists(drafts(), min_size=2, max_size=4))
def test_any_comparison_comes_back(networks: list[Network]) -> None:
    comparison = Comparison(networks=tuple(networks))
    text = encode(comparison)
    assert URL_SAFE.fullmatch(text)
    assert decode(text) == comparison
    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison


def test_a_changed_preset_is_no_longer_its_name() -> None:
    other = preset("resnet18").model_copy(update={"head": preset("tiny_plain8").head})
    assert encode(other).startswith("n2.")
    assert decode(encode(other)) == other


@pytest.mark.parametrize(("text", "told"), REFUSED, ids=[text[:12] for text, _ in REFUSED])
def test_refusals_say_what_is_wrong(text: str, told: str) -> None:
    with pytest.raises(ShareError) as refusal:
        decode(text)
    assert str(refusal.value) == told


def test_a_wrong_value_is_named() -> None:
    with pytest.raises(ShareError) as refusal:
        decode(pack(b'{"stem":{"width":0}}'))
    assert str(refusal.value) == "This link holds a network that cannot be: stem.width is 0: it must be at least 1."


def test_a_bomb_is_not_inflated() -> None:
    bomb = pack(b" " * 10_000_000)
    assert len(bomb) < 16_000
    with pytest.raises(ShareError) as refusal:
        decode(bomb)
    assert str(refusal.value) == "This share link is damaged or too large: ask for it once more."


def test_deep_json_is_refused() -> None:
    with pytest.raises(ShareError):
        decode(pack(b"[" * 100_000))


@pytest.mark.parametrize("version", [1, 2])
def test_old_links_hold_what_they_held(version: int) -> None:
    """Every value that was there when the link was written; fields that came later have their defaults."""
    for text, held in read(version):
        thing = decode(text)
        assert only(thing.model_dump(mode="json"), held) == held, text
        assert decode(encode(thing)) == thing
        if version == 2:
            assert encode(thing) == text


def only(value: Any, like: Any) -> Any:
    """The value without the fields that ``like`` does not have."""
    if isinstance(value, dict):
        return {key: only(part, like.get(key)) for key, part in value.items() if key in like}
    return [only(*pair) for pair in zip(value, like, strict=True)] if isinstance(value, list) else value


def test_format_2_stays() -> None:
    """Whoever changes one of these breaks all links that are written with it: make it format 3."""
    digest = hashlib.sha256(DICTIONARY + json.dumps(FIELDS).encode()).hexdigest()
    assert digest[:16] == "71c843b0c21a68da"
    for model in models():
        assert set(FIELDS[model.__name__].split()) <= set(model.model_fields), model


def models() -> list[type[BaseModel]]:
    """All of which a share text may hold one."""
    return [Network, Input, Stem, Stage, Override, Block, Lane, LaneConv, Head, Init, DropPath, Experiment, Recipe,
            Comparison]  # fmt: skip


def test_a_younger_field_leaves_old_links_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if ``Block.bias`` had come after format 2: it counts only where it is not its default."""
    monkeypatch.setitem(FIELDS, "Block", FIELDS["Block"].replace(" bias", ""))
    _fields.cache_clear()
    with_it, without = (_canonical(Block(bias=bias)) for bias in (True, False))
    _fields.cache_clear()
    assert with_it == [*without, ("bias", True)]


def test_a_preset_that_has_changed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link says "resnet18 with 7 classes": when resnet18 is another one, the link would mean another network."""
    network = changed(preset("resnet18"), {("head", "classes"): 7})
    text = encode(network)
    raw = compact._preset("resnet18")
    monkeypatch.setattr(compact, "_preset", lambda name: raw | {"init": {"scheme": "xavier", "zero_last": False}})
    with pytest.raises(ShareError) as refusal:
        decode(text)
    assert str(refusal.value) == (
        "This link does not give what was shared: it was damaged, or a preset that it builds on has changed. "
        "Ask for it once more."
    )


def test_a_preset_that_is_no_more_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    text = encode(changed(preset("resnet18"), {("head", "classes"): 7}).model_copy(update={"name": "mine"}))
    monkeypatch.setattr(compact, "presets", lambda: ("resnet50",))
    with pytest.raises(ShareError) as refusal:
        decode(text)
    assert str(refusal.value) == ("This link is based on a preset that this version does not have: update ResNet Viz.")


def test_more_than_a_link_can_hold_is_said() -> None:
    """Hundreds of blocks of their own, each with numbers that no compression makes shorter."""
    source = random.Random(3)

    def own(index: int) -> Override:
        drawn = {"alpha": source.random(), "beta": source.random(), "shortcut_dropout": source.random()}
        return Override(index=index, block=Block(gate_bias=-source.random(), **drawn))

    stages = tuple(Stage(blocks=62, overrides=tuple(map(own, range(1, 63)))) for _ in range(8))
    few = Network(name="few", stages=stages[:2])
    assert decode(encode(few)) == few
    with pytest.raises(ShareError) as refusal:
        encode(Network(name="many", stages=stages))
    assert str(refusal.value) == "This is too much for a link (above 16000 characters): save it as a file instead."


@pytest.mark.parametrize("name", presets())
def test_a_preset_with_one_change_is_short(name: str) -> None:
    """Every field in the last stage, in all of them, and beside the stages."""
    count = 0
    for paths, value in single_changes(preset(name)):
        try:
            network = changed(preset(name), dict.fromkeys(paths, value)).model_copy(update={"name": f"{name} edited"})
        except ValidationError:
            continue
        text = encode(network)
        assert len(text) < 60, (paths, value)
        assert decode(text) == network
        count += 1
    assert count > 40


def single_changes(network: Network) -> Iterator[tuple[list[Path], Any]]:
    """Every field with another value, in one stage and in all."""
    raw = network.model_dump()
    count = len(raw["stages"])
    for part in ("input", "stem", "head", "init", "drop_path"):
        for field, value in raw[part].items():
            annotation = type(getattr(network, part)).model_fields[field].annotation
            yield from (([(part, field)], new) for new in others(value, annotation))
    for field, value in raw["stages"][0]["block"].items():
        for new in others(value, Block.model_fields[field].annotation):
            for places in ([count - 1], range(count)):
                yield [("stages", i, "block", field) for i in places], new
    for stage in range(count):
        yield [("stages", stage, "blocks")], 29
        yield [("stages", stage, "stride")], 3


def others(value: Any, annotation: Any) -> list[Any]:
    """Other values of a field."""
    words = [word for word in get_args(annotation) if isinstance(word, str)]
    if words:
        return [max((word for word in words if word != value), key=len)]
    if isinstance(value, bool) or bool in get_args(annotation):
        return [not value]
    if isinstance(value, float):
        return [0.123456789]
    return [] if isinstance(value, tuple) else [2, 729]


def test_lengths_of_common_links() -> None:
    """What a page writes all the time. Before format 2: 245, 290 and 340 characters."""
    wide = changed(preset("resnet50"), {("stages", i, "block", "width"): 32 * 2**i for i in range(4)})
    fitted = fit_to_dataset(preset("resnet50"), "digits")[0]
    lanes = changed(preset("resnet18"), {("stages", i, "block", "paths"): inception_lanes(64) for i in range(4)})
    race = Experiment(contestants={"plain": plain_twin(fitted), "residual": fitted})
    pair = Experiment(contestants={"plain-56": preset("tiny_plain56"), "residual-56": preset("tiny_resnet56")})
    several = {("stages", 1, "block", "norm"): "group", ("stages", 2, "blocks"): 9, ("stem", "width"): 48,
               ("init", "zero_last"): True, ("drop_path", "survival"): 0.8}  # fmt: skip
    lengths = {
        "half as wide, own name": (len(encode(wide.model_copy(update={"name": "half as wide"}))), 90),
        "plain twin": (len(encode(plain_twin(preset("resnet50")))), 60),
        "parallel paths in all stages": (len(encode(lanes)), 100),
        "five changes": (len(encode(changed(preset("resnext50_32x4d"), several))), 120),
        "fitted pair": (len(encode(race)), 100),
        "pair": (len(encode(pair)), 30),
    }
    assert {name: row for name, row in lengths.items() if row[0] > row[1]} == {}


def changed(network: Network, changes: Mapping[Path, Any]) -> Network:
    raw = network.model_dump()
    for path, value in changes.items():
        target: Any = raw
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = value
    return Network.model_validate(raw)
