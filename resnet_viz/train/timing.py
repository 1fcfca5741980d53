"""How fast a training step with all telemetry is on each device of this machine, so that a person can choose."""

from __future__ import annotations

import platform
import statistics
import time

import torch

from ..data import load
from ..inspect import layers
from ..spec import Recipe, SpecError, preset
from .devices import calculation, choose, cores, device_name
from .engine import EagerEngine, on_device

NETWORK = "tiny_resnet20"
WARM, STEPS = 2, 5


def step_seconds(device: torch.device) -> float:
    """Median seconds of a step of a small residual network on digits, one contestant, by the eager engine."""
    network, data = preset(NETWORK), on_device(load("digits"), device)
    times = []
    with calculation(device):
        engine = EagerEngine(network, Recipe(), data, [layer.path for layer in layers(network)], device)
        with engine.on_stream():
            for step in range(WARM + STEPS):
                start = time.perf_counter()
                engine.compute(step, 0.1)
                engine.update(0.1)
                engine.probe.take()  # the device has done the step
                times.append(time.perf_counter() - start)
    return statistics.median(times[WARM:])


def report() -> list[str]:
    """One line for torch and one for each kind of device: its name and its step, or why it does not train."""
    lines = [f"Python {platform.python_version()}, torch {torch.__version__}, {cores()} CPU cores"]
    measured = {}
    for kind in ("cpu", "cuda", "mps"):
        try:
            device = choose(kind)
            measured[kind] = step_seconds(device)
            lines.append(f"{kind}: {device_name(device)}, {1000 * measured[kind]:.1f} ms a step of {NETWORK}")
        except (SpecError, RuntimeError) as error:
            lines.append(f"{kind}: {(str(error) or type(error).__name__).splitlines()[0]}")
    if "mps" in measured:
        times = measured["cpu"] / measured["mps"]
        said = f"{times:.1f} times as fast as" if times >= 1 else f"{1 / times:.1f} times slower than"
        lines.append(f"mps: {said} the CPU here; it is taken only by choice (--device mps), eager and in fp32.")
    return lines
