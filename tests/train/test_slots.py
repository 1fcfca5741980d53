"""Never more at once than there are slots, served in the order of asking."""

import threading
import time

import pytest

from resnet_viz.train.slots import Slots


def test_no_more_than_the_slots_work_at_once_and_all_get_a_turn():
    slots, lock = Slots(2), threading.Lock()
    inside, most, done = 0, 0, []

    def work(name):
        nonlocal inside, most
        for _ in range(30):
            with slots:
                with lock:
                    inside += 1
                    most = max(most, inside)
                time.sleep(0.0002)
                with lock:
                    inside -= 1
        done.append(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2 and inside == 0 and sorted(done) == list(range(5))


def test_those_who_wait_are_served_in_order():
    slots, order = Slots(1), []

    def work(name):
        with slots:
            order.append(name)

    with slots:
        threads = []
        for name in range(4):
            threads.append(threading.Thread(target=work, args=(name,)))
            threads[-1].start()
            while len(slots._waiting) <= name:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3]


def test_a_slot_is_given_back_when_the_work_fails():
    slots = Slots(1)
    with pytest.raises(ZeroDivisionError), slots:
        _ = 1 / 0
    with slots:
        assert slots._free == 0
    assert slots._free == 1


def test_no_slot_at_all_is_refused():
    with pytest.raises(ValueError, match=r"^there is work for at least one slot, not 0$"):
        Slots(0)
