"""Which devices train here, and how the choice of an Apple GPU is made; there is none at hand, so it is pretended."""

from __future__ import annotations

import pytest
import torch

from resnet_viz.spec import Recipe, SpecError
from resnet_viz.train import devices, precision, probes, timing
from resnet_viz.train.probes import Probe


def test_an_apple_gpu_is_taken_by_choice_only(monkeypatch):
    with pytest.raises(SpecError) as refused:
        devices.choose("mps")
    assert str(refused.value) == "This machine has no Apple GPU that torch can use: choose the device cpu or auto."
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert devices.choose("mps") == torch.device("mps") and devices.choose("auto").type != "mps"
    for kind in ("tf32", "bf16"):
        with pytest.raises(SpecError, match="choose the precision fp32"):
            devices.choose("mps", kind)
    precision.check("fp32", torch.device("mps"))
    assert Recipe(device="mps").device == "mps"


def test_norms_on_an_apple_gpu_are_in_single_precision(monkeypatch):
    """It has no double; the columns are the same."""
    model = torch.nn.Sequential(torch.nn.Linear(3, 2))
    made, zeros = {}, torch.zeros
    for kind in ("cpu", "mps"):
        with monkeypatch.context() as patch:
            patch.setattr(probes.torch, "zeros", lambda *size, device=None: zeros(*size))
            made[kind] = Probe(model, ["0"], [], torch.device(kind))
    model(torch.ones(4, 3)).sum().backward()
    rows = {kind: probe.measure(torch.tensor(1.0), torch.tensor(0.5)) for kind, probe in made.items()}
    assert rows["mps"].dtype == torch.float32
    torch.testing.assert_close(rows["mps"], rows["cpu"])


def test_the_doctor_times_the_cpu_and_compares_an_apple_gpu_with_it(monkeypatch):
    monkeypatch.setattr(timing, "WARM", 1)
    monkeypatch.setattr(timing, "STEPS", 1)
    lines = timing.report()
    assert lines[1].startswith("cpu: ") and lines[1].endswith("ms a step of tiny_resnet20")
    if not torch.cuda.is_available():
        assert lines[2].startswith("cuda: This machine has no CUDA device")
    monkeypatch.setattr(timing, "choose", lambda kind: torch.device(kind))
    monkeypatch.setattr(timing, "step_seconds", lambda device: {"cpu": 0.06, "cuda": 0.01, "mps": 0.02}[device.type])
    monkeypatch.setattr(timing, "device_name", lambda device: "a device")
    assert timing.report()[3:] == [
        "mps: a device, 20.0 ms a step of tiny_resnet20",
        "mps: 3.0 times as fast as the CPU here; it is taken only by choice (--device mps), eager and in fp32.",
    ]
