"""Modules as a person could have written them, for the tests of ``app --model``. No spec of ours is behind them."""

from __future__ import annotations

import torch
from torch import nn


def mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(192, 16), nn.ReLU(), nn.Linear(16, 4))


class Decides(nn.Module):
    """Takes one of two ways, by its data: torch.fx cannot follow that."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.fc = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        if x.mean() > 0:
            x = -x
        scores: torch.Tensor = self.fc(x.mean((2, 3)))
        return scores


class Beside(nn.Module):
    """An addition at the top, with a projection that is a container of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.body = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1))
        self.short = nn.Sequential(nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        y: torch.Tensor = self.body(x) + self.short(x)
        return y


class Counting(nn.Module):
    """Keeps count of its calls, has a weight of its own, one in two places, and one that it never uses."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.scale = nn.Parameter(torch.ones(3, 1, 1))
        self.norm = nn.BatchNorm2d(3)
        self.again = nn.Conv2d(3, 3, 3, padding=1)
        self.never = nn.Linear(5, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        y: torch.Tensor = self.again(self.again(self.norm(x * self.scale)))
        return y


class Raises(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise ValueError("three channels are wanted.\nand more")


def breaks() -> nn.Module:
    raise RuntimeError("no licence")


def nothing() -> None:
    return None


number = 3
