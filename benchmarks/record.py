"""What ``rv.record`` costs in a training loop of one's own: ``python -m benchmarks.record``.

The same loop with and without ``rec.step``, in turns of ten steps, on one thread: the mean of ``rec.step``, which now
and then writes to the store, against the median bare step; all in processor time. ResNet-18 is torchvision's where it
is installed, else ours (the same layers); the last loop is that of PyTorch's CIFAR-10 tutorial ("Training a
Classifier": two convolutions, batch 4, SGD), with random images. Prints one table row a loop.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable

import torch
from torch import nn

import resnet_viz as rv

TURN = 10
LOOPS = (
    ("ResNet-18, batch 8, 3 x 224 x 224", 8, 224, 40),
    ("ResNet-18, batch 32, 3 x 64 x 64", 32, 64, 40),
    ("ResNet-18, batch 128, 3 x 32 x 32", 128, 32, 40),
    ("ResNet-18, batch 32, 3 x 32 x 32", 32, 32, 80),
    ("ResNet-18, batch 8, 3 x 32 x 32", 8, 32, 120),
)


def resnet18() -> nn.Module:
    try:
        from torchvision.models import resnet18 as theirs
    except (ImportError, RuntimeError):
        return rv.build(rv.preset("resnet18"))
    return theirs()


class Tutorial(nn.Module):
    """The network of the tutorial, line by line."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(torch.relu(self.conv1(x)))
        x = torch.flatten(self.pool(torch.relu(self.conv2(x))), 1)
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))


def measure(make: Callable[[], nn.Module], batch: int, size: int, steps: int) -> tuple[float, float, float]:
    """Milliseconds of CPU time: medians of a step without and with recording, and the mean of ``rec.step`` alone."""
    torch.manual_seed(0)
    model = make().train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    x, y = torch.randn(batch, 3, size, size), torch.randint(10, (batch,))
    bare, recorded, alone = [], [], []
    with tempfile.TemporaryDirectory() as store, rv.record(model, store=store) as recorder:
        for step in range(steps):
            begin = time.thread_time()
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            if step // TURN % 2:
                before = time.thread_time()
                recorder.step(loss)
                alone.append(time.thread_time() - before)
                recorded.append(time.thread_time() - begin)
            else:
                bare.append(time.thread_time() - begin)
    typical = [statistics.median(kind[3:]) for kind in (bare, recorded)]
    return 1000 * typical[0], 1000 * typical[1], 1000 * statistics.mean(alone[3:])


def main() -> None:
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, one thread")
    print("loop                                      bare ms  recorded ms  rec.step ms  share of a step")
    loops = [(words, resnet18, *rest) for words, *rest in LOOPS]
    for words, make, batch, size, steps in (*loops, ("CIFAR-10 tutorial, batch 4, 3 x 32 x 32", Tutorial, 4, 32, 4000)):
        bare, recorded, alone = measure(make, batch, size, steps)
        print(f"{words:40}{bare:9.2f}{recorded:13.2f}{alone:13.3f}{100 * alone / bare:15.1f} %")


if __name__ == "__main__":
    main()
