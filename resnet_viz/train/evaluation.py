"""Train and test error on the whole sets, with batch-norm statistics that fit the weights of this moment.

Running averages lag behind: a residual-56 whose loss is 0.6 after 24 steps reads 80 to 87 % error with them. So
the statistics are estimated again on the training set before each evaluation, on a copy of the model.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from ..data import Dataset
from .precision import autocast

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
VALUES = 2**25
"""Values that one map of a chunk may have at most, so that an evaluation takes 128 MB for a map."""


def chunk_size(widest: int) -> int:
    """Images that an evaluation takes at once; ``widest`` as for :class:`Evaluator`."""
    return max(128, VALUES // widest)


class Evaluator:
    """Evaluates one model again and again; owns the copy, never changes the model.

    ``widest`` is the largest number of values of one feature map of one image. When all training images fit into
    one chunk (digits do) the statistics are exact: those of the whole training set at every layer, and the train
    error is that of the pass which finds them. With more chunks they are the means of the chunks' statistics.
    """

    def __init__(self, model: nn.Module, data: Dataset, widest: int, precision: str = "fp32") -> None:
        self._precision = precision
        self._copy = copy.deepcopy(model)
        self._data = data
        self._norms = [module for module in self._copy.modules() if isinstance(module, NORMS)]
        self._chunk = chunk_size(widest)

    @torch.no_grad()
    def __call__(self, model: nn.Module) -> tuple[float, float]:
        """(train error, test error) of the model as fractions of the whole sets."""
        for mine, theirs in zip(self._copy.parameters(), model.parameters(), strict=True):
            mine.copy_(theirs)
        data, exact = self._data, len(self._data.train_x) <= self._chunk
        if self._norms:
            self._copy.eval()  # nothing is dropped while the norms look at the whole set
            for norm in self._norms:
                norm.train()
                norm.reset_running_stats()
                norm.momentum = None  # plain averages over the chunks
            wrong = self._wrong(data.train_x, data.train_y)
        self._copy.eval()
        if not self._norms or not exact:
            wrong = self._wrong(data.train_x, data.train_y)
        train, test = torch.stack((wrong, self._wrong(data.test_x, data.test_y))).tolist()
        return train / len(data.train_x), test / len(data.test_x)

    def _wrong(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        chunks = -(-len(x) // self._chunk)
        wrong = [
            (self._scores(images).argmax(1) != labels).sum()
            for images, labels in zip(x.chunk(chunks), y.chunk(chunks), strict=True)
        ]
        return torch.stack(wrong).sum()

    def _scores(self, images: torch.Tensor) -> torch.Tensor:
        with autocast(self._precision, images.device):
            scores: torch.Tensor = self._copy(images)
        return scores
