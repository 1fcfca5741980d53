"""Three counts of every part: by formula from the spec, by PyTorch, by torchinfo; and what a wrong one does."""

from __future__ import annotations

import re
from dataclasses import replace
from math import prod
from typing import Any

import pytest
import torchinfo
from hypothesis import given, settings

from resnet_viz.draw.proof_table import agree, part_rows, proof_rows, proof_sentence
from resnet_viz.inspect import proofs, summarize
from resnet_viz.nn import build
from resnet_viz.spec import Block, Network, Stage, Stem, preset
from resnet_viz.spec.formula import block_terms, total, written
from tests.strategies import networks


def worth(text: str) -> int:
    """What a formula gives, read from its own words: sums of "2 × 3·3·(64/2)·64"."""
    found = 0
    for term in text.split(" + "):
        numbers = [int(n) if "/" not in n else int(n.partition("/")[0][1:]) / int(n.partition("/")[2][:-1])
                   for n in re.split(r" × |·", term)]  # fmt: skip
        found += round(prod(numbers))
    return found


def assert_proven(network: Network) -> None:
    """Against the whole network built anew, not the pieces that the proof counts."""
    model = build(network, "meta")
    found = proofs(network)
    blocks = [proof for proof in found if proof.block]
    assert [p.path for p in found] == [
        "stem", *(f"layer{s}.{b}" for s, stage in enumerate(network.stages, 1) for b in range(stage.blocks)), "head",
    ]  # fmt: skip
    for proof in blocks:
        unit = model.get_submodule(proof.path)
        numel = sum(parameter.numel() for parameter in unit.parameters())
        told = torchinfo.summary(unit, verbose=0, depth=1).total_params
        assert (worth(written(proof.terms)), proof.formula, proof.pytorch, proof.torchinfo) == (
            numel,
            numel,
            numel,
            told,
        )
    assert agree(found)
    assert sum(p.formula for p in found) == sum(p.numel() for p in model.parameters())


@settings(max_examples=12, deadline=None)
@given(networks())
def test_the_formula_is_the_count_of_every_block(network: Network) -> None:
    assert_proven(network)


KINDS: list[dict[str, Any]] = [
    {"merge": "none"}, {"merge": "none", "norm": "none"}, {"branch": "bottleneck"}, {"order": "preactivation"},
    {"branch": "bottleneck", "cardinality": 4}, {"branch": "bottleneck", "cardinality": 4, "form": "split_sum"},
    {"branch": "bottleneck", "cardinality": 4, "form": "split_concatenate", "order": "preactivation"},
    {"branch": "paths"}, {"branch": "paths", "order": "preactivation"}, {"merge": "highway", "gate_kernel": 3},
    {"merge": "shortcut_gate"}, {"attention": "squeeze_excitation"}, {"shortcut": "C"}, {"shortcut": "A"},
    {"shortcut": "C", "projection_norm": False, "bias": True}, {"bias": True}, {"norm": "group"}, {"norm": "layer"},
    {"order": "bn_after_addition"}, {"order": "relu_only_preactivation"}, {"order": "relu_before_addition"},
]  # fmt: skip


@pytest.mark.parametrize("fields", KINDS, ids=lambda fields: "-".join(map(str, fields.values())))
def test_every_kind_of_block_is_covered(fields: dict[str, Any]) -> None:
    block = Block.model_validate({"width": 8} | fields)
    wide = Block.model_validate({"width": 16} | fields)
    stem = Stem(width=8, activated=not block.preactivated)
    assert_proven(Network(stem=stem, stages=(Stage(blocks=2, block=block), Stage(stride=2, block=wide))))


@pytest.mark.parametrize(("block", "enters", "stride", "formula", "count"), [
    (Block(width=64), 64, 1, "2 × 3·3·64·64 + 2 × 2·64", 73_984),
    (Block(width=128), 64, 2, "3·3·64·128 + 3·3·128·128 + 2 × 2·128 + 1·1·64·128 + 2·128", 230_144),
    (Block(branch="bottleneck", width=64, cardinality=32, base_width=4), 256, 1,
     "1·1·256·128 + 3·3·(128/32)·128 + 1·1·128·256 + 2 × 2·128 + 2·256", 71_168),
])  # fmt: skip
def test_formulas_read_as_one_writes_them(block: Block, enters: int, stride: int, formula: str, count: int) -> None:
    terms = block_terms(block, enters, stride)
    assert (written(terms), total(terms)) == (formula, count)


def test_the_sums_are_the_networks() -> None:
    rows = proof_rows(proofs(preset("tiny_resnet20")))
    whole = f"{summarize(preset('tiny_resnet20')).params:,}"
    assert rows[1] == {
        "part": "layer1.0 … layer1.2", "written out": "3 × (2 × 3·3·8·8 + 2 × 2·8)", "formula": "3,552",
        "PyTorch": "3,552", "torchinfo": "3,552", "": "✓",
    }  # fmt: skip
    assert [*rows[-1].values()] == ["together", "", whole, whole, whole, "✓"]
    assert (
        proof_sentence(proofs(preset("tiny_resnet20"))) == f"{whole} parameters: formula, PyTorch and torchinfo agree."
    )


def test_a_wrong_count_is_said_and_two_that_cancel_are_no_agreement() -> None:
    stem, first, second, *_ = proofs(preset("tiny_resnet8"))
    more, less = replace(first, pytorch=first.pytorch + 1), replace(second, pytorch=second.pytorch - 1)
    assert not more.agrees and not agree([more, less]) and agree([stem, first])
    assert proof_sentence([stem, more]) == (
        "The three counts differ in layer1.0: there the formula gives 1,184, PyTorch counts 1,185, torchinfo 1,184."
    )
    assert proof_sentence([more, less]).startswith("The three counts differ in layer1.0 and 1 more: ")
    assert [row[""] for row in proof_rows([stem, more])] == ["✓", "≠", "≠"]
    assert [row["parameters"] for row in part_rows(more)] == ["1,152", "32", "1,184", "1,185", "1,184"]
    assert not replace(first, torchinfo=0).agrees
