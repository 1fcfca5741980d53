"""One thread: these networks are tiny, and threads that wait for a busy core take longer than the work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tests.oracles.conftest import tv

__all__ = ["one_thread", "tv"]


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
