"""Learning rates by step, computed by hand."""

import pytest

from resnet_viz.spec import Recipe
from resnet_viz.train.schedule import Schedule


def rates(recipe: Recipe, steps: int, *changes: tuple[int, float]) -> list[float]:
    schedule = Schedule(recipe, steps)
    for step, value in changes:
        schedule.change(step, value)
    return [schedule[step] for step in range(steps)]


def test_warm_up_rises_in_equal_steps_to_the_learning_rate():
    found = rates(Recipe(learning_rate=0.8, warmup_steps=4), 6)
    assert found == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.8])


def test_no_warm_up_starts_at_the_learning_rate():
    assert rates(Recipe(learning_rate=0.3, warmup_steps=0), 3) == [0.3] * 3


def test_step_schedule_divides_by_ten_at_one_half_and_three_quarters():
    found = rates(Recipe(learning_rate=1.0, warmup_steps=0, schedule="step"), 8)
    assert found == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01])


def test_cosine_schedule_falls_to_half_in_the_middle():
    found = rates(Recipe(learning_rate=1.0, warmup_steps=0, schedule="cosine"), 4)
    assert found == pytest.approx([1, 0.5 + 0.5**1.5, 0.5, 0.5 - 0.5**1.5])


def test_a_change_by_hand_is_the_learning_rate_at_once_and_ends_the_warm_up():
    found = rates(Recipe(learning_rate=0.8, warmup_steps=4), 6, (2, 0.05))
    assert found == pytest.approx([0.2, 0.4, 0.05, 0.05, 0.05, 0.05])


def test_what_the_schedule_lowers_after_a_change_it_lowers_in_the_same_proportion():
    recipe = Recipe(learning_rate=1.0, warmup_steps=0, schedule="step")
    found = rates(recipe, 8, (5, 0.5), (7, 0.2))
    assert found == pytest.approx([1, 1, 1, 1, 0.1, 0.5, 0.05, 0.2])
