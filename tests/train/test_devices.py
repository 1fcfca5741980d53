"""Cores and devices as a race counts them."""

import os

import pytest
import torch

from resnet_viz.train import devices


@pytest.mark.parametrize(
    ("text", "count"),
    [("max 100000\n", 8), ("200000 100000\n", 2), ("50000 100000\n", 1), ("nonsense", 8), ("1600000 100000\n", 8)],
)
def test_a_containers_share_limits_the_cores(tmp_path, monkeypatch, text, count):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    share = tmp_path / "cpu.max"
    share.write_text(text)
    monkeypatch.setattr(devices, "CONTAINER_SHARE", share)
    assert devices.cores() == count


def test_threads_are_put_back_after_a_race():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with devices.calculation(torch.device("cpu")):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_header_names_the_processor_and_no_more_threads_than_cores(monkeypatch):
    monkeypatch.setattr(devices, "cores", lambda: 2)
    found = devices.describe(torch.device("cpu"), 3)
    assert found == {"kind": "cpu", "name": devices.device_name(torch.device("cpu")), "cores": 2, "threads": 2}
    assert found["name"]
