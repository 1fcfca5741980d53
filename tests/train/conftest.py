"""Tests marked ``cuda`` are left out where there is no such device."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("cuda")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        items[:] = [item for item in items if item not in marked]
        config.hook.pytest_deselected(items=marked)


@pytest.fixture(autouse=True)
def one_thread():
    """As in a race: one thread inside each operation, so that sums are added in the same order."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
