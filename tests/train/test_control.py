"""Steering: who may take which step, without any training."""

import threading
import time

import pytest

from resnet_viz.spec import Recipe
from resnet_viz.train.control import WINDOW, Control


def control(steps: int = 100, **recipe) -> Control:
    return Control(("a", "b"), Recipe(warmup_steps=0, **recipe), steps)


def at(steer: Control, a: int, b: int) -> None:
    steer.begin("a", a)
    steer.begin("b", b)


def test_without_a_command_every_step_may_be_taken():
    steer = control()
    at(steer, 5, 5)
    assert steer.turn("a", 5, 0) is True


def test_a_pause_brings_all_to_the_step_of_the_one_in_front_and_holds_them_there():
    steer = control()
    at(steer, 7, 5)
    steer.pause()
    assert steer.paused
    assert [steer.turn("b", step, 0) for step in (5, 6, 7)] == [True, True, None]


def test_a_pause_before_the_start_lets_the_first_row_be_computed_and_nothing_more():
    steer = control()
    steer.pause()
    assert steer.begin("a", 0) == steer.begin("b", 0) == 0.1
    assert steer.turn("b", 0, 0) is None


def test_one_step_is_one_step_for_everybody_also_out_of_a_running_race():
    steer = control()
    at(steer, 3, 3)
    steer.pause()
    steer.step()
    assert [steer.turn("b", step, 0) for step in (3, 4)] == [True, None]
    steer.step()
    assert [steer.turn("b", step, 0) for step in (4, 5)] == [True, None]
    running = control()
    at(running, 3, 2)
    running.step()
    assert running.paused
    assert [running.turn("b", step, 0) for step in (3, 4)] == [True, None]


def test_a_race_rests_once_all_are_held_or_over_and_nothing_is_to_be_measured():
    steer = control()
    at(steer, 7, 6)
    steer.pause()
    assert not steer.resting
    steer.turn("a", 7, 0)
    assert steer.turn("b", 6, 0) and not steer.resting, "b has an update to do, and the row after it"
    steer.begin("b", 7)
    assert not steer.resting
    steer.turn("b", 7, 0)
    assert steer.resting
    steer.ask("sharpness", {})
    assert not steer.resting
    for name in "ab":
        assert steer.turn(name, 7, 60) is None
        steer.asked(name, 7)
        assert not steer.resting, f"{name} measures"
        steer.turn(name, 7, 0)
    assert steer.resting
    steer.step()
    assert not steer.resting
    steer.turn("a", 7, 0)
    steer.begin("a", 8)
    steer.turn("a", 8, 0)
    steer.end("b")
    assert steer.resting
    steer.resume()
    assert not steer.resting


def test_resume_lets_them_go_on():
    steer = control()
    at(steer, 3, 3)
    steer.pause()
    steer.resume()
    assert not steer.paused
    assert steer.turn("a", 3, 0) is True


def test_stop_wakes_those_who_wait():
    steer = control()
    at(steer, 1, 1)
    steer.pause()
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(steer.turn("a", 1, 60)))
    waiting.start()
    time.sleep(0.02)
    steer.stop()
    waiting.join(5)
    assert answers == [False]


def test_a_learning_rate_takes_effect_at_the_same_step_for_all_and_no_begun_one():
    steer = control()
    at(steer, 6, 4)
    assert steer.set_learning_rate(0.02) == 7
    assert [steer.begin("b", step) for step in (5, 6, 7)] == [0.1, 0.1, 0.02]
    assert steer.begin("a", 7) == 0.02


def test_a_learning_rate_after_the_last_step_changes_nothing():
    steer = control(steps=10)
    at(steer, 9, 8)
    assert steer.set_learning_rate(0.5) is None
    assert steer.begin("b", 9) == 0.1


def test_a_pace_spreads_the_steps_and_zero_lifts_it():
    steer = control()
    at(steer, 0, 0)
    assert steer.set_pace(50) == 0
    begin = time.monotonic()
    for step in range(5):
        assert steer.turn("a", step, 60) is True
        at(steer, step + 1, step + 1)
    took = time.monotonic() - begin
    assert took == pytest.approx(0.1, abs=0.05) or took > 0.1  # a busy machine may be slower, never faster
    assert steer.set_pace(0) == 5
    assert steer.turn("a", 5, 0) is True


def test_the_fast_one_waits_for_the_slow_one_but_not_the_other_way_round():
    steer = control()
    at(steer, WINDOW, 0)
    assert steer.turn("a", WINDOW, 0) is None
    assert steer.turn("b", 0, 0) is True
    steer.begin("b", 1)
    assert steer.turn("a", WINDOW, 0) is True


def test_who_has_finished_holds_nobody_up():
    steer = control(steps=20)
    at(steer, 19, 5)
    steer.end("b")
    assert steer.turn("a", 19, 0) is True
    assert steer.reached == 20


def test_a_pause_reckons_with_the_step_that_was_just_allowed():
    steer = control()
    at(steer, 5, 5)
    assert steer.turn("a", 5, 0) is True
    steer.pause()
    assert [steer.turn("b", step, 0) for step in (5, 6)] == [True, None]
    assert steer.turn("a", 6, 0) is None
