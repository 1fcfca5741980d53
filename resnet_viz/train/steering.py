"""A network's shortcuts and drop paths while it trains: how strong, cut or whole, how often they survive."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from ..nn import Unit, survive
from ..nn.shortcuts import Add
from ..spec import Network
from .changes import Change


class Shortcuts:
    """All additions of one network, in all its copies, by the path of their block ("layer1.0").

    y = F(x) + alpha x (He 2016b, Table 1, "constant scaling"). Exact at both ends: a strength of 1 multiplies nothing,
    and at 0 a block computes and learns as the plain one with its weights does.
    """

    def __init__(self, models: Sequence[nn.Module]) -> None:
        self._adds: dict[str, list[Add]] = {}
        for model in models:
            for path, unit in model.named_modules():
                if isinstance(unit, Unit) and unit.shortcut is not None:
                    self._adds.setdefault(path, []).append(unit.add)
        self._alpha = {path: adds[0].alpha for path, adds in self._adds.items()}
        self._cut: set[str] = set()

    def __contains__(self, path: object) -> bool:
        return path in self._adds

    def __len__(self) -> int:
        return len(self._adds)

    def strengthen(self, alpha: float) -> None:
        """Give every shortcut that strength; one that is cut has it when it is restored."""
        self._alpha = dict.fromkeys(self._alpha, alpha)
        self._apply()

    def cut(self, path: str, *, whole: bool = False) -> None:
        """Cut the shortcut of that block, or with ``whole`` restore it. Raises ``KeyError`` where there is none."""
        if path not in self._adds:
            raise KeyError(path)
        (self._cut.discard if whole else self._cut.add)(path)
        self._apply()

    def _apply(self) -> None:
        for path, adds in self._adds.items():
            for add in adds:
                add.alpha = 0.0 if path in self._cut else self._alpha[path]


def steer(change: Change, model: nn.Module, network: Network, shortcuts: Shortcuts, seed: int) -> None:
    """Make one change to a network; a plain one has nothing that "alpha" or "drop_path" could change."""
    if change.kind == "alpha":
        shortcuts.strengthen(change.value)
    elif change.kind == "shortcut" and change.block is not None:
        shortcuts.cut(change.block, whole=change.value == 1)
    elif change.kind == "drop_path" and len(shortcuts):
        survive(model, network.drop_path.model_copy(update={"survival": change.value}), seed)
