"""Spec files: there and back for each kind, and one sentence for what is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from resnet_viz.spec import Comparison, Experiment, Network, SpecError, preset, read_spec, write_spec
from resnet_viz.spec.files import MAX_FILE
from tests.strategies import drafts, experiments


@settings(max_examples=25, deadline=None)
@given(drafts())
def test_any_network_comes_back(network: Network) -> None:
    assert read_spec(write_spec(network)) == network


@settings(max_examples=10, deadline=None)
@given(experiments())
def test_any_experiment_comes_back(experiment: Experiment) -> None:
    back = read_spec(write_spec(experiment))
    assert isinstance(back, Experiment) and back == experiment
    assert list(back.contestants) == list(experiment.contestants)


def test_a_comparison_comes_back() -> None:
    pair = Comparison(networks=(preset("resnet50"), preset("plain34")))
    assert read_spec(write_spec(pair)) == pair


def test_a_network_may_be_called_like_a_field() -> None:
    named = Network(name='"contestants": "networks"')
    assert read_spec(write_spec(named)) == named


def test_what_an_editor_puts_in_front_is_skipped() -> None:
    assert read_spec(b"\xef\xbb\xbf" + write_spec(preset("resnet18"))) == preset("resnet18")


def broken(**update: Any) -> bytes:
    return json.dumps({**json.loads(write_spec(Network())), **update}).encode()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "This file is not JSON: open one that was saved here."),
        (b"[" * 100_000, "This file is not JSON: open one that was saved here."),
        (b"\xff\xfe{}", "This file is not JSON: open one that was saved here."),
        (b'{"stem": {"width": 1' + b"0" * 6000 + b"}}", "This file is not JSON: open one that was saved here."),
        (b" " * (MAX_FILE + 1), "This file has 1,000,001 bytes, and a spec file has at most 1,000,000."),
        (b"[]", "This file holds no network that can be: it is []: input should be a valid dictionary or instance of "
                "Network."),
        (b'{"contestants": {}}', "This file holds no race that can be: contestants is {}: dictionary should have at "
                                 "least 1 item after validation, not 0."),
        (b'{"networks": []}', "This file holds no comparison that can be: networks has 0 entries: it must have at "
                              "least 2."),
        (b'{"drop_path": {"survival": NaN}}', "This file holds no network that can be: drop_path.survival is nan: "
                                              "input should be a finite number."),
        (broken(version=2), "This file holds no network that can be: version is 2: input should be 1."),
        (broken(**{"a\nb": 1}), "This file holds no network that can be: 'a\\nb' is not a field that this version "
                                "knows."),
        (broken(**{"k" * 9000: 1}), f"This file holds no network that can be: {'k' * 77}... is not a field that this "
                                    "version knows."),
        (broken(stem={"width": 10**4000}), "This file holds no network that can be: stem.width is "
                                           "1000000000000000000000000000000000000...: it must be at most 8192."),
    ],
)  # fmt: skip
def test_broken_files_are_refused_in_one_sentence(data: bytes, told: str) -> None:
    with pytest.raises(SpecError) as refusal:
        read_spec(data)
    assert str(refusal.value) == told
