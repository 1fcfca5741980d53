"""The parameters of stem, blocks and head as products written out with their numbers, from the plan alone.

No module is asked: what is found here stands beside PyTorch's own count of the built module, and may differ from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from .block import Block
from .network import Network
from .plans import Convolution, Parallel, Plan, named, plan_of, projects, squeeze_width

Part = Literal["convolutions", "norms", "biases", "projection", "gate", "attention", "linear layer"]


@dataclass(frozen=True)
class Term:
    """``times`` equal products of the ``factors``: a factor is a number, or two that are divided (channels, groups)."""

    part: Part
    factors: tuple[int | tuple[int, int], ...]
    times: int = 1

    @property
    def value(self) -> int:
        """How many parameters these are."""
        found = self.times
        for factor in self.factors:
            found *= factor if isinstance(factor, int) else factor[0] // factor[1]
        return found

    def __str__(self) -> str:
        words = [str(factor) if isinstance(factor, int) else f"({factor[0]}/{factor[1]})" for factor in self.factors]
        product = "·".join(words)
        return product if self.times == 1 else f"{self.times} × {product}"


def written(terms: Iterable[Term]) -> str:
    """The terms as a sum: "2 × 3·3·64·64 + 2 × 2·64"; "0" for none."""
    return " + ".join(map(str, terms)) or "0"


def total(terms: Iterable[Term]) -> int:
    """What the sum is."""
    return sum(term.value for term in terms)


def block_terms(block: Block, channels: int, stride: int) -> tuple[Term, ...]:
    """The parameters of a block when ``channels`` enter it, equal products of one part taken together.

    A convolution has k·k·(in/groups)·out weights and, where nothing norms it or ``bias`` asks for it, ``out`` more; a
    norm has a scale and a shift for each channel.
    """
    plan = plan_of(block, channels, stride)
    convs = [conv for _, conv in named(plan)]
    biased, out = block.bias or block.norm == "none", block.out_width
    found = [_weights("convolutions", conv) for conv in convs]
    around: list[Term] = []
    if projects(block, channels, stride):
        around.append(_weights("projection", Convolution(channels, out, 1)))
        around += [Term("projection", (out,))] if biased else []
        around += [_norm("projection", out)] if block.norm_on_projection else []
    found += [_norm("norms", wide) for wide in _norms(block, channels, plan)]
    found += [Term("biases", (conv.out_channels,)) for conv in convs if biased]
    found += around
    if block.gated:
        found += [_weights("gate", Convolution(channels, out, block.gate_kernel)), Term("gate", (out,))]
    if block.attention == "squeeze_excitation":
        inside = squeeze_width(out)
        for conv in (Convolution(out, inside, 1), Convolution(inside, out, 1)):
            found += [_weights("attention", conv), Term("attention", (conv.out_channels,))]
    return _together(found)


def _norms(block: Block, channels: int, plan: Plan) -> list[int]:
    """Channels of each norm but a projection's. Paths have their own, but for what they share: the one in front of all
    of them in full pre-activation, and the one behind their sum or behind the addition."""
    if block.norm == "none":
        return []
    first = plan[0]
    paths = [path.convs for path in first.paths] if isinstance(first, Parallel) else [_convs(plan)]
    following = _convs(plan[1:]) if isinstance(first, Parallel) else ()
    if block.order == "preactivation":
        found = [channels]
        for convs in paths:
            found += [conv.in_channels for conv in convs[1:]]
            found += [convs[-1].out_channels] if following else []
        return found + [conv.in_channels for conv in following[1:]]
    summed = isinstance(first, Parallel) and first.join == "sum"
    shared = block.order == "bn_after_addition" or (summed and not following)
    ends = [following] if following else paths
    found = [conv.out_channels for convs in (*paths, following) for conv in convs]
    for convs in ends if shared else ():
        found.remove(convs[-1].out_channels)
    return found + [block.out_width] * shared


def _convs(parts: Iterable[Convolution | Parallel]) -> tuple[Convolution, ...]:
    return tuple(part for part in parts if isinstance(part, Convolution))


def stem_terms(network: Network) -> tuple[Term, ...]:
    """The parameters of the stem. One that is not activated is the bare convolution (He 2016b, appendix), without
    a bias where the first block begins with a norm; in front of one that begins with its activation it keeps its norm.
    """
    stem, first = network.stem, network.each[0]
    bare = not stem.activated and first.order != "relu_only_preactivation"
    normed_here = not bare and stem.norm != "none"
    normed_next = bare and first.order == "preactivation" and first.norm != "none"
    found = [_weights("convolutions", Convolution(network.input.channels, stem.width, stem.kernel))]
    found += [_norm("norms", stem.width)] if normed_here else []
    found += [Term("biases", (stem.width,))] if stem.bias or not (normed_here or normed_next) else []
    return tuple(found)


def head_terms(network: Network) -> tuple[Term, ...]:
    """The parameters of the head: the linear layer, and before it the norm that full pre-activation leaves to it."""
    last, classes = network.each[-1], network.head.classes
    norm = [_norm("norms", last.out_width)] if last.order == "preactivation" and last.norm != "none" else []
    return (*norm, Term("linear layer", (last.out_width, classes)), Term("linear layer", (classes,)))


def _weights(part: Part, conv: Convolution) -> Term:
    enters = conv.in_channels if conv.groups == 1 else (conv.in_channels, conv.groups)
    return Term(part, (conv.kernel, conv.kernel, enters, conv.out_channels))


def _norm(part: Part, channels: int) -> Term:
    return Term(part, (2, channels))


def _together(terms: Iterable[Term]) -> tuple[Term, ...]:
    """Equal products of one part as one term, in the order of their first."""
    found: dict[Term, int] = {}
    for term in terms:
        found[term] = found.get(term, 0) + 1
    return tuple(replace(term, times=times) for term, times in found.items())
