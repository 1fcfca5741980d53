"""Words are explained where they occur: each of them somewhere, none where it means something else."""

from __future__ import annotations

import pytest

from resnet_viz.labs import Lab, labs
from resnet_viz.labs.words import WORDS, found, words_of


def terms(text: str) -> set[str]:
    return {word.term for word in found(text)}


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.term)
def test_each_word_occurs_in_some_lab(word: object) -> None:
    assert any(word in words_of(lab.slug) for lab in labs())


@pytest.mark.parametrize("lab", labs(), ids=lambda lab: lab.slug)
def test_each_lab_explains_some_words(lab: Lab) -> None:
    assert 2 <= len(words_of(lab.slug)) <= 12


@pytest.mark.parametrize(("text", "expected"), [
    ("A plain net without shortcuts", {"plain net", "shortcut"}),
    ("plain digits are too easy", set()),
    ("Statistics estimated again", {"stale statistics, statistics estimated again"}),
    ("a learned GATE", {"gate, highway"}),
    ("the loss does not curve *down*", {"curves down"}),
    ("investigate delegates", set()),
])  # fmt: skip
def test_a_word_is_found_by_its_pattern(text: str, expected: set[str]) -> None:
    assert terms(text) == expected


def test_the_lab_of_lesions_says_what_stale_statistics_are() -> None:
    assert "stale statistics, statistics estimated again" in {word.term for word in words_of("lesion")}
