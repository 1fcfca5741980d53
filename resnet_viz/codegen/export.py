"""A network's whole source file, and which of its lines belong to which module."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import get_args

from ..spec.errors import SpecError
from ..spec.network import Network, checked
from ..spec.shapes import refuse
from . import parts
from .blocks import PathFunction, Written, write_block
from .header import header
from .initialisation import init_weights
from .kinds import BlockClass, Style, Use, classes_of
from .lines import Piece
from .names import name_all, network_name
from .networks import Stages, stem_bias, write_network
from .stages import functions_of, make_layer


@dataclass(frozen=True)
class Source:
    """The text, and the (first, last) line, from 1, of module paths: "conv1", "layer1", "layer1.0", "layer1.0.conv1".

    "stem" and "head" are the layers before the first stage and behind the last one. Of parallel paths only the
    first is listed; :meth:`find` knows that the others share its lines.
    """

    text: str
    lines: Mapping[str, tuple[int, int]]

    def find(self, path: str) -> tuple[int, int] | None:
        """The lines of a path, or of the longest part of it that has lines; None for what is nowhere."""
        path = re.sub(r"\bpaths\.\d+", "paths.0", path)
        while path and path not in self.lines:
            shorter = re.sub(r"(paths\.0\.[a-z]+)\d+$", r"\1", path)
            path = shorter if shorter in self.lines else path.rpartition(".")[0]
        return self.lines.get(path)


def source(network: Network, style: Style = "explicit") -> Source:
    """Stand-alone PyTorch source of a network, as a person would have written it; needs nothing but torch.

    The module that its first public name builds has the ``state_dict`` keys of :func:`resnet_viz.build` in the same
    order ("lazy": after a first batch), so its weights load strictly. Raises
    :class:`~resnet_viz.spec.SpecError` for a style that there is not and for a network that cannot be built.
    """
    if style not in get_args(Style):
        raise SpecError(f"style {style!r} is not known: use 'explicit' or 'lazy'.")
    network = checked(network)
    refuse(network)
    written, stages = _blocks(network, style)
    init = init_weights(network.init, written, conv_bias=_conv_bias(network, written))
    functions = functions_of(stages)
    pieces = _helpers(network, written, style)
    pieces += [one.piece for one in written]
    by_name = {one.made.name: one for one in written}
    pieces += [make_layer(by_name[name], function) for name, function in functions.items()]
    pieces += [init] if init is not None else []
    whole = write_network(network, stages, functions, style, init is not None)
    return _assembled(network, style, [*pieces, whole], whole, written)


def _blocks(network: Network, style: Style) -> tuple[list[Written], Stages]:
    classes = classes_of(network)
    name_all(classes)
    written = [write_block(made, style, path) for made, path in zip(classes, _paths(classes, style), strict=True)]
    pairs = [(one, use) for one in written for use in one.made.uses]
    pairs.sort(key=lambda pair: pair[1].number)
    stages: list[tuple[Sequence[Written], Sequence[Use]]] = []
    for _, group in groupby(pairs, key=lambda pair: pair[1].stage):
        rows = list(group)
        stages.append(([one for one, _ in rows], [use for _, use in rows]))
    return written, stages


def _paths(classes: Sequence[BlockClass], style: Style) -> list[PathFunction | None]:
    """For each class the function that makes its parallel paths, shared where the text is the same."""
    name = "make_path"
    texts = [parts.path(made, style, name).text if made.laned else "" for made in classes]
    distinct = [text for text in dict.fromkeys(texts) if text]
    functions: dict[str, PathFunction | None] = {"": None}
    for i, text in enumerate(distinct, 1):
        own = name if len(distinct) == 1 else f"{name}{i}"
        functions[text] = PathFunction(own, parts.path(classes[texts.index(text)], style, own))
    return [functions[text] for text in texts]


def _conv_bias(network: Network, written: Sequence[Written]) -> bool:
    blocks = [one.made.block for one in written]
    return stem_bias(network) or any(
        block.bias or block.norm == "none" or block.gated or block.attention != "none" for block in blocks
    )


def _helpers(network: Network, written: Sequence[Written], style: Style) -> list[Piece]:
    """The small parts, in the order in which a reader meets them."""
    found: list[Piece] = []
    made = [one.made for one in written]
    paths = list({id(one.path.piece): one.path.piece for one in written if one.path}.values())
    body = "\n".join(piece.text for piece in [*(one.piece for one in written), *paths])
    if "group_norm(" in body:
        found.append(parts.group_norm())
    if "zero_pad(" in body:
        found.append(parts.zero_pad(any(m.around == "padded" and m.strided for m in made)))
    found += [parts.squeeze_excitation(style)] if "SqueezeExcitation(" in body else []
    found += [parts.drop_path()] if "DropPath(" in body else []
    if "Gate(" in body:
        found.append(parts.gate(next(m for m in made if m.block.gated), style))
    return found + paths


_IMPORTS = (
    ("from collections import OrderedDict", r"\bOrderedDict\("),
    ("from math import gcd", r"\bgcd\("),
    ("import torch", r"\btorch\."),
    ("from torch import Tensor, nn", r"\bnn\."),
    ("from torch.nn import functional as F", r"\bF\."),
)


def _assembled(network: Network, style: Style, pieces: list[Piece], whole: Piece, written: Sequence[Written]) -> Source:
    body = "\n".join(piece.text for piece in pieces)
    top = Piece(header(network, style, init="def init_weights" in body))
    top.add("")
    imports = [line for line, called in _IMPORTS if re.search(called, body)]
    own = [line for line in imports if "torch" not in line]
    top.lines += [*own, *([""] if own else []), *(line for line in imports if "torch" in line), ""]
    top.add(f'__all__ = ["{network_name(network)}"]')
    if re.search(r"\bLane\b", body):
        pooled = any(one.made.pooled for one in written)
        top.add("")
        top.add("Lane = tuple[str, list[tuple[int, int]]]" if pooled else "Lane = list[tuple[int, int]]")
    starts: dict[int, int] = {}
    for piece in pieces:
        top.lines += ["", ""]
        starts[id(piece)] = len(top.lines)
        top.lines += piece.lines
    return Source(top.text + "\n", _lines(pieces, starts, whole, written))


def _lines(
    pieces: list[Piece], starts: dict[int, int], whole: Piece, written: Sequence[Written]
) -> dict[str, tuple[int, int]]:
    """The lines of all module paths: of a block those of its class, of its parts those in the class or in a helper."""

    def at(piece: Piece, name: str) -> tuple[int, int]:
        first, last = piece.marks[name]
        return first + starts[id(piece)] + 1, last + starts[id(piece)] + 1

    found = {name: at(whole, name) for name in whole.marks if name}
    paths = [one.path.piece for one in written if one.path]
    apart = [whole, *paths, *(one.piece for one in written)]
    helpers = [(piece, name) for piece in pieces if not any(piece is one for one in apart) for name in piece.marks]
    for one in written:
        own = {name: at(one.piece, name) for name in one.piece.marks}
        called = {name: at(piece, name) for piece, name in helpers if name.partition(".")[0] in own}
        inside = {name: at(one.path.piece, name) for name in one.path.piece.marks} if one.path else {}
        for use in one.made.uses:
            for name, place in (own | called | inside).items():
                found[f"{use.path}.{name}" if name else use.path] = place
    return found
