"""Networks and experiments as URL-safe text, and back.

``p1.NAME`` is a preset unchanged; ``n1.DATA`` a network, ``x1.DATA`` an experiment and ``c1.DATA`` a comparison,
where DATA is the compact JSON of what differs from the defaults, deflated, in URL-safe base64. The digit is the
format's version. Everything that comes in is hostile: sizes are capped before and after inflating, and the models
validate what is left.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import Any

from pydantic import ValidationError

from .comparison import Comparison
from .errors import ShareError, SpecError, sentence
from .experiment import Experiment
from .network import Network, checked
from .presets import preset, presets

MAX_TEXT = 16_000
MAX_JSON = 200_000
Shared = Network | Experiment | Comparison
_KINDS: dict[str, type[Shared]] = {"n": Network, "x": Experiment, "c": Comparison}


def encode(thing: Shared) -> str:
    """URL-safe text of a network, an experiment or a comparison; :func:`decode` gives an equal object back."""
    if isinstance(thing, Network):
        thing = checked(thing)
        if thing.name in presets() and preset(thing.name) == thing:
            return f"p1.{thing.name}"
        kind = "n"
    elif isinstance(thing, Experiment):
        kind = "x"
    elif isinstance(thing, Comparison):
        kind = "c"
    else:
        raise SpecError(f"a Network, an Experiment or a Comparison can be encoded, not {type(thing).__name__}")
    raw = json.dumps(thing.model_dump(mode="json", exclude_defaults=True), separators=(",", ":"), sort_keys=False)
    packed = zlib.compress(raw.encode(), 9)
    return f"{kind}1." + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(text: str) -> Shared:
    """What a share text holds. Raises :class:`ShareError`, one sentence, for anything that is none."""
    if not isinstance(text, str):
        raise ShareError(f"A share link is text, not {type(text).__name__}.")
    head, dot, body = text[: MAX_TEXT + 1].partition(".")
    if not dot or len(head) != 2 or head[0] not in "pnxc" or not body:
        raise ShareError("This is not a share link of ResNet Viz: it was cut or changed. Ask for it once more.")
    if head[1] != "1":
        raise ShareError(f"This link has format {head[1]!r}, and this version reads format 1: update ResNet Viz.")
    if len(text) > MAX_TEXT:
        raise ShareError(f"This share text has more than {MAX_TEXT} characters: use a spec file instead.")
    if head[0] == "p":
        if body not in presets():
            raise ShareError("This link names a preset that this version does not have.")
        return preset(body)
    try:
        return _KINDS[head[0]].model_validate(_unpack(body))
    except ValidationError as error:
        raise ShareError(f"This link holds a network that cannot be: {sentence(error)}") from error


def _unpack(body: str) -> Any:
    try:
        packed = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        inflater = zlib.decompressobj()
        raw = inflater.decompress(packed, MAX_JSON)
        if inflater.unconsumed_tail or not inflater.eof:
            raise ShareError("This share link is damaged or too large: ask for it once more.")
        return json.loads(raw)
    except (binascii.Error, zlib.error, ValueError, RecursionError) as error:
        if isinstance(error, ShareError):
            raise
        raise ShareError("This share link is damaged: ask for it once more.") from error
