"""Share texts: there and back for everything, and one sentence for whatever is not one."""

from __future__ import annotations

import base64
import random
import re
import time
import zlib

import pytest
from hypothesis import given, settings

from resnet_viz.spec import Experiment, Network, ShareError, decode, encode, preset, presets
from tests.strategies import drafts, experiments

URL_SAFE = re.compile(r"[A-Za-z0-9._~-]+")

REFUSED = [
    ("", "This is not a share link of ResNet Viz: it was cut or changed. Ask for it once more."),
    ("hello", "This is not a share link of ResNet Viz: it was cut or changed. Ask for it once more."),
    ("p1.", "This is not a share link of ResNet Viz: it was cut or changed. Ask for it once more."),
    ("q1.abc", "This is not a share link of ResNet Viz: it was cut or changed. Ask for it once more."),
    ("p1.resnet19", "This link names a preset that this version does not have."),
    ("n2.abc", "This link has format '2', and this version reads format 1: update ResNet Viz."),
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


@given(drafts())
def test_any_network_comes_back(network: Network) -> None:
    text = encode(network)
    assert URL_SAFE.fullmatch(text)
    assert decode(text) == network
    assert Network.model_validate_json(network.model_dump_json()) == network


@settings(max_examples=40)
@given(experiments())
def test_any_experiment_comes_back(experiment: Experiment) -> None:
    text = encode(experiment)
    assert URL_SAFE.fullmatch(text)
    back = decode(text)
    assert back == experiment
    assert isinstance(back, Experiment)
    assert list(back.contestants) == list(experiment.contestants)
    assert Experiment.model_validate_json(experiment.model_dump_json()) == experiment


def test_a_changed_preset_is_no_longer_its_name() -> None:
    changed = preset("resnet18").model_copy(update={"head": preset("tiny_plain8").head})
    assert encode(changed).startswith("n1.")
    assert decode(encode(changed)) == changed


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


@pytest.mark.parametrize("rounds", [500, pytest.param(10_000, marks=pytest.mark.long)])
def test_mutated_texts_end_in_a_sentence_or_a_network_and_quickly(rounds: int) -> None:
    """Each of many damaged texts: refused with a ShareError or a valid object, in a few milliseconds."""
    source = random.Random(7)
    texts = [encode(preset(name).model_copy(update={"name": f"my {name}"})) for name in presets()]
    texts.append(encode(Experiment(contestants={"a": preset("tiny_plain8"), "b": preset("tiny_resnet8")})))
    alphabet = "ABCxyz019-_.=%\u00e9 \x00"
    refused, slowest = 0, 0.0
    for _ in range(rounds):
        text = list(source.choice(texts))
        for _ in range(source.randint(1, 4)):
            place = source.randrange(len(text))
            match source.randrange(4):
                case 0:
                    text[place] = source.choice(alphabet)
                case 1:
                    text.insert(place, source.choice(alphabet))
                case 2:
                    del text[place : place + source.randint(1, 5)]
                case _:
                    text = text[: place + 1]
            text = text or ["n"]
        start = time.perf_counter()
        try:
            back = decode("".join(text))
        except ShareError as error:
            refused += 1
            assert "\n" not in str(error)
        else:
            assert decode(encode(back)) == back
        slowest = max(slowest, time.perf_counter() - start)
    assert refused > 0.8 * rounds
    assert slowest < 0.5
