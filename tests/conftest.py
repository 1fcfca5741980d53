"""One thread inside an operation, in the tests and in the processes that they start.

The networks are tiny, and threads that wait for a busy core take longer than the work; sums are added in one order.
"""

import os

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything imports torch


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test in a real browser gets a second attempt: it shares two cores with others, and a moment may pass too late.

    The summary names each that needed it ("RERUN"): look at those, the reason may be ours.
    """
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))
