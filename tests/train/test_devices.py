"""Cores and devices as a race counts them."""

import os

import pytest
import torch

from resnet_viz.spec import SpecError
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


@pytest.fixture
def gpus(monkeypatch):
    """A machine with GPUs that have so much memory free each."""

    def have(*free):
        def info(device):
            if free[device.index] is None:
                raise RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable")
            return free[device.index], 100

        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(free))
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
        monkeypatch.setattr(torch.cuda, "mem_get_info", info)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "GPU")

    return have


def test_of_several_gpus_the_least_used_one_is_chosen_and_named_with_its_index(gpus):
    gpus(30, None, 70, 70)
    assert [device.index for device in devices.gpus()] == [2, 3, 0, 1], "the second is in somebody's sole use"
    assert devices.choose("auto") == devices.choose("cuda") == torch.device("cuda", 2)
    assert devices.choose("cuda:1") == torch.device("cuda", 1) and devices.choose("cpu") == torch.device("cpu")
    assert devices.device_name(torch.device("cuda", 2)) == "GPU (cuda:2)"
    with pytest.raises(SpecError) as refused:
        devices.choose("cuda:4")
    assert str(refused.value) == "This machine has no CUDA device 4."


def test_with_one_gpu_there_is_nothing_to_choose_or_to_tell_apart(gpus, monkeypatch):
    gpus(30)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: pytest.fail("nobody has to know"))
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: pytest.fail("it is that one already"))
    assert devices.gpus() == [] and devices.choose("cuda") == torch.device("cuda", 0)
    devices.use(torch.device("cuda", 0))
    assert devices.device_name(torch.device("cuda", 0)) == "GPU"
