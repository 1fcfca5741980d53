"""Which device computes in which precision, and what the settings of the process are meanwhile."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from resnet_viz.data import load
from resnet_viz.inspect import layers
from resnet_viz.spec import Recipe, SpecError, preset
from resnet_viz.train import devices, precision
from resnet_viz.train.engine import EagerEngine

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def flags(tmp_path, monkeypatch):
    """What the processor says of itself."""
    monkeypatch.setattr(precision, "CPU_INFO", tmp_path / "cpuinfo")

    def say(text: str) -> None:
        (tmp_path / "cpuinfo").write_text(f"model name : a\nflags : fpu {text}\n")

    return say


def test_a_cpu_takes_bf16_where_it_has_the_instructions(flags):
    with pytest.raises(SpecError) as refused:
        devices.choose("cpu", "bf16")
    assert str(refused.value) == "This processor has no instructions for bf16: choose the precision fp32."
    flags("avx512f")
    with pytest.raises(SpecError):
        devices.choose("cpu", "bf16")
    flags("avx512f amx_bf16")
    assert devices.choose("cpu", "bf16") == CPU == devices.choose("cpu")
    with pytest.raises(SpecError) as refused:
        devices.choose("cpu", "tf32")
    assert str(refused.value) == "Only a GPU computes in tf32: choose the precision fp32."


def test_an_old_gpu_takes_neither(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    precision.check("fp32", CUDA)
    with pytest.raises(SpecError, match="choose the precision fp32, not bf16"):
        precision.check("bf16", CUDA)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    precision.check("tf32", CUDA)


def test_two_races_of_a_process_agree_on_tf32_and_the_last_puts_it_back():
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    with devices.calculation(CUDA, "tf32"):
        assert torch.backends.cuda.matmul.allow_tf32 and torch.backends.cudnn.allow_tf32
        with pytest.raises(SpecError) as refused, devices.calculation(CUDA, "fp32"):
            pass
        assert (
            str(refused.value) == "Another run of this process computes in tf32: start this one when that one is over."
        )
        with devices.calculation(CUDA, "tf32"):
            pass
        assert torch.backends.cudnn.allow_tf32
    assert before == (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32)


def test_bf16_is_near_fp32_and_keeps_weights_and_telemetry_in_float32():
    """At the first step: rows within what eight bits of fraction give, and norms not rounded to them."""
    network, data = preset("tiny_resnet8"), load("digits")
    found = {}
    for kind in ("fp32", "bf16"):
        engine = EagerEngine(
            network, Recipe(precision=kind, augment="crop_flip"), data, [layer.path for layer in layers(network)], CPU
        )
        engine.compute(0, 0.1)
        engine.update(0.1)
        found[kind] = engine.probe.take()[1][0]
        assert {value.dtype for value in engine.model.parameters()} == {torch.float32}
        assert all(0 <= error <= 1 for error in engine.evaluate())
    wide, narrow = found["fp32"], found["bf16"]
    assert not np.array_equal(wide, narrow)
    np.testing.assert_allclose(narrow[[0, *range(3, len(wide))]], wide[[0, *range(3, len(wide))]], rtol=0.1)
    rounded = torch.from_numpy(narrow).bfloat16().float().numpy()
    assert (rounded[3:] != narrow[3:]).all()
