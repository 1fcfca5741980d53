"""Hostile texts and files for the fuzz tests: damaged characters, damaged bytes, damaged JSON packed again."""

from __future__ import annotations

import base64
import json
import random
import zlib
from collections.abc import Callable
from typing import Any

from resnet_viz.spec import Comparison, Experiment, Network, Recipe, encode, plain_twin, preset, presets
from resnet_viz.spec.compact import Shared, expand
from resnet_viz.spec.share import KINDS, check, squeeze, unpack
from tests.spec.golden_links import GOLDEN

HUGE, DEEP, FAR = "@huge@", "@deep@", "@far@"
TOKENS = {HUGE: "1" + "0" * 5000, DEEP: "[" * 3000 + "]" * 3000, FAR: "1e999"}
"""What ``json.dumps`` does not write, put in afterwards."""

KEYS = ("*", "n", "of", "name", "stages", "overrides", "paths", "contestants", "networks", "block", "version", "", "\n",
        "__class__", "\u202e\U0001f600", "\ud800", "9" * 30, "-1", "k" * 9000)  # fmt: skip
VALUES = (
    None, True, False, 0, -1, 1, 2, 7, 64, 65, 1025, 2**31, 2**63, 10**30, 0.5, -0.0, 1e-320, float("nan"),
    float("inf"), -float("inf"), "", "0", "1", " 7", "none", "resnet50", "tiny_plain8", "x" * 9000, "\ud800",
    "1x16/m,3x8", "1x", "m", "/" * 300, [], {}, [[]], {"": {}}, [0] * 2000, {str(i): {} for i in range(1, 300)},
    HUGE, DEEP, FAR,
)  # fmt: skip
LETTERS = "ABCxyz0129-_.=%+/\u00e9\u0661 \x00\n"


def seeds() -> list[Shared]:
    """Real things of every kind, small and large."""
    found: list[Shared] = [preset(name).model_copy(update={"name": f"my {name}"}) for name in presets()]
    found.append(Network.model_validate(many_overrides()))
    nets = {
        "plain": plain_twin(preset("tiny_resnet8")),
        "residual": preset("tiny_resnet8"),
        "π": preset("tiny_plain20"),
    }
    found += [Experiment(contestants=nets), Experiment(contestants=nets, recipe=Recipe(epochs=3, learning_rate=0.05))]
    found += [Comparison(networks=(preset("resnet50"), preset("resnext50_32x4d"), plain_twin(preset("resnet50"))))]
    return found


def many_overrides(stages: int = 8) -> dict[str, Any]:
    """A network in which many blocks are other ones, each in another way."""
    raw: dict[str, Any] = {"name": "many", "stages": []}
    lanes = [{"convs": [{"kernel": 1, "width": 8}]}, {"pool": "max", "convs": [{"kernel": 1, "width": 4}]}]
    for s in range(stages):
        rows = [
            {"index": i, "block": {"branch": "paths", "paths": lanes[: i % 3], "gate_bias": -i / 7, "width": 16 + s}}
            for i in range(1, 65)
        ]
        raw["stages"].append({"blocks": 90, "overrides": rows})
    return raw


class Mutants:
    """``link(i)`` and ``file(i)``: the i-th damaged text and file, the same for the same seed."""

    def __init__(self, seed: int = 7) -> None:
        self.seed = seed
        self.things = seeds()
        self.links = [encode(thing) for thing in self.things] + [text for text, _ in GOLDEN]
        self.files = [thing.model_dump_json().encode() for thing in self.things]

    def link(self, number: int) -> str:
        """A link damaged in its characters, its bytes, its JSON's text or its JSON's structure."""
        source = random.Random(f"link {self.seed} {number}")
        text = source.choice(self.links)
        ways: tuple[Callable[[str, random.Random], str], ...] = (characters, packed_bytes, packed_text, packed_data)
        return source.choice(ways)(text, source)

    def file(self, number: int) -> bytes:
        """A file damaged in its bytes, its text or its structure."""
        source = random.Random(f"file {self.seed} {number}")
        data = source.choice(self.files)
        if source.random() < 0.2:
            return damaged_bytes(data, source)
        if source.random() < 0.2:
            return damaged_json(data.decode(), source).encode(errors="surrogatepass")
        return written(damaged_data(json.loads(data), source)).encode(errors="surrogatepass")


def characters(text: str, source: random.Random) -> str:
    """A few characters changed, put in, taken out, or the end cut off."""
    found = list(text)
    for _ in range(source.randint(1, 4)):
        place = source.randrange(len(found) + 1)
        match source.randrange(4):
            case 0:
                found[place : place + 1] = source.choice(LETTERS)
            case 1:
                found.insert(place, source.choice(LETTERS) * source.choice((1, 1, 1, 20_000)))
            case 2:
                del found[place : place + source.randint(1, 5)]
            case _:
                found = found[: place + 1]
    return "".join(found)


def damaged_bytes(data: bytes, source: random.Random) -> bytes:
    """A few bytes changed, doubled or cut off."""
    found = bytearray(data)
    for _ in range(source.randint(1, 3)):
        place = source.randrange(len(found) + 1)
        match source.randrange(3):
            case 0:
                found[place : place + 1] = source.randbytes(1)
            case 1:
                found[place:place] = found[max(0, place - source.randint(1, 40)) : place]
            case _:
                del found[place : place + source.randint(1, 3)]
    return bytes(found)


def packed_bytes(text: str, source: random.Random) -> str:
    """The deflated bytes damaged."""
    head, _, body = text.partition(".")
    if head[0] == "p":
        return characters(text, source)
    data = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    return f"{head}." + base64.urlsafe_b64encode(damaged_bytes(data, source)).decode().rstrip("=")


def packed_text(text: str, source: random.Random) -> str:
    """The JSON's text damaged and deflated again."""
    return _again(text, source, lambda data: damaged_json(json.dumps(data), source))


def packed_data(text: str, source: random.Random) -> str:
    """The JSON's structure damaged and deflated again."""
    return _again(text, source, lambda data: written(damaged_data(data, source)))


def _again(text: str, source: random.Random, damage: Callable[[Any], str]) -> str:
    head, _, body = text.partition(".")
    if head[0] == "p":
        return characters(text, source)
    if head[1] == "1":
        raw = zlib.decompress(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        packed = zlib.compress(damage(json.loads(raw)).encode(errors="surrogatepass"), 9)
        return f"{head}." + base64.urlsafe_b64encode(packed).decode().rstrip("=")
    data, said = unpack(body)
    raw = damage(data).encode(errors="surrogatepass")
    try:  # a valid one gets its own check, so that not all end at the check
        kind = KINDS[head[0]]
        said = check(kind.model_validate(expand(kind, json.loads(raw))))
    except (ValueError, RecursionError):
        pass
    return f"{head}.{squeeze(raw, said)}"


def damaged_json(text: str, source: random.Random) -> str:
    """The JSON's text with a doubled key, a bare word, or cut somewhere."""
    place = source.randrange(len(text))
    match source.randrange(4):
        case 0:
            at = text.find("{", place) + 1
            return (
                text[:at] + f'"{source.choice(("name", "stages", "of", "n", "1"))}":{source.randint(0, 9)},' + text[at:]
            )
        case 1:
            return (
                text[:place]
                + source.choice(("NaN", "Infinity", "[" * 2000, '{"a":' * 900, "\ufeff", "\\u", "1e9"))
                + text[place:]
            )
        case 2:
            return text[:place] + text[source.randrange(len(text)) :]
        case _:
            return text[:place]


def damaged_data(data: Any, source: random.Random) -> Any:
    """The same structure with one to three of its parts replaced, renamed, doubled or moved."""
    data = json.loads(json.dumps(data))
    for _ in range(source.choice((1, 1, 2, 3))):
        holders = _holders(data)
        if not holders:
            return data
        holder = source.choice(holders)
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = source.choice(keys) if keys else None
        value = source.choice((*VALUES, source.choice(holders)))
        value = json.loads(json.dumps(value))
        if isinstance(holder, list):
            if key is None or source.random() < 0.3:
                holder.append(value)
            else:
                holder[key] = value
        elif key is None or source.random() < 0.25:
            holder[source.choice(KEYS)] = value
        elif source.random() < 0.2:
            holder[source.choice((*KEYS, *keys))] = holder.pop(key)
        else:
            holder[key] = _near(holder[key], source) if source.random() < 0.4 else value
    return data


def _near(value: Any, source: random.Random) -> Any:
    """Another value of the same type, so that some mutants are valid."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return source.choice((value + 1, value * 2, value / 2, -value, 1, 2, 3))
    if isinstance(value, str):
        return source.choice(("A", "C", "none", "group", "gelu", "highway", "bottleneck", "my", value + "!"))
    return value


def _holders(data: Any) -> list[Any]:
    found, waiting = [], [data]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (dict, list)):
            found.append(part)
            waiting.extend(part.values() if isinstance(part, dict) else part)
    return found


def written(data: Any) -> str:
    """JSON with what ``json.dumps`` does not write."""
    text = json.dumps(data, ensure_ascii=True)
    for token, word in TOKENS.items():
        text = text.replace(f'"{token}"', word)
    return text
