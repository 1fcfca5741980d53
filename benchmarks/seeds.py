"""Several seeds of one network on a CPU: one batched step of all of them against a step of each.

    python -m benchmarks.seeds [--rounds 7] [--seeds 3 5]

The batched step is ``torch.func.stack_module_state`` with ``vmap`` over gradient and loss; the others are what the
engine does for each seed. Both are timed in processor seconds of one thread, in turns, forward and backward and the
norms of all gradients; the optimizer costs the same either way. The steps of each seed can moreover run in threads side
by side, one a core, which the batched step cannot: a ratio below one is already the whole answer.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
import warnings
from collections.abc import Callable

import torch
from torch.func import functional_call, grad_and_value, stack_module_state, vmap
from torch.nn import functional

from resnet_viz.nn import build
from resnet_viz.spec import preset
from resnet_viz.train.devices import device_name


def contenders(name: str, seeds: int, batch: int) -> dict[str, Callable[[], torch.Tensor]]:
    """Both ways to one step of all seeds; each gives the losses."""
    models = [build(preset(name), seed=seed).to(memory_format=torch.channels_last).train() for seed in range(seeds)]
    x, y = torch.rand(seeds, batch, 1, 8, 8), torch.randint(0, 10, (seeds, batch))
    weights, buffers = stack_module_state(models)  # type: ignore[arg-type]
    base = copy.deepcopy(models[0]).to("meta")

    def loss(p: object, b: object, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(functional_call(base, (p, b), (images,)), labels)  # type: ignore[arg-type]

    step = vmap(grad_and_value(loss))

    def batched() -> torch.Tensor:
        gradients, losses = step(weights, buffers, x, y)
        torch._foreach_norm(list(gradients.values()), 2)
        return losses  # type: ignore[no-any-return]

    def each() -> torch.Tensor:
        losses = []
        for model, images, labels in zip(models, x, y, strict=True):
            model.zero_grad()
            losses.append(functional.cross_entropy(model(images.contiguous(memory_format=torch.channels_last)), labels))
            losses[-1].backward()  # type: ignore[no-untyped-call]
            torch._foreach_norm([p.grad for p in model.parameters() if p.grad is not None], 2)
        return torch.stack(losses).detach()

    return {"batched": batched, "each": each}


def main() -> None:
    """Time both, print milliseconds a step of all seeds and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 5])
    parser.add_argument("--networks", nargs="+", default=["tiny_resnet8", "tiny_resnet56"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print(f"{device_name(torch.device('cpu'))}, torch {torch.__version__}")
    for name in options.networks:
        for seeds in options.seeds:
            timed = contenders(name, seeds, 128)
            first = [run() for run in timed.values()]
            torch.testing.assert_close(*first, rtol=1e-4, atol=1e-4)
            seconds: dict[str, list[float]] = {way: [] for way in timed}
            for _ in range(options.rounds):
                for way, run in timed.items():
                    start = time.thread_time()
                    run()
                    seconds[way].append(time.thread_time() - start)
            ratio = statistics.median(a / b for a, b in zip(seconds["each"], seconds["batched"], strict=True))
            words = ", ".join(f"{way} {1000 * statistics.median(values):.0f} ms" for way, values in seconds.items())
            print(f"{name}, {seeds} seeds: {words}; each / batched {ratio:.2f}")


if __name__ == "__main__":
    main()
