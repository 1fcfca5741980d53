"""What telemetry costs: training steps with no probe, with those of every step, and with all that there are.

    python -m benchmarks.probes [--rounds 9] [--steps 12] [--preset tiny_resnet56]

Processor seconds of one thread, the plans in turns within each round, so that a change of the machine's speed meets all
alike; each ratio is the median of the rounds' own ratios. "none" is the same engine with an empty probe.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time

import torch

from resnet_viz.data import load
from resnet_viz.inspect import layers
from resnet_viz.spec import ProbePlan, Recipe, preset
from resnet_viz.train.devices import device_name
from resnet_viz.train.engine import EagerEngine
from resnet_viz.train.probes import Probe

CPU = torch.device("cpu")
PLANS = {
    "default": ProbePlan(),
    "all, every 10 steps": ProbePlan.full(10),
    "all, every step": ProbePlan.full(1),
    **{f"default and {key}, every step": ProbePlan(periods={key: 1}) for key in ProbePlan.full().periods},
}


def engines(name: str) -> dict[str, EagerEngine]:
    """One engine a plan, all from the same weights; in the first nothing is measured."""
    network, data = preset(name), load("digits")
    paths = [layer.path for layer in layers(network)]
    made = {}
    for title, plan in ({"none": ProbePlan()} | PLANS).items():
        engine = made[title] = EagerEngine(network, Recipe(probes=plan), data, paths, CPU)
        if title == "none":
            for module in engine.model.modules():
                module._forward_pre_hooks.clear()
            engine.probe = Probe(engine.model, [], [], CPU)
            engine.probe.record = lambda *row: None  # type: ignore[method-assign]
    return made


def timed(engine: EagerEngine, first: int, steps: int) -> float:
    """Processor seconds a step."""
    start = time.process_time()
    for step in range(first, first + steps):
        engine.compute(step, 0.01)
        engine.update(0.01)
        if engine.probe.waiting > 8:
            engine.probe.take()
    return (time.process_time() - start) / steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=10, help="steps of each timing; a multiple of ten is fair")
    parser.add_argument("--preset", default="tiny_resnet56")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{options.preset}, digits, batch 128; {device_name(CPU)}; Python {platform.python_version()}, "
          f"torch {torch.__version__}")  # fmt: skip
    made = engines(options.preset)
    seconds: dict[str, list[float]] = {title: [] for title in made}
    for place in range(options.rounds + 1):  # the first round warms up
        for title, engine in made.items():
            took = timed(engine, place * options.steps, options.steps)
            if place:
                seconds[title].append(took)
    base = seconds["default"]
    for title, values in seconds.items():
        ratio = statistics.median(value / other for value, other in zip(values, base, strict=True))
        print(f"{1000 * statistics.median(values):7.2f} ms   {ratio:6.3f} of default   {title}")


if __name__ == "__main__":
    main()
