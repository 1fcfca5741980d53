"""Networks, experiments and comparisons as URL-safe text, and back. The format is described in docs/share-links.md.

``p1.NAME`` is a preset unchanged. ``n2.DATA`` is a network, ``x2.DATA`` an experiment, ``c2.DATA`` a comparison:
three bytes that check what is decoded, then the JSON of :mod:`.compact`, deflated with :data:`DICTIONARY`, all in
URL-safe base64. The digit is the format's version; format 1 (the JSON of what differs from the defaults, in a zlib
stream) is still read. Everything that comes in is hostile: sizes are capped before and after inflating, and the
models validate what is left.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from pydantic import BaseModel, ValidationError

from .compact import CALLED, Shared, expand, shrink
from .comparison import Comparison
from .errors import ShareError, SpecError, sentence, stopped
from .experiment import Experiment
from .network import Network, checked
from .presets import preset, presets

MAX_TEXT = 16_000
"""Characters of a share text: what browsers and servers pass on in an address, with room to spare."""
MAX_JSON = 200_000
CHECK_BYTES = 3

KINDS: dict[str, type[Shared]] = {"n": Network, "x": Experiment, "c": Comparison}

FIELDS: dict[str, str] = {
    "Network": "version name input stem stages head init drop_path",
    "Input": "channels height width",
    "Stem": "width kernel stride pool norm activation activated bias",
    "Stage": "blocks stride block overrides",
    "Override": "index block",
    "Block": "branch width expansion cardinality base_width form paths merge gate_bias gate_kernel alpha beta shortcut "
             "shortcut_dropout projection_norm stride_on order norm activation bias attention",
    "Lane": "pool convs",
    "LaneConv": "kernel width",
    "Head": "classes",
    "Init": "scheme zero_last",
    "DropPath": "survival decay",
    "Experiment": "version contestants dataset recipe",
    "Recipe": "epochs batch seed learning_rate momentum weight_decay warmup_steps schedule pace device",
    "Comparison": "version networks",
}  # fmt: skip
"""The fields that format 2 began with, in the order in which its check takes them. A younger field is *not* added:
while it has its default the check leaves it out, so that links from before it stay good."""

DICTIONARY = (
    b'"of":"plain "residual "preactivation"relu_only_preactivation"relu_before_addition"bn_after_addition"original'
    b'"split_concatenate"split_sum"grouped"squeeze_excitation"shortcut_gate"highway"orthogonal"pytorch"xavier'
    b'"kaiming_fan_in"kaiming_fan_out"linear"constant"cosine"step"paths"bottleneck"basic"leaky_relu"sigmoid"gelu"silu'
    b'"tanh"relu"layer"group"batch"none"average"max"add"1x1"3x3"digits"cuda"cpu"auto"true,"false,"null,'
    b'"device":"pace":"schedule":"warmup_steps":"weight_decay":"momentum":"learning_rate":"seed":"batch":"epochs":'
    b'"recipe":{"dataset":"networks":[{"contestants":{"plain-56":{"name":"tiny_plain56"},"residual-56":{"name":'
    b'"tiny_resnet56"},"of":0}'
    b"highway_19highway_32d2l_resnet18d2l_resnextseresnet50wrn_28_10wrn_16_8wrn_40_4resnext29_8x64dresnext29_16x64d"
    b"resnetv2_152resnetv2_101resnetv2_50preact_resnet1001preact_resnet164preact_resnet110wide_resnet101_2"
    b"wide_resnet50_2resnext101_64x4dresnext101_32x8dplain34plain18cifar_plain110cifar_plain56cifar_plain44"
    b"cifar_plain32cifar_plain20cifar_resnet1202cifar_resnet110cifar_resnet56cifar_resnet44cifar_resnet32"
    b"cifar_resnet20tiny_plain32tiny_plain20tiny_plain8tiny_resnet32tiny_resnet20tiny_resnet8resnet152resnet101"
    b"resnet34resnet18resnet50resnext50_32x4d"
    b'"drop_path":{"decay":"survival":0."init":{"scheme":"zero_last":true"head":{"classes":10'
    b'"stem":{"width":"kernel":3,"stride":1,"pool":"none"},"activated":"input":{"channels":1,"height":8,"width":8},'
    b'"attention":"bias":"activation":"norm":"order":"stride_on":"projection_norm":"shortcut_dropout":"shortcut":"'
    b'"beta":0.5"alpha":0.5"gate_kernel":"gate_bias":-"merge":"none"paths":"1x16/1x16,3x16/m,1x"form":"base_width":'
    b'"cardinality":32"expansion":"width":128"branch":"overrides":{"1":{"2":{"3":{"4":{"stride":"blocks":'
    b'{"name":" edited","stages":{"n":4,"*":{"block":{"width":64}}}}}}'
)
"""What the deflate window holds beforehand, the commonest last. Part of format 2: a change breaks all its links."""


def encode(thing: Shared) -> str:
    """URL-safe text of a network, an experiment or a comparison; :func:`decode` gives an equal object back.

    Raises :class:`ShareError` for what is too large for a link, and a refusal (:class:`SpecError`, pydantic's
    ``ValidationError``) for what cannot be: everything is validated again, as :func:`~resnet_viz.spec.checked` does.
    """
    if isinstance(thing, Network):
        return _network_text(checked(thing))
    for kind, model in KINDS.items():
        if isinstance(thing, model):
            return _text(kind, model.model_validate(thing.model_dump(warnings=False)))
    raise SpecError(f"a Network, an Experiment or a Comparison can be encoded, not {type(thing).__name__}")


@lru_cache(maxsize=64)  # a page asks several times for the network that it shows
def _network_text(network: Network) -> str:
    if network.name in presets() and preset(network.name) == network:
        return f"p1.{network.name}"
    return _text("n", network)


def _text(kind: str, thing: Shared) -> str:
    text = f"{kind}2.{pack(shrink(thing), check(thing))}"
    if len(text) > MAX_TEXT:
        raise ShareError(f"This is too much for a link (above {MAX_TEXT} characters): save it as a file instead.")
    return text


def decode(text: str) -> Shared:
    """What a share text holds. Raises :class:`ShareError`, one sentence, for anything that is none."""
    if not isinstance(text, str):
        raise ShareError(f"A share link is text, not {type(text).__name__}.")
    head, dot, body = text[: MAX_TEXT + 1].partition(".")
    if not dot or len(head) != 2 or head[0] not in "pnxc" or not body:
        raise ShareError("This is not a share link of ResNet Viz: it was cut or changed. Ask for it once more.")
    formats = [written for written in READERS if written[0] == head[0]]
    if head not in formats:
        raise ShareError(
            f"This link has format {head!r}, and this version reads {' and '.join(formats)}: update ResNet Viz."
        )
    if len(text) > MAX_TEXT:
        raise ShareError(f"This share text has more than {MAX_TEXT} characters: use a spec file instead.")
    try:
        return READERS[head](body)
    except ValidationError as error:
        called = CALLED[KINDS[head[0]]]
        raise ShareError(f"This link holds a {called} that cannot be: {stopped(sentence(error))}") from error
    except RecursionError as error:
        raise ShareError("This share link is damaged: ask for it once more.") from error


def _named(body: str) -> Network:
    if body not in presets():
        raise ShareError("This link names a preset that this version does not have.")
    return preset(body)


def _first(kind: type[Shared]) -> Callable[[str], Shared]:
    """The reader of format 1."""
    return lambda body: kind.model_validate(_json(_bytes(body), zlib.decompressobj()))


def _second(kind: type[Shared]) -> Callable[[str], Shared]:
    """The reader of format 2."""

    def read(body: str) -> Shared:
        raw, said = unpack(body)
        thing = kind.model_validate(expand(kind, raw))
        if check(thing) != said:
            raise ShareError(
                "This link does not give what was shared: it was damaged, or a preset that it builds on has changed. "
                "Ask for it once more."
            )
        return thing

    return read


READERS: dict[str, Callable[[str], Shared]] = (
    {"p1": _named} | {f"{k}1": _first(model) for k, model in KINDS.items()}
    | {f"{k}2": _second(model) for k, model in KINDS.items()}
)  # fmt: skip
"""Every format that is read: kind and version, and the function from the text behind the dot."""


def pack(data: Any, said: bytes) -> str:
    """Check bytes and deflated JSON in URL-safe base64 without padding; :func:`unpack` is its inverse."""
    return squeeze(json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode(), said)


def squeeze(raw: bytes, said: bytes) -> str:
    """The text of that JSON."""
    squeezer = zlib.compressobj(9, wbits=-15, zdict=DICTIONARY)
    return base64.urlsafe_b64encode(said + squeezer.compress(raw) + squeezer.flush()).decode().rstrip("=")


def unpack(body: str) -> tuple[Any, bytes]:
    """JSON data and check bytes of a text. Raises :class:`ShareError`."""
    packed = _bytes(body)
    data = _json(packed[CHECK_BYTES:], zlib.decompressobj(wbits=-15, zdict=DICTIONARY))
    return data, packed[:CHECK_BYTES]


def check(thing: BaseModel) -> bytes:
    """Three bytes that tell one network, experiment or comparison from another."""
    text = json.dumps(_canonical(thing), separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=CHECK_BYTES).digest()


_DEEP = (BaseModel, tuple, dict, float)


def _canonical(value: Any) -> Any:
    """Plain data, equal for equal values: 0.0 as 0; the old fields by their place, younger ones unless by default."""
    if isinstance(value, BaseModel):
        old, younger = _fields(type(value))
        held = vars(value)
        parts = [_canonical(held[name]) if isinstance(held[name], _DEEP) else held[name] for name in old]
        return parts + [(name, _canonical(held[name])) for name, default in younger if held[name] != default]
    if isinstance(value, dict):
        return [(name, _canonical(part)) for name, part in value.items()]
    if isinstance(value, tuple):
        return [_canonical(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@cache
def _fields(model: type[BaseModel]) -> tuple[tuple[str, ...], tuple[tuple[str, Any], ...]]:
    """The fields that format 2 began with, and each younger one with its default."""
    old = tuple(FIELDS[model.__name__].split()) if model.__name__ in FIELDS else ()
    fields = model.model_fields.items()
    return old, tuple((n, f.get_default(call_default_factory=True)) for n, f in fields if n not in old)


def _bytes(body: str) -> bytes:
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ShareError("This share link is damaged: ask for it once more.") from error


def _json(packed: bytes, inflater: Any) -> Any:
    try:
        raw = inflater.decompress(packed, MAX_JSON)
        if inflater.unconsumed_tail or not inflater.eof:
            raise ShareError("This share link is damaged or too large: ask for it once more.")
        return json.loads(raw)
    except (zlib.error, ValueError, RecursionError) as error:
        if isinstance(error, ShareError):
            raise
        raise ShareError("This share link is damaged: ask for it once more.") from error
