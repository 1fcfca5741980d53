"""The race draft: its edits, refusals and address; hypothesis for the round trip through the URL."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resnet_viz.spec import Block, Network, Recipe, Stage, decode, encode, plain_twin, preset, presets
from resnet_viz.ui.race_state import (
    Address,
    RaceError,
    contestant_name,
    default_experiment,
    preset_of,
    read_address,
    start_from,
    with_network,
    with_recipe,
    with_twin,
    without,
    write_address,
)


def test_the_default_race() -> None:
    race = default_experiment()
    assert list(race.contestants) == ["plain-56", "residual-56"]
    assert (race.dataset, race.steps) == ("digits", 96)
    assert race.recipe == Recipe()
    assert write_address(race) == {}


def test_start_from_the_default_network_is_the_default_race() -> None:
    assert start_from(preset("tiny_resnet56")) == (default_experiment(), ())
    assert start_from(preset("tiny_plain56")) == (default_experiment(), ())


def test_start_from_fits_the_network_and_says_how() -> None:
    race, changes = start_from(preset("resnet18"))
    assert list(race.contestants) == ["plain18", "resnet18"]
    plain, residual = race.contestants.values()
    assert plain.is_plain and not residual.is_plain
    assert str(residual.input) == "1 x 8 x 8"
    assert changes == (
        "input 3 x 224 x 224 becomes 1 x 8 x 8",
        "1000 classes become 10",
        "the stem becomes 3 x 3 with stride 1 and no pool",
    )


@pytest.mark.parametrize("name", presets())
def test_every_preset_can_race_its_twin(name: str) -> None:
    race, _ = start_from(preset(name))
    first, second = race.contestants.values()
    assert first.is_plain and not second.is_plain
    assert decode(write_address(race)["x"]) == race if race != default_experiment() else write_address(race) == {}


def test_a_network_that_no_digit_fits_is_refused_in_one_sentence() -> None:
    narrowing = Network(
        stages=(Stage(block=Block(width=32)), Stage(block=Block(width=8, shortcut="A"))), name="narrowing"
    )
    with pytest.raises(RaceError) as caught:
        start_from(narrowing)
    assert str(caught.value) == (
        "Stage 2, block 1 goes from 32 to 8 channels, and shortcut A can only add zero channels: "
        "use shortcut B, or a larger width."
    )
    assert caught.value.field == "contestants"


def test_contestants_are_exchanged_added_and_removed() -> None:
    race, changes = with_network(default_experiment(), 0, preset("tiny_plain20"))
    assert (list(race.contestants), changes) == (["plain-20", "residual-56"], ())
    three, _ = with_network(race, 2, preset("tiny_resnet56"))
    assert list(three.contestants) == ["plain-20", "residual-56", "residual-56 (2)"]
    assert list(without(three, 0).contestants) == ["residual-56", "residual-56 (2)"]
    with pytest.raises(RaceError, match=r"^A race needs at least one contestant\.$"):
        without(without(without(three, 0), 0), 0)


def test_six_contestants_at_most() -> None:
    race = default_experiment()
    for index in range(2, 6):
        race, _ = with_network(race, index, preset("tiny_plain8"))
    assert len(race.contestants) == 6
    with pytest.raises(RaceError, match=r"^A race has at most 6 contestants\.$"):
        with_network(race, 6, preset("tiny_plain8"))


def test_a_twin_keeps_the_recipe() -> None:
    race = with_recipe(without(default_experiment(), 0), seed=7)
    assert list(race.contestants) == ["residual-56"]
    twins = with_twin(race, 0)
    assert list(twins.contestants) == ["plain-56", "residual-56"]
    assert twins.recipe.seed == 7


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("epochs", 0, "Epochs is 0: it must be at least 1."),
        ("batch", 1, "Batch is 1: it must be at least 2."),
        ("learning_rate", 0.0, "Learning_rate is 0.0: it must be above 0."),
        ("learning_rate", float("nan"), "Learning_rate is nan: input should be a finite number."),
        ("seed", -1, "Seed is -1: it must be at least 0."),
        ("pace", 1001, "Pace is 1001: it must be at most 1000."),
        ("epochs", None, "Epochs is None: input should be a valid integer."),
    ],
)
def test_a_refused_recipe_names_its_field(field: str, value: Any, sentence: str) -> None:
    with pytest.raises(RaceError) as caught:
        with_recipe(default_experiment(), **{field: value})
    assert (str(caught.value), caught.value.field) == (sentence.replace("_", " "), field)


def test_too_many_steps_in_all() -> None:
    with pytest.raises(RaceError) as caught:
        with_recipe(with_recipe(default_experiment(), epochs=10_000), batch=2)
    assert str(caught.value) == "7500000 steps are above 1000000: use fewer epochs or a larger batch."


def test_names_of_contestants() -> None:
    assert contestant_name(preset("tiny_plain20")) == "plain-20"
    assert contestant_name(plain_twin(preset("tiny_resnet20"))) == "plain-20"
    odd = preset("resnet18").model_copy(update={"name": "a/b" + "c" * 77})
    assert contestant_name(odd) == "a-b" + "c" * 77
    assert contestant_name(odd, ("a-b" + "c" * 77,)) == "a-b" + "c" * 73 + " (2)"


def test_which_preset_a_contestant_is() -> None:
    plain, residual = start_from(preset("resnet18"))[0].contestants.values()
    assert (preset_of(plain), preset_of(residual)) == ("plain18", "resnet18")
    assert preset_of(residual.model_copy(update={"name": "mine"})) is None


def test_the_address_of_a_run_has_no_experiment() -> None:
    race = with_recipe(default_experiment(), seed=3)
    assert write_address(race, "250101-000000-abcdef") == {"run": "250101-000000-abcdef"}
    assert read_address(write_address(race)) == Address(race)


def test_a_network_in_the_address_races_its_twin() -> None:
    address = read_address({"x": encode(preset("tiny_resnet8"))})
    assert address.experiment is not None
    assert list(address.experiment.contestants) == ["plain-8", "residual-8"]


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"x": "x1.AAAA"}, "This share link is damaged: ask for it once more."),
        ({"x": "x9.AAAA"}, "This link has format 'x9', and this version reads x1 and x2: update ResNet Viz."),
        ({"x": "hello"}, "This is not a share link of ResNet Viz: it was cut or changed. Ask for it once more."),
        ({"run": "../../etc/passwd"}, "The address names a run in a form that no run has."),
        ({"run": "a" * 65}, "The address names a run in a form that no run has."),
    ],
)
def test_broken_addresses_are_one_sentence(params: dict[str, str], problem: str) -> None:
    assert read_address(params) == Address(problem=problem)


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(st.sampled_from(presets()), min_size=1, max_size=6),
    seed=st.integers(0, 2**31 - 1),
    epochs=st.integers(1, 100),
    rate=st.floats(1e-6, 100, allow_nan=False),
)
def test_round_trip_through_the_address(names: list[str], seed: int, epochs: int, rate: float) -> None:
    race = default_experiment()
    for index, name in enumerate(names):
        race, _ = with_network(race, index, preset(name))
    race = with_recipe(race, seed=seed, epochs=epochs, learning_rate=rate)
    assert read_address(write_address(race)).experiment in (race, None if race == default_experiment() else race)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200), st.text(max_size=80))
def test_any_text_in_the_address_is_read_or_refused(x: str, run: str) -> None:
    address = read_address({"x": x, "run": run})
    assert (address.experiment is None) or (address.problem is None)
